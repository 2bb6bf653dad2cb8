//! Archives that depend on their content alone: entries in order, one time, no owner.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};

use anyhow::{Context as _, Result};
use flate2::{Compression, GzBuilder};
use tar::{EntryType, Header};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// What stands at a path of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A file.
    File(Vec<u8>),
    /// A file that can be executed.
    Program(Vec<u8>),
    /// A link to a name beside it.
    Link(&'static str),
}

/// What an archive holds, by path.
pub type Content = BTreeMap<String, Entry>;

/// The one time that all entries have: the earliest that a zip file can say, 1980-01-01.
const TIME: u64 = 315_532_800;

/// Returns a tar file, compressed by gzip, of all of `content` in the directory `top`.
///
/// # Errors
/// A path is longer than the format has room for.
pub fn tar_gz(top: &str, content: &Content) -> Result<Vec<u8>> {
    let mut builder = tar::Builder::new(GzBuilder::new().write(Vec::new(), Compression::best()));
    for (path, entry) in content {
        let mut header = Header::new_ustar();
        let (kind, mode, bytes): (_, _, &[u8]) = match entry {
            Entry::File(bytes) => (EntryType::Regular, 0o644, bytes),
            Entry::Program(bytes) => (EntryType::Regular, 0o755, bytes),
            Entry::Link(target) => {
                header.set_link_name(target)?;
                (EntryType::Symlink, 0o777, &[])
            }
        };
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_mtime(TIME);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, format!("{top}/{path}"), bytes).with_context(|| path.clone())?;
    }
    Ok(builder.into_inner()?.finish()?)
}

/// Returns a zip file of all of `content` in the directory `top`. It has no links.
///
/// # Errors
/// A path cannot be an entry.
pub fn zip(top: &str, content: &Content) -> Result<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, entry) in content {
        let (mode, bytes) = match entry {
            Entry::File(bytes) => (0o644, bytes),
            Entry::Program(bytes) => (0o755, bytes),
            Entry::Link(target) => anyhow::bail!("{path}: a link to {target}, which a zip file cannot hold"),
        };
        // Its time is 1980-01-01 where none is given.
        let options = SimpleFileOptions::DEFAULT.unix_permissions(mode);
        writer.start_file(format!("{top}/{path}"), options)?;
        writer.write_all(bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn content() -> Content {
        Content::from([
            ("b/run".to_owned(), Entry::Program(b"#!".to_vec())),
            ("a.txt".to_owned(), Entry::File(vec![b'a'; 5000])),
        ])
    }

    #[test]
    fn a_tar_file_holds_what_was_given() {
        let mut content = content();
        content.insert("c".to_owned(), Entry::Link("a.txt"));
        let bytes = tar_gz("top", &content).unwrap();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&*bytes));
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            let header = entry.header();
            let link = header.link_name().unwrap().map(|link| link.display().to_string());
            let owner = header.uid().unwrap() + header.gid().unwrap();
            let path = entry.path().unwrap().display().to_string();
            (path, header.mode().unwrap(), header.mtime().unwrap(), owner, bytes.len(), link)
        });
        let wanted = [
            ("top/a.txt".to_owned(), 0o644, TIME, 0, 5000, None),
            ("top/b/run".to_owned(), 0o755, TIME, 0, 2, None),
            ("top/c".to_owned(), 0o777, TIME, 0, 0, Some("a.txt".to_owned())),
        ];
        assert_eq!(entries.collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn a_zip_file_holds_what_was_given() {
        let bytes = zip("top", &content()).unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
        assert_eq!(names, ["top/a.txt", "top/b/run"]);
        let mut file = archive.by_name("top/a.txt").unwrap();
        assert_eq!(file.last_modified().unwrap().year(), 1980);
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "a".repeat(5000));
    }

    #[test]
    fn a_zip_file_has_no_links() {
        let content = Content::from([("c".to_owned(), Entry::Link("a.txt"))]);
        assert!(zip("top", &content).is_err());
    }
}
