//! Faults by script. `faults.json` is an array:
//!
//! ```json
//! [{"call": "HcsStartComputeSystem", "n": 1, "code": "0x80070005"},
//!  {"call": "CreateSandboxLayer", "half": "0x80070070"},
//!  {"call": "HcsShutdownComputeSystem", "notify": "never"}]
//! ```
//!
//! `n` counts the calls of that name in `calls.jsonl`, the one in question included; without it every call is meant.
//! With `half` a call about a layer leaves what it makes, and that code is returned: the disk was full, say.
//! With `code` nothing is done and that code is returned, and with `place` that of a document which is refused there. With `notify` the call does what it should, and what it
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
    place: Option<String>,
    status: Option<Number>,
    half: Option<Number>,
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
        let codes = || faults.iter().flat_map(|fault| [&fault.code, &fault.status, &fault.half]).flatten();
        let wrong = codes().find(|code| code.value().is_none()).map(|code| format!("{code:?} is no code"));
        match wrong {
            Some(why) => Err(broken(why)),
            None => Ok(Self(faults)),
        }
    }

    fn fault(&self, call: &str, n: u64) -> Option<&Fault> {
        self.0.iter().find(|fault| fault.call == call && fault.n.is_none_or(|wanted| wanted == n))
    }

    /// Tells how the `n`th call of that name shall go, counted from 1.
    ///
    /// # Errors
    /// The code that the script has for it.
    pub fn apply(&self, call: &str, n: u64) -> Result<Delivery> {
        let Some(fault) = self.fault(call, n) else { return Ok(Delivery::Once) };
        scripted(call, fault.code.as_ref()).map_err(|failure| match &fault.place {
            Some(place) => failure.at(place),
            None => failure,
        })?;
        let status = fault.status.as_ref().and_then(Number::value);
        Ok(status.map_or(fault.notify, Delivery::Refused))
    }

    /// Lets the `n`th call of that name, which has made what it makes, go on.
    ///
    /// # Errors
    /// The code that the script has for one that makes but a half.
    pub fn apply_halfway(&self, call: &str, n: u64) -> Result<()> {
        self.fault(call, n).map_or(Ok(()), |fault| scripted(call, fault.half.as_ref()))
    }
}

fn scripted(call: &str, code: Option<&Number>) -> Result<()> {
    match code.and_then(Number::value) {
        Some(code) => Err(Failure::new(Code::Scripted(code), format!("{call} fails by script"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_fail_as_the_script_says() {
        let script = Script::parse(
            r#"[{"call": "A", "n": 2, "code": "0xC0370105"}, {"call": "B", "notify": "twice"}, {"call": "C", "code": 5},
                {"call": "E", "status": "0xC0370101"}, {"call": "F", "half": 6},
                {"call": "G", "code": 1, "place": "$.A"}]"#,
        )
        .unwrap();
        let code = |call, n| script.apply(call, n).map_err(|failure| failure.code);
        assert_eq!(code("A", 1), Ok(Delivery::Once));
        assert_eq!(code("A", 2), Err(Code::Scripted(0xC037_0105)));
        assert_eq!(code("B", 7), Ok(Delivery::Twice));
        assert_eq!(code("C", 1), Err(Code::Scripted(5)));
        assert_eq!(code("D", 1), Ok(Delivery::Once));
        assert_eq!(code("E", 1), Ok(Delivery::Refused(0xC037_0101)));
        assert_eq!(code("F", 1), Ok(Delivery::Once));
        assert_eq!(script.apply("G", 1).unwrap_err().place.as_deref(), Some("$.A"));
        let halfway = |call| script.apply_halfway(call, 1).map_err(|failure| failure.code);
        assert_eq!((halfway("C"), halfway("D"), halfway("F")), (Ok(()), Ok(()), Err(Code::Scripted(6))));
    }

    #[test]
    fn a_broken_script_is_refused() {
        for text in [
            "",
            "{}",
            r#"[{"call": "A", "code": "5"}]"#,
            r#"[{"call": "A", "status": "5"}]"#,
            r#"[{"call": "A", "half": "5"}]"#,
            r#"[{"call": "A", "notify": "soon"}]"#,
            r#"[{"cal": "A"}]"#,
        ] {
            Script::parse(text).expect_err(text);
        }
    }
}
