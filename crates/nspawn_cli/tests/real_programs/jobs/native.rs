//! Programs in C, C++ and Go.

use crate::case::{Stdio, Text};

const UNTIDY: &[u8] = include_bytes!("../files/untidy.cpp");
const PACKAGES: &[(&str, &[u8])] = &[
    ("pc/engine.pc", include_bytes!("../files/engine.pc")),
    ("pc/gear.pc", include_bytes!("../files/gear.pc")),
];

super::jobs! {
    ninja_starts_children_until_one_fails: NINJA {
        arguments: &["-j1", "-d", "keeprsp"],
        files: &[
            ("build.ninja", include_bytes!("../files/build.ninja")),
            ("nested.ninja", include_bytes!("../files/nested.ninja")),
            ("src/a.txt", b"a\n"),
            ("src/b.txt", b"b\n"),
        ],
        status: 1,
        says: "unknown target 'nowhere'",
        writes: &["second.rsp"],
    }

    ninja_prints_commands: NINJA {
        arguments: &["-f", "граф.ninja", "-t", "commands", "итог"],
        files: &[("граф.ninja", "rule r\n  command = cc -DЖ $in\nbuild итог: r start\n".as_bytes())],
        says: "cc -DЖ start",
    }

    task_runs_dependencies_and_a_failing_child: TASK {
        arguments: &["--exit-code", "--", "ключ", "a b"],
        files: &[
            ("Taskfile.yml", include_bytes!("../files/Taskfile.yml")),
            ("child.yml", include_bytes!("../files/child.yml")),
            ("src/a.txt", b"a\n"),
            ("src/b.txt", b"b\n"),
        ],
        stdio: Stdio::Pipes("one\nдва\n"),
        status: 9,
        says: "child ДИТЯ",
        writes: &["sizes.txt"],
    }

    pkgconf_resolves_what_a_package_needs: PKGCONF {
        arguments: &["--dont-define-prefix", "--log-file=log.txt", "--static", "--cflags", "--libs", "engine"],
        files: PACKAGES,
        environment: &[("PKG_CONFIG_PATH", "pc")],
        says: "-I/opt/двигатель/include -DMODE=fast -DGEAR -L/opt/двигатель/lib -lengine -lgear -lm",
        writes: &["log.txt"],
    }

    pkgconf_misses_a_version: PKGCONF {
        arguments: &["--with-path=pc", "--print-errors", "engine >= 3"],
        files: PACKAGES,
        stdio: Stdio::Pipes(""),
        status: 1,
        says: "required version is '>= 3'",
    }

    clang_format_rewrites_a_file: CLANG_FORMAT {
        arguments: &["-i", "--verbose", "--style=WebKit", "прог.cpp"],
        files: &[("прог.cpp", UNTIDY)],
        says: "прог.cpp",
        writes: &["прог.cpp"],
    }

    clang_format_formats_a_pipe: CLANG_FORMAT {
        arguments: &["--style={IndentWidth: 3, AllowShortFunctionsOnASingleLine: None}", "--assume-filename=x.cpp"],
        stdio: Stdio::Pipes("int  main( ){return  f( 1,2 );}//ж\n"),
        says: "   return f(1, 2);",
    }

    clang_format_finds_fault: CLANG_FORMAT {
        arguments: &["--dry-run", "-Werror", "--style=LLVM", "src/прог.cpp"],
        files: &[("src/прог.cpp", UNTIDY)],
        text: Text::FileNames,
        status: 1,
        says: "src/прог.cpp:1:4: error: code should be clang-formatted",
    }
}
