//! Current Rust programs: under bare Wine 8 they do not start, for want of bcryptprimitives.dll.

use crate::case::{Stdio, Text};

const UNTIDY: &[u8] = include_bytes!("../files/untidy.py");

super::jobs! {
    ripgrep_finds_unicode: RIPGREP {
        arguments: &["-n", "-i", "--sort", "path", "бета|中文", "src"],
        files: &[("src/a.txt", "альфа бета\nlatin\nБЕТА\n".as_bytes()), ("src/sub/б.txt", "x 中文 y\nбета\n".as_bytes())],
        text: Text::FileNames,
        says: "src/sub/б.txt:1:x 中文 y",
    }

    ripgrep_searches_a_pipe: RIPGREP {
        arguments: &["--only-matching", "--replace", "<$1>", r"(\w+) ж", "-"],
        stdio: Stdio::Pipes("one\ntwo ж\nthree\n"),
        says: "<two>",
    }

    ripgrep_finds_nothing: RIPGREP {
        arguments: &["absent", "src"],
        files: &[("src/a.txt", b"present\n")],
        status: 1,
    }

    ripgrep_refuses_a_pattern: RIPGREP {
        arguments: &["("],
        status: 2,
        says: "unclosed group",
    }

    ruff_reports_what_is_wrong: RUFF {
        arguments: &["check", "--isolated", "--no-cache", "--output-format", "concise", "src"],
        files: &[("src/имя.py", UNTIDY), ("src/sub/untidy.py", UNTIDY)],
        text: Text::FileNames,
        status: 1,
        says: "src/имя.py:5:5: F841",
    }

    ruff_rewrites_a_file: RUFF {
        arguments: &["format", "--isolated", "--no-cache", "untidy.py"],
        files: &[("untidy.py", UNTIDY)],
        says: "1 file reformatted",
        writes: &["untidy.py"],
    }

    ruff_mends_a_pipe: RUFF {
        arguments: &["check", "--isolated", "--no-cache", "--quiet", "--fix", "-"],
        stdio: Stdio::Pipes("import os\nимя = 1\nprint( имя )\n"),
        says: "print( имя )",
    }
}
