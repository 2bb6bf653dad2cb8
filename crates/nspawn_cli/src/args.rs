//! What the command line says.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use nspawn::engine::Unenforced;
use nspawn::host::Places;

/// Run a Windows program in a container, without a daemon
///
/// What to run is described by a config.json. On Linux the container is made by an engine of our own, with Wine as the
/// loader of Windows programs; no image of Windows is needed.
#[derive(Debug, Parser)]
#[command(name = "hostcompute_nspawn", version, max_term_width = 100)]
#[command(
    after_help = "Exit status: the program's own (on Linux its low 8 bits, never 0 for a failure); 124 when its time was \
    up, 125 when the launcher failed, 126 when the program cannot be executed, 127 when it was not found, 128+n when \
    signal n ended it."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) run: Run,

    /// Keep all state below this directory, instead of /run and /var/lib
    #[arg(long, value_name = "DIR", global = true, help_heading = "Other")]
    pub(crate) root: Option<PathBuf>,

    /// Do not print the steps
    #[arg(short, long, global = true, help_heading = "Other")]
    pub(crate) quiet: bool,
}

impl Arguments {
    /// Returns where things of ours are kept.
    ///
    /// # Errors
    /// `--root` cannot be resolved, or this host does not say where the usual places are.
    pub(crate) fn places(&self) -> nspawn::Result<Places> {
        self.root.as_deref().map_or_else(Places::usual, Places::below)
    }

    /// Parses the command line.
    ///
    /// # Errors
    /// It makes no sense, or asks for help or the version.
    pub(crate) fn read() -> Result<Self, clap::Error> {
        let arguments = Self::try_parse()?;
        if arguments.command.is_some() && arguments.run != Run::default() {
            let why = "options of a run do not go with a command";
            return Err(Self::command().error(clap::error::ErrorKind::ArgumentConflict, why));
        }
        Ok(arguments)
    }
}

/// What runs, and how.
#[derive(Debug, Default, PartialEq, Eq, Args)]
pub(crate) struct Run {
    /// Path to the JSON config file [default: config.json beside this program]
    #[arg(short, long, value_name = "FILE", help_heading = "Execution")]
    pub(crate) config: Option<PathBuf>,

    /// Map this directory into the container, instead of the file's process_directory
    #[arg(short = 'D', long, value_name = "DIR", help_heading = "Execution")]
    pub(crate) directory: Option<PathBuf>,

    /// End the program after so many seconds (0: never)
    #[arg(long, value_name = "SECONDS", help_heading = "Execution",
        value_parser = clap::value_parser!(u64).range(..=4_294_967_295))]
    pub(crate) timeout: Option<u64>,

    /// Start so much of Windows' services beside the program (Linux)
    #[arg(long, value_enum, help_heading = "Execution")]
    pub(crate) services: Option<Services>,

    /// Print the HCS documents and the plan, and touch nothing
    #[arg(long, help_heading = "Execution", conflicts_with = "report")]
    pub(crate) dry_run: bool,

    /// Write how it ended, as JSON, to this file
    #[arg(long, value_name = "FILE", help_heading = "Execution")]
    pub(crate) report: Option<PathBuf>,

    /// Write the documents in this HCS schema [default: 2 on Linux, by the build on Windows]
    #[arg(long, value_enum, value_name = "VERSION", help_heading = "Execution")]
    pub(crate) hcs_schema: Option<Schema>,

    /// Start even where this host cannot enforce a limit, or where the programs would be the host's root, as nothing else
    /// can own what is mapped; the report says which
    #[arg(long, help_heading = "Limits")]
    pub(crate) allow_unenforced: bool,
}

/// Other things to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Remove what containers left whose launchers were killed
    Gc {
        /// Print what was removed as JSON
        #[arg(long)]
        json: bool,
    },
    /// Find out what this host can do for containers, and what to do about the rest
    Doctor {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON Schema of config.json
    Schema,
    /// Print the manual page
    Man {
        /// That of a command
        command: Option<String>,
    },
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// A schema of HCS documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Schema {
    /// Windows Server 2016
    #[value(name = "1")]
    V1,
    /// Windows Server 2019 and later
    #[value(name = "2")]
    V2,
}

impl Run {
    /// Returns what becomes of limits and of a user of the programs' own that this host cannot hold.
    pub(crate) fn unenforced(&self) -> Unenforced {
        if self.allow_unenforced { Unenforced::Report } else { Unenforced::Refuse }
    }
}

/// See `nspawn::spec::Services`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Services {
    /// Started, not awaited
    Async,
    /// Started and awaited
    Wait,
    /// Not started
    None,
}

impl From<Schema> for nspawn::document::Schema {
    fn from(schema: Schema) -> Self {
        match schema {
            Schema::V1 => Self::V1,
            Schema::V2 => Self::V2,
        }
    }
}

impl From<Services> for nspawn::spec::Services {
    fn from(services: Services) -> Self {
        match services {
            Services::Async => Self::Async,
            Services::Wait => Self::Wait,
            Services::None => Self::None,
        }
    }
}
