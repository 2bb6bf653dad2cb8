//! The log of calls. A line is written when a call begins, so that the order of lines is that of calls and one that
//! never returns is there, too; its result is filled in when it returns:
//!
//! ```json
//! {"call":"HcsWaitForOperationResult","pid":32,"arguments":{"milliseconds":20000},"result":"0x00000000"}
//! ```
//!
//! `result` is null as long as a call has not returned, and `"void"` where it returns nothing.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::code::{Failure, Result};

/// What stands for the result of a call that goes on: as long as what stands there later.
const GOES_ON: &str = "null        }\n";

/// The log.
#[derive(Debug)]
pub struct Log(PathBuf);

/// The line of a call that goes on.
#[derive(Debug)]
pub struct Line {
    file: File,
    offset: u64,
    text: String,
}

impl Log {
    /// Names the file, which need not be there.
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Notes that a call begins, while nobody else does.
    ///
    /// # Errors
    /// The disk's refusal.
    pub fn begin(&self, call: &str, arguments: &Value) -> Result<Line> {
        let whole = json!({"call": call, "pid": std::process::id(), "arguments": arguments, "result": null});
        let text = whole.to_string().trim_end_matches("null}").to_owned() + GOES_ON;
        let write = || {
            let mut file =
                File::options().read(true).write(true).create(true).truncate(false).open(&self.0)?;
            let offset = file.seek(SeekFrom::End(0))?;
            // One write, so that no reader sees half a line.
            file.write_all(text.as_bytes())?;
            Ok((file, offset))
        };
        match write() {
            Ok((file, offset)) => Ok(Line { file, offset, text }),
            Err(error) => Err(Failure::io(format!("write {}", self.0.display()), &error)),
        }
    }

    /// Counts the calls of that name so far.
    pub fn count(&self, call: &str) -> u64 {
        let calls = fs::read_to_string(&self.0).unwrap_or_default();
        let same = |line: &&str| serde_json::from_str::<Value>(line).is_ok_and(|line| line["call"] == call);
        calls.lines().filter(same).count() as u64
    }
}

impl Line {
    /// Notes what the call returned; `None` is nothing. The bytes that are changed are this line's own, whatever others
    /// add meanwhile. A test may have begun the log anew: then nothing is noted.
    ///
    /// # Errors
    /// The disk's refusal.
    pub fn end(mut self, code: Option<u32>) -> io::Result<()> {
        let result = code.map_or("\"void\"".to_owned(), |code| format!("\"0x{code:08X}\""));
        let mut there = vec![0; self.text.len()];
        self.file.seek(SeekFrom::Start(self.offset))?;
        if self.file.read_exact(&mut there).is_err() || there != self.text.as_bytes() {
            return Ok(());
        }
        let end = format!("{result:<width$}}}\n", width = GOES_ON.len() - 2);
        self.file.seek(SeekFrom::Start(self.offset + (self.text.len() - GOES_ON.len()) as u64))?;
        self.file.write_all(end.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_there_from_the_beginning_and_has_its_result_at_the_end() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("calls.jsonl");
        let log = Log::at(path.clone());
        let lines = || -> Vec<Value> {
            let text = fs::read_to_string(&path).unwrap();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        let first = log.begin("A", &json!({"result": null})).unwrap();
        let second = log.begin("B", &json!({})).unwrap();
        let third = log.begin("A", &json!({})).unwrap();
        let line = |call: &str, arguments: Value, result: Value| json!({"call": call, "pid": std::process::id(), "arguments": arguments, "result": result});
        assert_eq!(lines()[0], line("A", json!({"result": null}), Value::Null));
        second.end(None).unwrap();
        first.end(Some(0x8037_010D)).unwrap();
        let wanted = [
            line("A", json!({"result": null}), json!("0x8037010D")),
            line("B", json!({}), json!("void")),
            line("A", json!({}), Value::Null),
        ];
        assert_eq!(lines(), wanted);
        assert_eq!((log.count("A"), log.count("B"), log.count("C")), (2, 1, 0));
        // Begun anew by a test: what returns now is of the old one.
        fs::write(&path, "{}\n").unwrap();
        third.end(Some(0)).unwrap();
        assert_eq!(lines(), [json!({})]);
    }
}
