//! The process parameters: the argument of `HcsCreateProcess`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ConsoleSize, is_false};

/// A process in a container, as schema v2 describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ProcessParameters {
    /// The executable; absent or empty: the first word of the command line names it. (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    /// The whole command line, quoted by the Windows rules. Always written. (schema 2.0)
    pub command_line: String,
    /// The account it runs as; absent or empty: the container's default. (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Where it starts, in the container. (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,
    /// Variables added to the container's environment. (schema 2.0)
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Whether it runs with few privileges. (schema 2.0)
    #[serde(default, skip_serializing_if = "is_false")]
    pub restricted_token: bool,
    /// Whether it runs on a console of the service's making, whose output comes by the output pipe. (schema 2.0)
    #[serde(default, skip_serializing_if = "is_false")]
    pub emulate_console: bool,
    /// Whether its standard input is a pipe to us. (schema 2.0)
    #[serde(default, skip_serializing_if = "is_false")]
    pub create_std_in_pipe: bool,
    /// Whether its standard output is a pipe to us. (schema 2.0)
    #[serde(default, skip_serializing_if = "is_false")]
    pub create_std_out_pipe: bool,
    /// Whether its standard error is a pipe to us; ignored with a console. (schema 2.0)
    #[serde(default, skip_serializing_if = "is_false")]
    pub create_std_err_pipe: bool,
    /// The size of its console, `[height, width]` in cells. (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console_size: Option<ConsoleSize>,
    /// Whether it joins a session that its user already has. (schema 2.0)
    #[serde(default, skip_serializing_if = "is_false")]
    pub use_existing_login: bool,
    /// Whether its console is of the old kind, not conhost's. (schema 2.0)
    #[serde(default, skip_serializing_if = "is_false")]
    pub use_legacy_console: bool,
}
