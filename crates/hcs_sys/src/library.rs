//! DLLs of the system's own directory, and functions in them, found when they are first used.
// UNSAFETY: loads DLLs and gives addresses in them their types.
#![expect(unsafe_code, reason = "LoadLibraryExW and GetProcAddress")]

use std::ffi::CStr;
use std::io;
use std::ptr::null_mut;
use std::sync::OnceLock;

use windows_sys::Win32::System::LibraryLoader::{
    GetProcAddress, LOAD_LIBRARY_SEARCH_SYSTEM32, LoadLibraryExW,
};

use crate::code::Code;
use crate::error::{Error, Result};
use crate::wide::Wide;

/// The address of a function whose type is not known here.
pub(crate) type Address = unsafe extern "system" fn() -> isize;

/// A DLL; it stays loaded once it is.
pub(crate) struct Library {
    name: &'static str,
    /// Its handle, or the error of the system.
    module: OnceLock<std::result::Result<usize, i32>>,
}

impl Library {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, module: OnceLock::new() }
    }

    /// Loads the DLL from the system's directory alone, so that none beside the program takes its place.
    fn module(&self) -> Result<usize> {
        let wide = Wide::new(self.name)?;
        let load = || {
            // SAFETY: the name ends in a zero and outlives the call.
            let module =
                unsafe { LoadLibraryExW(wide.as_ptr(), null_mut(), LOAD_LIBRARY_SEARCH_SYSTEM32) } as usize;
            match module {
                0 => Err(io::Error::last_os_error().raw_os_error().unwrap_or_default()),
                module => Ok(module),
            }
        };
        let source = |error| io::Error::from_raw_os_error(error);
        self.module
            .get_or_init(load)
            .map_err(|error| Error::NoLibrary { library: self.name, source: source(error) })
    }
}

/// A function of a DLL.
pub(crate) struct Function {
    library: &'static Library,
    name: &'static CStr,
    address: OnceLock<Option<Address>>,
}

impl Function {
    pub(crate) const fn new(library: &'static Library, name: &'static CStr) -> Self {
        Self { library, name, address: OnceLock::new() }
    }

    /// Finds the function.
    ///
    /// # Errors
    /// [`Error::NoLibrary`] or [`Error::NoFunction`].
    pub(crate) fn address(&self) -> Result<Address> {
        let module = self.library.module()?;
        // SAFETY: the module stays loaded, and the name ends in a zero.
        let find = || unsafe { GetProcAddress(module as _, self.name.as_ptr().cast()) };
        let function = self.name.to_str().unwrap_or_default();
        self.address.get_or_init(find).ok_or(Error::NoFunction { library: self.library.name, function })
    }
}

/// Functions of a DLL that go together: who needs one of them needs them all.
pub(crate) struct Functions {
    library: &'static Library,
    /// Their names, each with a zero at its end.
    names: &'static [&'static str],
}

impl Functions {
    pub(crate) const fn new(library: &'static Library, names: &'static [&'static str]) -> Self {
        Self { library, names }
    }

    /// Checks that all of them are there; calls none.
    ///
    /// # Errors
    /// [`Error::NoLibrary`] or [`Error::NoFunction`].
    pub(crate) fn require(&self) -> Result<()> {
        let module = self.library.module()?;
        // SAFETY: the module stays loaded, and the name ends in a zero.
        let is_there = |name: &str| unsafe { GetProcAddress(module as _, name.as_ptr()) }.is_some();
        match self.names.iter().find(|name| !(name.ends_with('\0') && is_there(name))) {
            Some(name) => {
                let function = name.trim_end_matches('\0');
                Err(Error::NoFunction { library: self.library.name, function })
            }
            None => Ok(()),
        }
    }
}

/// What a function that returns an HRESULT answered.
#[must_use]
pub(crate) struct Answer {
    pub(crate) function: &'static str,
    pub(crate) code: Code,
}

impl Answer {
    /// Makes a failure an error that keeps the result document.
    pub(crate) fn check(self, document: Option<String>) -> Result<()> {
        match self.code.is_failure() {
            true => Err(Error::Refused { function: self.function, code: self.code, document }),
            false => Ok(()),
        }
    }
}

/// Declares functions of a DLL: `result` those that return an HRESULT, which become functions that return an
/// [`Answer`], and `plain` all others. With `as NAME` they go together: `NAME` is their [`Functions`].
macro_rules! import {
    ($library:ident as $all:ident; $($sort:ident $name:ident($($arguments:tt)*) $(-> $returned:ty)?;)*) => {
        pub(crate) static $all: $crate::library::Functions =
            $crate::library::Functions::new(&$library, &[$(concat!(stringify!($name), "\0")),*]);
        $crate::library::import! { $library; $($sort $name($($arguments)*) $(-> $returned)?;)* }
    };
    ($library:expr; $($sort:ident $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $returned:ty)?;)*) => {
        $($crate::library::import!(@$sort $library, $name, ($($argument: $type),*), ($($returned)?));)*
    };
    (@result $library:expr, $name:ident, ($($argument:ident: $type:ty),*), ()) => {
        pub(crate) unsafe fn $name($($argument: $type),*) -> $crate::Result<$crate::library::Answer> {
            $crate::library::import!(@call $library, $name, ($($argument: $type),*), (i32), |value| {
                let code = $crate::Code::from_hresult(value);
                $crate::library::Answer { function: stringify!($name), code }
            })
        }
    };
    (@plain $library:expr, $name:ident, ($($argument:ident: $type:ty),*), ()) => {
        pub(crate) unsafe fn $name($($argument: $type),*) -> $crate::Result<()> {
            $crate::library::import!(@call $library, $name, ($($argument: $type),*), (), |value| value)
        }
    };
    (@plain $library:expr, $name:ident, ($($argument:ident: $type:ty),*), ($returned:ty)) => {
        pub(crate) unsafe fn $name($($argument: $type),*) -> $crate::Result<$returned> {
            $crate::library::import!(@call $library, $name, ($($argument: $type),*), ($returned), |value| value)
        }
    };
    (@call $library:expr, $name:ident, ($($argument:ident: $type:ty),*), ($($returned:ty)?), $answer:expr) => {{
        const NAME: &std::ffi::CStr =
            match std::ffi::CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                Ok(name) => name,
                Err(_) => panic!("an identifier holds no zero"),
            };
        static FUNCTION: $crate::library::Function = $crate::library::Function::new(&$library, NAME);
        type Type = unsafe extern "system" fn($($type),*) $(-> $returned)?;
        let address = FUNCTION.address()?;
        // SAFETY: the function of that name has this type, by its header or its only documented user.
        let function = unsafe { std::mem::transmute::<$crate::library::Address, Type>(address) };
        let answer = $answer;
        // SAFETY: what the arguments must be is the caller's to know.
        Ok(answer(unsafe { function($($argument),*) }))
    }};
}
pub(crate) use import;

#[cfg(test)]
mod tests {
    use super::*;

    static KERNEL32: Library = Library::new("kernel32.dll");

    #[test]
    fn the_first_that_is_missing_is_named() {
        for (library, names, missing) in [
            (&KERNEL32, &["CloseHandle\0", "CreateFileW\0"][..], None),
            (&KERNEL32, &["CloseHandle\0", "NoSuchFunction\0", "Another\0"], Some("NoSuchFunction")),
            // Without its zero it would not end.
            (&KERNEL32, &["CloseHandle"], Some("CloseHandle")),
        ] {
            let functions = Functions::new(library, names);
            let named = functions.require().err().map(|error| match error {
                Error::NoFunction { library: "kernel32.dll", function } => function,
                error => panic!("{error}"),
            });
            assert_eq!(named, missing);
        }
        static ABSENT: Library = Library::new("hcs_sys_absent.dll");
        let error = Functions::new(&ABSENT, &[]).require().unwrap_err();
        assert!(matches!(error, Error::NoLibrary { library: "hcs_sys_absent.dll", .. }), "{error}");
    }
}
