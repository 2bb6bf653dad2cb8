//! Paths of directories of a Linux host.

use std::path::{Component, Path, PathBuf};

use crate::error::Result;
use crate::refusal::refuse;

/// File systems of the kernel, and devices: a container gets its own.
const KERNEL_DIRECTORIES: [&str; 3] = ["/proc", "/sys", "/dev"];

/// Returns the absolute path of the host directory that `text`, the value of `key`, names: joined to `base` where
/// relative, `.` and `..` taken out by their letters alone (`a/../b` is `b`, whatever `a` links to), so that the
/// path that is judged is the path that is used.
///
/// `own_roots` are directories where we keep state: none of them may lie in the result, nor the result in one.
///
/// # Errors
/// [`ErrorKind::InvalidSpec`](crate::ErrorKind::InvalidSpec): a Windows path, a backslash, NUL, not absolute, not
/// UTF-8, the root directory, one of the kernel's, or one that meets `own_roots`.
pub fn host_path(key: &str, text: &str, base: &Path, own_roots: &[PathBuf]) -> Result<PathBuf> {
    let refused = |what: &str| Err(refuse(key, what, text));
    if text.is_empty() {
        return refused("is empty");
    }
    if text.contains('\0') {
        return refused("holds a NUL character");
    }
    if is_windows_path(text) {
        return refused("is a Windows path, but host directories have Linux paths here");
    }
    if text.contains('\\') {
        return refused("holds a backslash, but host directories have Linux paths here: separate with '/'");
    }
    let Some(path) = cleaned(&base.join(text)) else {
        return refused("is not absolute, and neither is the directory it is relative to");
    };
    if path.to_str().is_none() {
        return refused("is relative to a directory whose path is not UTF-8");
    }
    check_host(key, &path, own_roots)?;
    Ok(path)
}

/// Checks that a host directory, the value of `key`, may be mapped: called for the path as written, and again for
/// the real one once it is opened and its links are resolved.
///
/// # Errors
/// [`ErrorKind::InvalidSpec`](crate::ErrorKind::InvalidSpec), as for [`host_path`].
pub fn check_host(key: &str, path: &Path, own_roots: &[PathBuf]) -> Result<()> {
    let refused = |what: &str| Err(refuse(key, what, &path.to_string_lossy()));
    if path == Path::new("/") {
        return refused("is the root directory of the host");
    }
    if KERNEL_DIRECTORIES.iter().any(|kernel| path.starts_with(kernel)) {
        return refused("lies in /proc, /sys or /dev of the host");
    }
    if own_roots.iter().any(|own| path.starts_with(own) || own.starts_with(path)) {
        return refused("holds, or lies in, a directory where containers are kept");
    }
    Ok(())
}

/// Tells a path that only Windows would understand: `C:x`, `C:/x`, `\x`, `\\server\share`, `//?/C:/x`.
fn is_windows_path(text: &str) -> bool {
    match text.as_bytes() {
        [b'\\', ..] | [b'/', b'/' | b'\\', ..] => true,
        [letter, b':', ..] => letter.is_ascii_alphabetic(),
        _ => false,
    }
}

/// Takes `.` and `..` out of an absolute path; nothing lies above its root.
fn cleaned(path: &Path) -> Option<PathBuf> {
    let mut clean = path.is_absolute().then(|| PathBuf::from("/"))?;
    for component in path.components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::ParentDir => {
                clean.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Some(clean)
}
