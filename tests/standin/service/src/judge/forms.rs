//! Forms of texts, and rules that objects of both schemas keep to.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Broken, Kind};
use crate::code::Code;
use crate::guid;

/// A GUID without braces.
pub const GUID: Kind = Kind::Form(is_guid, "a GUID without braces");
/// A path of the host from its root on.
pub const HOST_PATH: Kind = Kind::Form(is_absolute, "an absolute path");
/// A path below a drive of the container.
pub const CONTAINER_PATH: Kind = Kind::Form(is_below_drive, "a path below a drive");
/// A volume, as schema v1 wants it.
pub const VOLUME: Kind = Kind::Form(
    |path| volume(path).is_some_and(|rest| rest == "}"),
    "a volume without a separator at its end",
);
/// A volume, as schema v2 wants it.
pub const VOLUME_WITH_SEPARATOR: Kind =
    Kind::Form(|path| volume(path).is_some_and(|rest| rest == r"}\"), "a volume with a separator at its end");
/// Some text.
pub const SOMETHING: Kind = Kind::Form(|text| !text.is_empty(), "a text that says something");

fn is_guid(text: &str) -> bool {
    text.len() == 36 && text.parse::<Uuid>().is_ok()
}

/// Returns what follows the GUID of a volume's name.
fn volume(path: &str) -> Option<&str> {
    let (guid, rest) = path.strip_prefix(r"\\?\Volume{")?.split_at_checked(36)?;
    is_guid(guid).then_some(rest)
}

/// Returns what follows a drive and its separator.
fn below_drive(path: &str) -> Option<&str> {
    let rest = path.strip_prefix(|drive: char| drive.is_ascii_alphabetic())?;
    rest.strip_prefix(r":\")
}

fn is_absolute(path: &str) -> bool {
    let of_share = path.strip_prefix(r"\\").is_some_and(|share| share.contains('\\'));
    below_drive(path).is_some() || of_share
}

fn is_below_drive(path: &str) -> bool {
    below_drive(path).is_some_and(|rest| !rest.is_empty())
}

/// Rule: a layer's id is that which `NameToGuid` gives the last name of its path. `id` is the name of the field.
pub fn layer_has_id_of_path(id: &'static str, layer: &Map<String, Value>) -> Option<Broken> {
    let text = |name| layer.get(name).and_then(Value::as_str).unwrap_or_default();
    let wanted = guid::of_path(text("Path")).to_string();
    (text(id) != wanted).then_some((id, Code::INVALID_JSON, "is not what NameToGuid says of the path's name"))
}

/// Rule: there is one element at least.
pub fn not_empty(name: &'static str, object: &Map<String, Value>) -> Option<Broken> {
    let is_empty = object.get(name).and_then(Value::as_array).is_some_and(Vec::is_empty);
    is_empty.then_some((name, Code::INVALID_JSON, "has no element"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_their_forms() {
        let guid = "00000000-0000-0000-0000-00000000000a";
        for (kind, text, wanted) in [
            (GUID, guid, true),
            (GUID, "{00000000-0000-0000-0000-00000000000a}", false),
            (GUID, "0000000000000000000000000000000a", false),
            (HOST_PATH, r"C:\", true),
            (HOST_PATH, r"\\server\share", true),
            (HOST_PATH, r"\\?\C:\x", true),
            (HOST_PATH, r"\x", false),
            (HOST_PATH, r"C:x", false),
            (HOST_PATH, "C:/x", false),
            (CONTAINER_PATH, r"c:\x", true),
            (CONTAINER_PATH, r"C:\", false),
            (CONTAINER_PATH, r"\\server\share", false),
            (VOLUME, r"\\?\Volume{00000000-0000-0000-0000-00000000000a}", true),
            (VOLUME, r"\\?\Volume{00000000-0000-0000-0000-00000000000a}\", false),
            (VOLUME_WITH_SEPARATOR, r"\\?\Volume{00000000-0000-0000-0000-00000000000a}\", true),
            (VOLUME_WITH_SEPARATOR, r"C:\", false),
            (SOMETHING, "", false),
        ] {
            let Kind::Form(is_it, what) = kind else { panic!("{text}") };
            assert_eq!(is_it(text), wanted, "{text}: {what}");
        }
    }
}
