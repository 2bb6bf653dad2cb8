//! Profiles: the directory of an account below C:\\users, and what the registry says of it.
//!
//! Wine makes the base layer as its default account, [`User::default`]. Others have directories of the same names, which
//! the base layer holds as well, and the same registry, in which they stand in that account's place: it is written anew
//! into the scratch layer of a container that is another's.

use std::fs;
use std::io;
use std::path::Path;

use super::account::User;
use crate::state::remove;

/// The files of a prefix that hold the registry.
const REGISTRY: [&str; 3] = ["system.reg", "user.reg", "userdef.reg"];

/// Where an account's temporary files are, in its directory: as `guest/base.reg` says.
const TEMPORARY: &str = "AppData/Local/Temp";
/// Where Wine 8 has them.
const OLD_TEMPORARY: &str = "Temp";

/// Completes the default account's directories in `prefix`, which is being made, and makes those of all other accounts.
pub(super) fn make(prefix: &Path) -> io::Result<()> {
    let users = prefix.join("drive_c/users");
    let own = users.join(User::default().name());
    // The registry of ours names it, whatever this Wine has made.
    fs::create_dir_all(own.join(TEMPORARY))?;
    remove(&own.join(OLD_TEMPORARY))?;
    let mut others = User::ALL.into_iter().filter(|user| *user != User::default());
    others.try_for_each(|user| copy_directories(&own, &users.join(user.name())))
}

/// Copies directories alone: of files, a new account has none.
fn copy_directories(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            copy_directories(&entry.path(), &to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Writes the registry of `user` into `upper`, the directory that takes the changes of the prefix, from the base layer's.
pub(super) fn write_registry(user: User, base: &Path, upper: &Path) -> io::Result<()> {
    if user == User::default() {
        return Ok(());
    }
    for file in REGISTRY {
        // Wine's own text is ASCII, with all else escaped.
        let text = fs::read_to_string(base.join(file))?;
        fs::write(upper.join(file), text.replace(User::default().name(), user.name()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_account_has_the_same_directories_and_its_own_name_in_the_registry() {
        let place = tempfile::tempdir().unwrap();
        let (base, upper) = (place.path().join("base"), place.path().join("upper"));
        fs::create_dir_all(base.join("drive_c/users/ContainerUser/Temp")).unwrap();
        fs::write(base.join("drive_c/users/ContainerUser/file"), "his").unwrap();
        fs::create_dir(&upper).unwrap();
        for file in REGISTRY {
            fs::write(base.join(file), "\"TEMP\"=\"C:\\\\users\\\\ContainerUser\\\\AppData\"\n").unwrap();
        }
        make(&base).unwrap();
        let [own, other] =
            ["ContainerUser", "ContainerAdministrator"].map(|name| base.join("drive_c/users").join(name));
        assert!(own.join("file").exists() && !other.join("file").exists());
        for profile in [own, other] {
            assert!(profile.join("AppData/Local/Temp").is_dir() && !profile.join("Temp").exists());
        }
        write_registry(User::ContainerUser, &base, &upper).unwrap();
        assert_eq!(fs::read_dir(&upper).unwrap().count(), 0, "the base layer's own serves");
        write_registry(User::ContainerAdministrator, &base, &upper).unwrap();
        for file in REGISTRY {
            let text = fs::read_to_string(upper.join(file)).unwrap();
            assert_eq!(text, "\"TEMP\"=\"C:\\\\users\\\\ContainerAdministrator\\\\AppData\"\n");
        }
    }
}
