//! What this host can do for containers, found by trying it.

use serde::Serialize;

use crate::error::{Error, Result};

/// How much of something this host can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ability {
    /// All of it.
    Ok,
    /// With a loss that is said.
    Partial,
    /// None of it.
    Missing,
}

/// What was found about one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about: a few words, or the key of a limit.
    pub subject: &'static str,
    /// Whether containers need it at all, or only those that ask for it.
    pub needed: Needed,
    /// How much of it there is.
    pub ability: Ability,
    /// What was found, or why there is none; one line.
    pub detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cure: Option<String>,
}

/// What needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Needed {
    /// Every container.
    Always,
    /// Containers with Windows programs, or with the limit.
    WhereAsked,
}

impl Finding {
    /// Makes a finding of a try: its words where it went well, else the error's, with its hint as the cure.
    pub(crate) fn of(subject: &'static str, needed: Needed, tried: Result<String>) -> Self {
        match tried {
            Ok(detail) => Self { subject, needed, ability: Ability::Ok, detail, cure: None },
            Err(error) => Self {
                subject,
                needed,
                ability: Ability::Missing,
                detail: error.one_line(),
                cure: error.hint().map(str::to_owned),
            },
        }
    }

    /// Makes one of what keeps this process from making any container.
    pub fn of_failure(subject: &'static str, error: Error) -> Self {
        Self::of(subject, Needed::Always, Err(error))
    }

    /// Makes one of something that works with a loss.
    #[cfg_attr(windows, expect(dead_code, reason = "there a thing is there or not"))]
    pub(crate) fn partial(subject: &'static str, needed: Needed, loss: &Error) -> Self {
        Self {
            subject,
            needed,
            ability: Ability::Partial,
            detail: loss.one_line(),
            cure: loss.hint().map(str::to_owned),
        }
    }

    /// Whether no container can run for it.
    pub fn is_fatal(&self) -> bool {
        self.needed == Needed::Always && self.ability == Ability::Missing
    }
}
