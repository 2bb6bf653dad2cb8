//! Changes made to a container's registry before it boots.

use serde::{Deserialize, Serialize};

use crate::is_false;

/// Values set and keys removed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RegistryChanges {
    /// Values that are set. (schema 2.0)
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add_values: Vec<RegistryValue>,
    /// Keys that are removed. (schema 2.0)
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delete_keys: Vec<RegistryKey>,
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RegistryKey {
    /// The file it lies in. (schema 2.0)
    pub hive: RegistryHive,
    /// Its path in the hive, such as `ControlSet001\Control`. (schema 2.0)
    pub name: String,
    /// Whether it is gone when the container stops. (schema 2.0)
    #[serde(default, skip_serializing_if = "is_false")]
    pub volatile: bool,
}

/// The hives of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegistryHive {
    /// `HKEY_LOCAL_MACHINE\SYSTEM`. (schema 2.0)
    System,
    /// `HKEY_LOCAL_MACHINE\SOFTWARE`. (schema 2.0)
    Software,
    /// `HKEY_LOCAL_MACHINE\SECURITY`. (schema 2.0)
    Security,
    /// `HKEY_LOCAL_MACHINE\SAM`. (schema 2.0)
    Sam,
}

/// A value: of the four `…_value` fields exactly the one that its type calls for is present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RegistryValue {
    /// The key it lies in. (schema 2.0)
    pub key: RegistryKey,
    /// Its name. (schema 2.0)
    pub name: String,
    /// Its type. (schema 2.0)
    #[serde(rename = "Type")]
    pub value_type: RegistryValueType,
    /// A text. (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub string_value: Option<String>,
    /// Bytes, in base64. (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
    /// A number of 32 bits. (schema 2.0)
    #[serde(rename = "DWordValue", skip_serializing_if = "Option::is_none")]
    pub dword_value: Option<u32>,
    /// A number of 64 bits. (schema 2.0)
    #[serde(rename = "QWordValue", skip_serializing_if = "Option::is_none")]
    pub qword_value: Option<u64>,
    /// The number of the type, where that is [`RegistryValueType::CustomType`]; the data is `binary_value`.
    /// (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_type: Option<u32>,
}

impl RegistryValue {
    /// Returns a value of type `REG_SZ`.
    pub fn string(key: RegistryKey, name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            key,
            name: name.into(),
            value_type: RegistryValueType::String,
            string_value: Some(value.into()),
            binary_value: None,
            dword_value: None,
            qword_value: None,
            custom_type: None,
        }
    }
}

/// The types of registry values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegistryValueType {
    /// `REG_NONE`. (schema 2.0)
    None,
    /// `REG_SZ`. (schema 2.0)
    String,
    /// `REG_EXPAND_SZ`. (schema 2.0)
    ExpandedString,
    /// `REG_MULTI_SZ`. (schema 2.0)
    MultiString,
    /// `REG_BINARY`. (schema 2.0)
    Binary,
    /// `REG_DWORD`. (schema 2.0)
    DWord,
    /// `REG_QWORD`. (schema 2.0)
    QWord,
    /// Another one, by number. (schema 2.0)
    CustomType,
}
