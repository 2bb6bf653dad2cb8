//! Judges documents as the service does: by tables of what it takes.
//!
//! The tables ([`v1`], [`v2`], [`requests`]) are written from hcsshim's structures and from Microsoft's reference of
//! the schemas, and know nothing of the code that is tested on them: what both got wrong together is not found out,
//! what one of them got wrong is. A document is refused with the place where it is wrong, as the service names it:
//! `$.Container.MappedDirectories[0].HostPath`.
//!
//! Where it is not known whether the service takes something, it is refused here. What it takes from others, but not
//! from who asks for a process-isolated Windows container, is refused with another code ([`Kind::Elsewhere`]).

pub mod forms;
pub mod requests;
pub mod v1;
pub mod v2;

#[cfg(test)]
pub(crate) mod tests;

use serde_json::{Map, Value};

use crate::code::{Code, Failure, Result};

/// What a document is an answer to: some rules need it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The build of Windows that is asked.
    pub build: u32,
    /// The minor version of schema v2 that the document keeps to.
    pub minor: u64,
    /// The id that the system shall have, beside the document.
    pub id: &'a str,
}

impl Asked<'_> {
    /// Returns what a document without an id and a version of its own is an answer to.
    pub fn of_build(build: u32) -> Self {
        Self { build, minor: v2::newest_minor(build), id: "" }
    }
}

/// What a value may be.
#[derive(Debug)]
pub enum Kind {
    /// A text.
    Text,
    /// A text of which the function is true, and what that is in words.
    Form(fn(&str) -> bool, &'static str),
    /// One of these texts.
    Words(&'static [&'static str]),
    /// True or false.
    Flag,
    /// A whole number, no less than the first and no more than the second.
    Number(i128, i128),
    /// Any number of these.
    List(&'static Kind),
    /// Two of these.
    Pair(&'static Kind),
    /// Any names, each with a text.
    Texts,
    /// An object of its own.
    Object(&'static Object),
    /// Something that the service takes, and that no process-isolated Windows container has.
    Elsewhere,
}

/// 1 to the most that a `uint64` holds: those of limits, of which none is 0.
pub const ABOVE_0: Kind = Kind::Number(1, u64::MAX as i128);
/// Any `uint64`.
pub const U64: Kind = Kind::Number(0, u64::MAX as i128);
/// Any `uint32`.
pub const U32: Kind = Kind::Number(0, u32::MAX as i128);
/// Any `uint16`.
pub const U16: Kind = Kind::Number(0, u16::MAX as i128);
/// Hundredths of a percent, or a relative weight.
pub const TEN_THOUSAND: Kind = Kind::Number(1, 10_000);

/// Which Windows takes a field.
#[derive(Debug, Clone, Copy)]
pub enum Since {
    /// Each that takes the document.
    Always,
    /// Those from this build on.
    Build(u32),
    /// Those that take this minor version of schema v2, of documents that say that they keep to it.
    Minor(u64),
}

/// A field of an object.
#[derive(Debug)]
pub struct Field {
    name: &'static str,
    required: bool,
    kind: Kind,
    since: Since,
}

/// Makes a field that need not be there.
pub const fn may(name: &'static str, kind: Kind) -> Field {
    Field { name, required: false, kind, since: Since::Always }
}

/// Makes a field that must be there.
pub const fn must(name: &'static str, kind: Kind) -> Field {
    Field { name, required: true, kind, since: Since::Always }
}

impl Field {
    /// Says which Windows takes it.
    pub const fn since(mut self, since: Since) -> Self {
        self.since = since;
        self
    }
}

/// A broken rule: in which field, by what.
pub type Broken = (&'static str, Code, &'static str);

/// A rule about more than one field; tells whether it is broken.
pub type Rule = fn(&Map<String, Value>, &Asked<'_>) -> Option<Broken>;

/// What an object may hold.
#[derive(Debug)]
pub struct Object {
    /// Its fields, and no others.
    pub fields: &'static [Field],
    /// What they must keep to together.
    pub rules: &'static [Rule],
}

/// Makes a rule of objects in which no two of these fields may be.
pub fn exclude(fields: &[&'static str], object: &Map<String, Value>) -> Option<Broken> {
    let second = fields.iter().filter(|name| object.contains_key(**name)).nth(1)?;
    Some((second, Code::INVALID_JSON, "excludes another field that is there"))
}

/// Reads a text that an object is to be in, and judges it.
///
/// # Errors
/// It is refused, with the place where it is wrong.
pub fn judge(text: &str, object: &Object, asked: &Asked<'_>) -> Result<Value> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| refuse("$", Code::INVALID_JSON, &error.to_string()))?;
    object.judge(&value, "$", asked)?;
    Ok(value)
}

fn refuse(place: &str, code: Code, why: &str) -> Failure {
    let failure = Failure::new(code, format!("{place}: {why}"));
    if code == Code::INVALID_JSON { failure.at(place) } else { failure }
}

fn wrong<T>(place: &str, why: &str) -> Result<T> {
    Err(refuse(place, Code::INVALID_JSON, why))
}

impl Object {
    fn judge(&self, value: &Value, place: &str, asked: &Asked<'_>) -> Result<()> {
        let Some(object) = value.as_object() else { return wrong(place, "is no object") };
        for (name, value) in object {
            let place = format!("{place}.{name}");
            match self.fields.iter().find(|field| field.name == name) {
                Some(field) => field.judge(value, &place, asked)?,
                None => return wrong(&place, "is no field of it"),
            }
        }
        let missing = |field: &&Field| field.required && !object.contains_key(field.name);
        if let Some(Field { name, .. }) = self.fields.iter().find(missing) {
            return wrong(&format!("{place}.{name}"), "is missing");
        }
        match self.rules.iter().find_map(|rule| rule(object, asked)) {
            Some((name, code, why)) => Err(refuse(&format!("{place}.{name}"), code, why)),
            None => Ok(()),
        }
    }
}

impl Field {
    fn judge(&self, value: &Value, place: &str, asked: &Asked<'_>) -> Result<()> {
        let is_known = match self.since {
            Since::Always => true,
            Since::Build(build) => build <= asked.build,
            Since::Minor(minor) => minor <= asked.minor,
        };
        if is_known { self.kind.judge(value, place, asked) } else { wrong(place, "is no field of it yet") }
    }
}

impl Kind {
    fn judge(&self, value: &Value, place: &str, asked: &Asked<'_>) -> Result<()> {
        let each = |kind: &Self, list: &[Value]| {
            let judge = |(at, value)| kind.judge(value, &format!("{place}[{at}]"), asked);
            list.iter().enumerate().try_for_each(judge)
        };
        match (self, value) {
            (Self::Elsewhere, _) => {
                Err(refuse(place, Code::NOT_SUPPORTED, "is of no process-isolated Windows container"))
            }
            (Self::Text, Value::String(_)) | (Self::Flag, Value::Bool(_)) => Ok(()),
            (Self::Form(is_it, _), Value::String(text)) if is_it(text) => Ok(()),
            (Self::Form(_, what), _) => wrong(place, &format!("is not {what}")),
            (Self::Words(words), Value::String(text)) if words.contains(&text.as_str()) => Ok(()),
            (Self::Words(words), _) => wrong(place, &format!("is none of {words:?}")),
            (Self::Number(least, most), Value::Number(number)) => match number.as_i128() {
                Some(number) if (*least..=*most).contains(&number) => Ok(()),
                _ => wrong(place, &format!("is no whole number from {least} to {most}")),
            },
            (Self::List(kind), Value::Array(list)) => each(kind, list),
            (Self::Pair(kind), Value::Array(list)) if list.len() == 2 => each(kind, list),
            (Self::Texts, Value::Object(texts)) => match texts.iter().find(|(_, text)| !text.is_string()) {
                Some((name, _)) => wrong(&format!("{place}.{name}"), "is no text"),
                None => Ok(()),
            },
            (Self::Object(object), _) => object.judge(value, place, asked),
            _ => wrong(place, "is of the wrong type"),
        }
    }
}
