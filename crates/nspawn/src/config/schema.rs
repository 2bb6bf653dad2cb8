//! The JSON Schema of config.json, made from the table of keys that the parser uses.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::keys::{FILE, Key, Kind, Need};

/// Returns the JSON Schema (draft 2020-12) of config.json, ending in a newline.
pub fn json_schema() -> String {
    let mut text = serde_json::to_string_pretty(&File).expect("a tree of strings and numbers always prints");
    text.push('\n');
    text
}

struct File;

impl Serialize for File {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("$schema", "https://json-schema.org/draft/2020-12/schema")?;
        map.serialize_entry("title", "hostcompute_nspawn configuration")?;
        map.serialize_entry("description", "A Windows program and the container it runs in.")?;
        object_entries(&mut map, FILE)?;
        map.end()
    }
}

/// An object with these keys and no others.
struct Object(&'static [Key]);

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        object_entries(&mut map, self.0)?;
        map.end()
    }
}

fn object_entries<M: SerializeMap>(map: &mut M, keys: &'static [Key]) -> Result<(), M::Error> {
    map.serialize_entry("type", "object")?;
    map.serialize_entry("additionalProperties", &false)?;
    map.serialize_entry("required", &Required(keys))?;
    map.serialize_entry("properties", &Properties(keys))
}

struct Required(&'static [Key]);

impl Serialize for Required {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut names = serializer.serialize_seq(None)?;
        for key in self.0.iter().filter(|key| key.need == Need::Required) {
            names.serialize_element(key.name)?;
        }
        names.end()
    }
}

struct Properties(&'static [Key]);

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|key| (key.name, Property(key))))
    }
}

struct Property(&'static Key);

impl Serialize for Property {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("description", self.0.about)?;
        match &self.0.kind {
            Kind::Text => {
                map.serialize_entry("type", "string")?;
                map.serialize_entry("minLength", &1)?;
            }
            Kind::TextList => {
                map.serialize_entry("type", "array")?;
                map.serialize_entry("items", &Typed("string"))?;
                map.serialize_entry("default", &[(); 0])?;
            }
            Kind::TextMap => {
                map.serialize_entry("type", "object")?;
                map.serialize_entry("additionalProperties", &Typed("string"))?;
                map.serialize_entry("default", &serde_json::Map::new())?;
            }
            Kind::Integer { max } => {
                map.serialize_entry("type", "integer")?;
                map.serialize_entry("minimum", &0)?;
                map.serialize_entry("maximum", max)?;
                map.serialize_entry("default", &0)?;
            }
            Kind::Flag => {
                map.serialize_entry("type", "boolean")?;
                map.serialize_entry("default", &false)?;
            }
            Kind::Choice(choices) => {
                map.serialize_entry("enum", choices)?;
                map.serialize_entry("default", &choices[0])?;
            }
            Kind::Records(keys) => {
                map.serialize_entry("type", "array")?;
                map.serialize_entry("items", &Object(keys))?;
                map.serialize_entry("default", &[(); 0])?;
            }
        }
        map.end()
    }
}

/// A value of a type and no more said of it.
struct Typed(&'static str);

impl Serialize for Typed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([("type", self.0)])
    }
}
