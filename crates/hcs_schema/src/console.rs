//! The size of a console, which both schemas write alike.

use serde::{Deserialize, Serialize};

/// The size of an emulated console, in character cells. Process documents write it as `[height, width]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u16; 2]", into = "[u16; 2]")]
pub struct ConsoleSize {
    /// Rows.
    pub height: u16,
    /// Columns.
    pub width: u16,
}

impl From<[u16; 2]> for ConsoleSize {
    fn from([height, width]: [u16; 2]) -> Self {
        Self { height, width }
    }
}

impl From<ConsoleSize> for [u16; 2] {
    fn from(size: ConsoleSize) -> Self {
        [size.height, size.width]
    }
}
