//! What the service says of a document that it refuses, held against the document. Pure.
//!
//! It names the place that it does not like, such as `Invalid JSON document '$.Container.Storage.Path'`
//! (MicrosoftDocs/Virtualization-Documentation, issue 1702), and not what stands there.

use serde_json::Value;

/// Says what stands in `document` (JSON) at the first place that `words` name; `None` where they name none.
pub(super) fn told(words: &str, document: &str) -> Option<String> {
    let (place, pointer) = words.split('$').skip(1).find_map(place)?;
    let document: Value = serde_json::from_str(document).ok()?;
    Some(match document.pointer(&pointer) {
        Some(value) => format!("in our document ${place} is {value}"),
        None => format!("our document has no ${place}"),
    })
}

/// Reads the place that a text begins with, after its `$`: as it is written, and as a JSON pointer.
fn place(text: &str) -> Option<(&str, String)> {
    let belongs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '[' | ']');
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    let place = text[..end].trim_end_matches('.');
    let names = place.split(['.', '[']).map(|name| name.trim_end_matches(']')).skip(1);
    let pointer: String = names.map(|name| format!("/{name}")).collect();
    (place.starts_with(['.', '[']) && !pointer.contains("//")).then_some((place, pointer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_that_is_named_is_looked_at() {
        let document =
            r#"{"Container": {"Storage": {"Path": "x"}, "MappedDirectories": [{}, {"ReadOnly": true}]}}"#;
        for (words, wanted) in [
            (
                "Invalid JSON document '$.Container.Storage.Path'",
                Some(r#"in our document $.Container.Storage.Path is "x""#),
            ),
            ("bad: $.Container.Storage.", Some(r#"in our document $.Container.Storage is {"Path":"x"}"#)),
            (
                "$.Container.MappedDirectories[1].ReadOnly: is no text",
                Some("in our document $.Container.MappedDirectories[1].ReadOnly is true"),
            ),
            ("price in $ of '$.Container.Memory'", Some("our document has no $.Container.Memory")),
            ("Invalid JSON document '$'", None),
            ("it costs 5 $", None),
            ("$..", None),
            ("$.a..b", None),
            ("", None),
        ] {
            assert_eq!(told(words, document).as_deref(), wanted, "{words}");
        }
        assert_eq!(told("$[1]", "[1, 2]").as_deref(), Some("in our document $[1] is 2"));
        assert_eq!(told("$.a", "no JSON"), None);
    }
}
