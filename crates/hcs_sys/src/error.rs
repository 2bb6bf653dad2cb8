//! The crate's error: which function failed, why, and the service's own record of it.

use std::{fmt, io};

use crate::code::Code;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// A failed call.
#[derive(Debug)]
pub enum Error {
    /// This Windows has no such DLL, or it cannot be loaded.
    NoLibrary {
        /// Its file name.
        library: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// This Windows' DLL has no such function: it is older than the function.
    NoFunction {
        /// The DLL's file name.
        library: &'static str,
        /// The function's name.
        function: &'static str,
    },
    /// A text for Windows holds a NUL character, which would end it there.
    Nul(String),
    /// The function refused.
    Refused {
        /// The function's name.
        function: &'static str,
        /// Why.
        code: Code,
        /// The result document (JSON), where there was one.
        document: Option<String>,
    },
}

impl Error {
    /// Makes the error of the Win32 function that has just failed on this thread.
    #[cfg(windows)]
    pub(crate) fn last(function: &'static str) -> Self {
        let number = io::Error::last_os_error().raw_os_error().unwrap_or_default();
        let code = Code::from_win32(u16::try_from(number).unwrap_or_default());
        Self::Refused { function, code, document: None }
    }

    /// Returns the code, where a function returned one.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::NoLibrary { .. } | Self::NoFunction { .. } | Self::Nul(_) => None,
        }
    }

    /// Returns the service's own record of the failure (JSON), where it gave one.
    pub fn document(&self) -> Option<&str> {
        match self {
            Self::Refused { document, .. } => document.as_deref(),
            Self::NoLibrary { .. } | Self::NoFunction { .. } | Self::Nul(_) => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLibrary { library, .. } => write!(f, "this Windows has no {library} that can be loaded"),
            Self::NoFunction { library, function } => {
                write!(f, "{library} of this Windows has no {function}")
            }
            Self::Nul(text) => write!(f, "{text:?} holds a NUL character"),
            Self::Refused { function, code, .. } => write!(f, "{function}: {code}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoLibrary { source, .. } => Some(source),
            Self::NoFunction { .. } | Self::Nul(_) | Self::Refused { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_is_missing_or_refused() {
        let refused = Error::Refused {
            function: "HcsOpenComputeSystem",
            code: Code::SYSTEM_NOT_FOUND,
            document: Some("{}".to_owned()),
        };
        assert_eq!(refused.code(), Some(Code::SYSTEM_NOT_FOUND));
        assert_eq!(refused.document(), Some("{}"));
        let source = io::Error::from(io::ErrorKind::NotFound);
        for (error, wanted) in [
            (refused, "HcsOpenComputeSystem: there is no such compute system (0x8037010E)"),
            (
                Error::NoLibrary { library: "computecore.dll", source },
                "this Windows has no computecore.dll that can be loaded",
            ),
            (
                Error::NoFunction { library: "vmcompute.dll", function: "HcsSignalProcess" },
                "vmcompute.dll of this Windows has no HcsSignalProcess",
            ),
            (Error::Nul("a\0b".to_owned()), r#""a\0b" holds a NUL character"#),
        ] {
            assert_eq!(error.to_string(), wanted);
        }
    }
}
