//! The process configuration: the argument of `HcsCreateProcess`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ConsoleSize, is_false};

/// A process in a container, as schema v1 describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ProcessConfig {
    /// The executable; absent or empty: the first word of the command line names it. (14393; schema1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    /// The whole command line, quoted by the Windows rules. Always written. (14393; schema1)
    pub command_line: String,
    /// The account it runs as; absent or empty: the container's default. (14393; schema1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Where it starts, in the container. (14393; schema1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,
    /// Variables added to the container's environment. (14393; schema1)
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Whether it runs on a console of the service's making, whose output comes by the output pipe.
    /// (14393; schema1)
    #[serde(default, skip_serializing_if = "is_false")]
    pub emulate_console: bool,
    /// Whether its standard input is a pipe to us. (14393; schema1)
    #[serde(default, skip_serializing_if = "is_false")]
    pub create_std_in_pipe: bool,
    /// Whether its standard output is a pipe to us. (14393; schema1)
    #[serde(default, skip_serializing_if = "is_false")]
    pub create_std_out_pipe: bool,
    /// Whether its standard error is a pipe to us; ignored with a console. (14393; schema1)
    #[serde(default, skip_serializing_if = "is_false")]
    pub create_std_err_pipe: bool,
    /// The size of its console, `[height, width]` in cells. (14393; schema1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console_size: Option<ConsoleSize>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    const MINIMAL: &str = include_str!("golden/process_minimal.json");
    const COMPLETE: &str = include_str!("golden/process_complete.json");

    #[test]
    fn is_written_as_hcsshim_writes_it_and_read_back() {
        let minimal = ProcessConfig { command_line: r#""C:\a.exe""#.into(), ..ProcessConfig::default() };
        golden::check(&minimal, MINIMAL);
        let complete = ProcessConfig {
            application_name: Some(r"C:\a.exe".into()),
            command_line: r#""C:\a.exe" b"#.into(),
            user: Some("ContainerUser".into()),
            working_directory: Some(r"C:\".into()),
            environment: BTreeMap::from([("A".into(), "1".into()), ("Pfad".into(), "ö".into())]),
            emulate_console: true,
            create_std_in_pipe: true,
            create_std_out_pipe: true,
            create_std_err_pipe: true,
            console_size: Some(ConsoleSize { height: 25, width: 80 }),
        };
        golden::check(&complete, COMPLETE);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        golden::refuses_unknown_fields::<ProcessConfig>(COMPLETE, &[""]);
    }
}
