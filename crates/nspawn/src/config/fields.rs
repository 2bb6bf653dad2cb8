//! Checks a JSON value against the table of keys: after it, types, ranges and names are right, and only meaning is
//! left to judge.

use std::collections::BTreeMap;

use super::json::Value;
use super::keys::{Key, Kind, Need, UNSUPPORTED};
use crate::error::{Error, ErrorKind, Result};
use crate::refusal::{escaped, key_shown, refuse};

/// How many characters of an unknown key are compared with the known ones.
const COMPARED: usize = 64;

/// The members of an object, each of the kind that the table says.
#[derive(Debug)]
pub(super) struct Fields {
    /// Path of the object in the file, with its dot: empty, or `mounts[0].`.
    path: String,
    fields: BTreeMap<&'static str, Field>,
}

#[derive(Debug)]
enum Field {
    Text(String),
    TextList(Vec<String>),
    TextMap(Vec<(String, String)>),
    Integer(u64),
    Flag(bool),
    Records(Vec<Fields>),
}

impl Fields {
    /// Checks the whole file.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSpec`]: an unknown or missing key, a wrong type, a number out of range.
    /// [`ErrorKind::Unsupported`]: a key that we know and refuse.
    pub(super) fn of_file(value: Value, keys: &'static [Key]) -> Result<Self> {
        if let Value::Object(members) = &value {
            for (name, given) in members {
                if let Some((_, why)) = UNSUPPORTED.iter().find(|(known, _)| known == name) {
                    let error =
                        Error::invalid(name.as_str(), format!("{why}: {}", escaped(&given.to_string())));
                    return Err(error.with_kind(ErrorKind::Unsupported));
                }
            }
        }
        Self::of_object(String::new(), value, keys)
    }

    fn of_object(path: String, value: Value, keys: &'static [Key]) -> Result<Self> {
        let Value::Object(members) = value else {
            let subject = if path.is_empty() { "configuration" } else { path.trim_end_matches('.') };
            return Err(wrong_type(subject, "an object", &value));
        };
        let mut fields = BTreeMap::new();
        for (name, value) in members {
            let Some(key) = keys.iter().find(|key| key.name == name) else {
                return Err(unknown(&path, &name, keys));
            };
            fields.insert(key.name, Field::check(format!("{path}{name}"), value, &key.kind)?);
        }
        let missing = |key: &&Key| key.need == Need::Required && !fields.contains_key(key.name);
        match keys.iter().find(missing) {
            Some(key) => Err(Error::invalid(format!("{path}{}", key.name), "is required")),
            None => Ok(Self { path, fields }),
        }
    }

    /// Returns the name of `key` as messages give it: `mounts[0].source`.
    pub(super) fn path(&self, key: &str) -> String {
        format!("{}{key}", self.path)
    }

    /// Returns the text of `key`, a choice too, where it is there.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.fields.get(key)? {
            Field::Text(text) => Some(text),
            other => unreachable!("the table has no text for {key}: {other:?}"),
        }
    }

    /// Returns the text of `key`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSpec`]: it is absent.
    pub(super) fn required_text(&self, key: &str) -> Result<&str> {
        self.text(key).ok_or_else(|| Error::invalid(self.path(key), "is required"))
    }

    /// Returns the strings of `key`; none where it is absent.
    pub(super) fn texts(&self, key: &str) -> &[String] {
        match self.fields.get(key) {
            None => &[],
            Some(Field::TextList(texts)) => texts,
            Some(other) => unreachable!("the table has no list of texts for {key}: {other:?}"),
        }
    }

    /// Returns the members of `key`; none where it is absent.
    pub(super) fn text_map(&self, key: &str) -> &[(String, String)] {
        match self.fields.get(key) {
            None => &[],
            Some(Field::TextMap(members)) => members,
            Some(other) => unreachable!("the table has no object of texts for {key}: {other:?}"),
        }
    }

    /// Returns the number of `key`; 0 where it is absent.
    pub(super) fn integer(&self, key: &str) -> u64 {
        match self.fields.get(key) {
            None => 0,
            Some(Field::Integer(number)) => *number,
            Some(other) => unreachable!("the table has no number for {key}: {other:?}"),
        }
    }

    /// Returns the boolean of `key`; false where it is absent.
    pub(super) fn flag(&self, key: &str) -> bool {
        match self.fields.get(key) {
            None => false,
            Some(Field::Flag(flag)) => *flag,
            Some(other) => unreachable!("the table has no boolean for {key}: {other:?}"),
        }
    }

    /// Returns the objects of `key`; none where it is absent.
    pub(super) fn records(&self, key: &str) -> &[Fields] {
        match self.fields.get(key) {
            None => &[],
            Some(Field::Records(records)) => records,
            Some(other) => unreachable!("the table has no objects for {key}: {other:?}"),
        }
    }
}

impl Field {
    /// Checks the value at `path` against `kind`.
    fn check(path: String, value: Value, kind: &Kind) -> Result<Self> {
        match (kind, value) {
            (Kind::Text, Value::String(text)) => Ok(Self::Text(text)),
            (Kind::Choice(choices), Value::String(text)) => match choices.contains(&text.as_str()) {
                true => Ok(Self::Text(text)),
                false => Err(refuse(path, format!("must be one of {}", choices.join(", ")), &text)),
            },
            (Kind::Integer { max }, Value::Number(text)) => match text.parse() {
                Ok(number) if number <= *max => Ok(Self::Integer(number)),
                _ => {
                    let rule = format!("must be a whole number from 0 to {max}, in plain digits");
                    Err(Error::invalid(path, format!("{rule}: {}", escaped(&text))))
                }
            },
            (Kind::Flag, Value::Bool(flag)) => Ok(Self::Flag(flag)),
            (Kind::TextList, Value::Array(items)) => {
                let items = items.into_iter().enumerate();
                let texts = items.map(|(n, item)| text_of(|| format!("{path}[{n}]"), item));
                texts.collect::<Result<_>>().map(Self::TextList)
            }
            (Kind::TextMap, Value::Object(members)) => {
                let members = members.into_iter();
                let texts = members.map(|(name, value)| {
                    let text = text_of(|| format!("{path}.{}", key_shown(&name)), value)?;
                    Ok((name, text))
                });
                texts.collect::<Result<_>>().map(Self::TextMap)
            }
            (Kind::Records(keys), Value::Array(items)) => {
                let items = items.into_iter().enumerate();
                let records = items.map(|(n, item)| Fields::of_object(format!("{path}[{n}]."), item, keys));
                records.collect::<Result<_>>().map(Self::Records)
            }
            (kind, value) => Err(wrong_type(path, kind.type_name(), &value)),
        }
    }
}

fn text_of(path: impl FnOnce() -> String, value: Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(wrong_type(path(), "a string", &other)),
    }
}

fn wrong_type(path: impl Into<String>, wanted: &str, value: &Value) -> Error {
    let shown = escaped(&value.to_string());
    Error::invalid(path, format!("must be {wanted}, not {}: {shown}", value.type_name()))
}

fn unknown(path: &str, name: &str, keys: &[Key]) -> Error {
    // A long key is compared by its beginning: the distance takes time by the product of both lengths.
    let wanted: String = name.trim().chars().take(COMPARED).flat_map(char::to_lowercase).collect();
    // Those at the top that we refuse are known, too.
    let refused = if path.is_empty() { UNSUPPORTED } else { &[] };
    let names = keys.iter().map(|key| key.name).chain(refused.iter().map(|(name, _)| *name));
    let nearest = names.min_by_key(|name| strsim::osa_distance(&wanted, name)).unwrap_or("");
    Error::invalid(
        format!("{path}{}", key_shown(name)),
        format!("unknown key; the nearest known key is {nearest}"),
    )
}
