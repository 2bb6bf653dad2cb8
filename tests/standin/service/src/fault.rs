//! Faults by script. `faults.json` is an array:
//!
//! ```json
//! [{"call": "HcsStartComputeSystem", "n": 1, "code": "0x80070005"},
//!  {"call": "HcsShutdownComputeSystem", "notify": "never"}]
//! ```
//!
//! `n` counts the calls of that name in `calls.jsonl`, the one in question included; without it every call is meant.
//! With `code` nothing is done and that code is returned. With `notify` the call does what it should, and what it
//! leads to is told otherwise. `HcsCreateProcess` leads to the news that the process exited. A request of computecore.dll
//! that leads to no news is done otherwise: never, late, before the call returns, or not because the service went away.
//! With `status` the call succeeds, and the news, or the operation, of making a system or starting it says that it
//! failed with that code. A call that ends something can also be ignored: it succeeds, and nothing ends.

use serde::Deserialize;

use crate::code::{Code, Failure, Result};

/// How often and when news is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    /// Once, when it is true.
    #[default]
    Once,
    /// Not at all.
    Never,
    /// Once, but after a while (`watch::LATE`).
    Late,
    /// Twice.
    Twice,
    /// Before the call returns; of a process, before it exited.
    Early,
    /// Instead of it, that the service went away.
    Disconnect,
    /// At once, that the service went away, while the process runs on. Of calls that make a process.
    Leaves,
    /// Not at all, for nothing is done: the call is accepted, and that is all. Of calls that end something.
    Ignored,
    /// Instead of it, that the system exited unexpectedly, as it does. Of calls that make a system or start it.
    Exits,
    /// That it failed with this code; nothing is done.
    #[serde(skip)]
    Refused(u32),
}

/// A code as the script writes it: JSON has no hexadecimal numbers, so a text may hold one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Number {
    Decimal(u32),
    Text(String),
}

impl Number {
    fn value(&self) -> Option<u32> {
        match self {
            Self::Decimal(value) => Some(*value),
            Self::Text(text) => u32::from_str_radix(text.strip_prefix("0x")?, 16).ok(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    call: String,
    n: Option<u64>,
    code: Option<Number>,
    status: Option<Number>,
    #[serde(default)]
    notify: Delivery,
}

/// What shall go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script(Vec<Fault>);

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// It is not one: a test with a broken script must not pass for want of faults.
    pub fn parse(text: &str) -> Result<Self> {
        let broken = |why: String| Failure::new(Code::INVALID_ARGUMENT, format!("faults.json: {why}"));
        let faults: Vec<Fault> = serde_json::from_str(text).map_err(|error| broken(error.to_string()))?;
        let broken_in = |fault: &Fault| {
            let codes = [&fault.code, &fault.status].into_iter().flatten();
            codes.filter(|code| code.value().is_none()).cloned().next()
        };
        match faults.iter().find_map(broken_in) {
            Some(code) => Err(broken(format!("{code:?} is no code"))),
            None => Ok(Self(faults)),
        }
    }

    /// Tells how the `n`th call of that name shall go, counted from 1.
    ///
    /// # Errors
    /// The code that the script has for it.
    pub fn apply(&self, call: &str, n: u64) -> Result<Delivery> {
        let meant = |fault: &&Fault| fault.call == call && fault.n.is_none_or(|wanted| wanted == n);
        let Some(fault) = self.0.iter().find(meant) else { return Ok(Delivery::Once) };
        let value = |code: &Option<Number>| code.as_ref().and_then(Number::value);
        match (value(&fault.code), value(&fault.status)) {
            (Some(code), _) => Err(Failure::new(Code::Scripted(code), format!("{call} fails by script"))),
            (None, Some(status)) => Ok(Delivery::Refused(status)),
            (None, None) => Ok(fault.notify),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_fail_as_the_script_says() {
        let script = Script::parse(
            r#"[{"call": "A", "n": 2, "code": "0xC0370105"}, {"call": "B", "notify": "twice"}, {"call": "C", "code": 5},
                {"call": "E", "status": "0xC0370101"}]"#,
        )
        .unwrap();
        let code = |call, n| script.apply(call, n).map_err(|failure| failure.code);
        assert_eq!(code("A", 1), Ok(Delivery::Once));
        assert_eq!(code("A", 2), Err(Code::Scripted(0xC037_0105)));
        assert_eq!(code("B", 7), Ok(Delivery::Twice));
        assert_eq!(code("C", 1), Err(Code::Scripted(5)));
        assert_eq!(code("D", 1), Ok(Delivery::Once));
        assert_eq!(code("E", 1), Ok(Delivery::Refused(0xC037_0101)));
    }

    #[test]
    fn a_broken_script_is_refused() {
        for text in [
            "",
            "{}",
            r#"[{"call": "A", "code": "5"}]"#,
            r#"[{"call": "A", "status": "5"}]"#,
            r#"[{"call": "A", "notify": "soon"}]"#,
            r#"[{"cal": "A"}]"#,
        ] {
            Script::parse(text).expect_err(text);
        }
    }
}
