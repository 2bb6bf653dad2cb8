//! The state on disk. Whoever reads or changes it holds the one lock; a process that dies gives that back, and its
//! handles of systems, because the system unlocks the files that it had locked.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::code::{Code, Failure, Result};
use crate::fault::{Delivery, Script};
use crate::layer::{self, Stages};
use crate::log::{Line, Log};
use crate::machine::{Record, State};
use crate::watch::ring;

/// The environment variable that names the directory.
pub const VARIABLE: &str = "NSPAWN_STANDIN";

/// Where the state lies.
#[derive(Debug, Clone)]
pub struct Store(PathBuf);

impl Store {
    /// Takes the directory that the environment names.
    ///
    /// # Errors
    /// It names none.
    pub fn from_environment() -> Result<Self> {
        let missing = || Failure::new(Code::NOT_ACTIVE, format!("{VARIABLE} names no directory"));
        std::env::var_os(VARIABLE).map(|root| Self(root.into())).ok_or_else(missing)
    }

    /// Takes a directory.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self(root.into())
    }

    /// Waits until nobody else reads or changes the state, and keeps it so.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn lock(&self) -> Result<Locked> {
        let path = self.0.join("lock");
        let open = || File::options().create(true).truncate(false).write(true).open(&path);
        let make = || fs::create_dir_all(self.0.join("systems")).and_then(|()| open());
        let open = || {
            let lock = open().or_else(|_| make())?;
            lock.lock()?;
            Ok(lock)
        };
        let lock = open().map_err(|error| Failure::io(format!("lock {}", path.display()), &error))?;
        Ok(Locked { root: self.0.clone(), _lock: lock })
    }
}

/// The account of callers who may open the job objects of containers.
const SYSTEM: &str = "SYSTEM";

/// The state, while nobody else touches it.
#[derive(Debug)]
pub struct Locked {
    root: PathBuf,
    _lock: File,
}

/// An open handle of a system: the lock of a file.
#[derive(Debug)]
pub struct Holder(#[expect(dead_code, reason = "it is open, and that is all")] File);

impl Locked {
    fn log(&self) -> Log {
        Log::at(self.root.join("calls.jsonl"))
    }

    /// Notes a call.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn note(&self, call: &str, arguments: &Value) -> Result<Line> {
        self.log().begin(call, arguments)
    }

    /// Tells how the news of the last call of that name shall be delivered.
    ///
    /// # Errors
    /// The code that the script has for it.
    pub fn script_of(&self, call: &str) -> Result<Delivery> {
        self.script()?.map_or(Ok(Delivery::Once), |script| script.apply(call, self.log().count(call)))
    }

    /// Lets the last call of that name, which has made what it makes, go on.
    ///
    /// # Errors
    /// The code that the script has for one that makes but a half.
    pub fn halfway(&self, call: &str) -> Result<()> {
        self.script()?.map_or(Ok(()), |script| script.apply_halfway(call, self.log().count(call)))
    }

    /// Tells whether callers are to be taken for the SYSTEM account.
    pub fn is_of_system(&self) -> bool {
        fs::read_to_string(self.root.join("account")).is_ok_and(|account| account == SYSTEM)
    }

    fn script(&self) -> Result<Option<Script>> {
        fs::read_to_string(self.root.join("faults.json")).ok().map(|text| Script::parse(&text)).transpose()
    }

    fn system(&self, id: &str) -> Result<PathBuf> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        match !id.is_empty() && !id.starts_with('.') && id.chars().all(plain) {
            true => Ok(self.root.join("systems").join(id)),
            false => Err(Failure::new(Code::INVALID_ARGUMENT, format!("{id:?} is no id of a system"))),
        }
    }

    /// Makes a system with its first handle.
    ///
    /// # Errors
    /// There is one of its id.
    pub fn create(&self, record: &Record, document: &str) -> Result<Holder> {
        let directory = self.system(&record.id)?;
        if directory.exists() {
            let there = format!("there is a system {}", record.id);
            return Err(Failure::new(Code::SYSTEM_ALREADY_EXISTS, there));
        }
        fs::create_dir_all(directory.join("holders"))
            .and_then(|()| fs::write(directory.join("document.json"), document))
            .map_err(|error| Failure::io(format!("create {}", directory.display()), &error))?;
        write(&directory.join("record.json"), record)?;
        hold(&directory)
    }

    /// Opens one more handle of a system.
    ///
    /// # Errors
    /// There is none of that id.
    pub fn open(&self, id: &str) -> Result<Holder> {
        self.record(id)?;
        hold(&self.system(id)?)
    }

    /// Returns how a system stands.
    ///
    /// # Errors
    /// There is none of that id.
    pub fn record(&self, id: &str) -> Result<Record> {
        let missing = || Failure::new(Code::SYSTEM_NOT_FOUND, format!("there is no system {id}"));
        read(&self.system(id)?.join("record.json"))?.ok_or_else(missing)
    }

    /// Changes a system, where the change succeeds.
    ///
    /// # Errors
    /// There is none of that id, or the change fails.
    pub fn change<T>(&self, id: &str, change: impl FnOnce(&mut Record) -> Result<T>) -> Result<T> {
        let mut record = self.record(id)?;
        let changed = change(&mut record)?;
        write(&self.system(id)?.join("record.json"), &record)?;
        ring();
        Ok(changed)
    }

    /// Returns the ids of all systems, in their order.
    pub fn ids(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root.join("systems")).into_iter().flatten().flatten();
        let mut ids: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        ids.sort();
        ids
    }

    /// Removes the systems whose last handle is closed, and returns the processes that they leave: they are to be
    /// ended.
    ///
    /// # Errors
    /// One cannot be removed.
    pub fn sweep(&self) -> Result<Vec<u32>> {
        let mut left = Vec::new();
        for id in self.ids() {
            let directory = self.system(&id)?;
            let handles = handles(&directory);
            let record = self.record(&id).ok();
            if record.as_ref().is_none_or(|record| record.is_gone(handles)) {
                left.extend(record.iter().flat_map(Record::running));
                fs::remove_dir_all(&directory)
                    .map_err(|error| Failure::io(format!("remove {}", directory.display()), &error))?;
            }
        }
        Ok(left)
    }

    /// Returns the layers that are the roots of systems which have not ended, by their paths in lower case.
    pub fn layers_in_use(&self) -> Vec<String> {
        let records = self.ids().into_iter().filter_map(|id| self.record(&id).ok());
        records.filter(|record| record.state != State::Stopped).filter_map(|record| record.layer).collect()
    }

    /// Returns the layer of a volume, by its path in lower case; none where no attached layer has it.
    ///
    /// # Errors
    /// What is attached cannot be read.
    pub fn layer_of(&self, volume: &str) -> Result<Option<String>> {
        self.layers(|stages| Ok(stages.keys().find(|key| layer::volume(key) == volume).cloned()))
    }

    /// Reads and changes how far layers are attached.
    ///
    /// # Errors
    /// Those of the change.
    pub fn layers<T>(&self, change: impl FnOnce(&mut Stages) -> Result<T>) -> Result<T> {
        let path = self.root.join("layers.json");
        let mut stages = read(&path)?.unwrap_or_default();
        let changed = change(&mut stages)?;
        write(&path, &stages)?;
        Ok(changed)
    }
}

/// Opens a handle: makes a file of a new name and locks it.
fn hold(directory: &Path) -> Result<Holder> {
    let holders = directory.join("holders");
    let open = || {
        let name = (0_u32..).map(|n| holders.join(n.to_string())).find(|path| !path.exists());
        let file = File::options().create_new(true).write(true).open(name.unwrap_or_default())?;
        file.lock()?;
        Ok(Holder(file))
    };
    open().map_err(|error| Failure::io(format!("open {}", directory.display()), &error))
}

/// Counts the open handles, and removes what closed ones left.
fn handles(directory: &Path) -> usize {
    let entries = fs::read_dir(directory.join("holders")).into_iter().flatten().flatten();
    let is_open = |path: &PathBuf| {
        let lock = File::options().write(true).open(path).map(|file| file.try_lock());
        matches!(lock, Ok(Err(TryLockError::WouldBlock)))
    };
    let (open, closed): (Vec<_>, Vec<_>) = entries.map(|entry| entry.path()).partition(is_open);
    for path in closed {
        // Left for the next time where it cannot be removed: its lock stays free.
        let _ = fs::remove_file(path);
    }
    open.len()
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io(format!("read {}", path.display()), &error)),
        Ok(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| Failure::new(Code::GENERAL, format!("{}: {error}", path.display()))),
    }
}

/// Replaces a file as a whole: who is killed in between leaves the old one.
fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    let failure = |error: &std::io::Error| Failure::io(format!("write {}", path.display()), error);
    let text = serde_json::to_vec(value).map_err(|error| failure(&error.into()))?;
    let new = path.with_extension("new");
    fs::write(&new, text).and_then(|()| fs::rename(&new, path)).map_err(|error| failure(&error))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::code::Family;
    use crate::machine::{ExitType, Wanted};

    fn record(id: &str, ends_with_last_handle: bool) -> Record {
        let (family, volume) = (Family::V1, String::new());
        let wanted = Wanted { family, owner: None, volume, mappings: Vec::new(), ends_with_last_handle };
        Record::new(id, wanted, Some(format!("layer of {id}")))
    }

    fn code<T>(result: Result<T>) -> Option<Code> {
        result.err().map(|failure| failure.code)
    }

    #[test]
    fn a_system_lives_as_long_as_its_handles() {
        let root = tempfile::tempdir().unwrap();
        let state = Store::at(root.path()).lock().unwrap();
        let (first, _stays) =
            (state.create(&record("a", true), "{}").unwrap(), state.create(&record("b", false), "{}"));
        assert_eq!(code(state.create(&record("a", true), "{}")), Some(Code::SYSTEM_ALREADY_EXISTS));
        let second = state.open("a").unwrap();
        state.change("a", |record| record.start().map(|()| record.add(8))).unwrap();
        assert_eq!(state.layers_in_use(), ["layer of a", "layer of b"]);
        drop(first);
        assert_eq!(state.sweep().unwrap(), [0; 0]);
        drop((second, _stays));
        assert_eq!(state.sweep().unwrap(), [8]);
        assert_eq!(state.ids(), ["b"]);
        assert_eq!(code(state.open("a")), Some(Code::SYSTEM_NOT_FOUND));
        state.change("b", |record| record.end(ExitType::ForcedExit)).unwrap();
        assert_eq!(state.layers_in_use(), [""; 0]);
        state.sweep().unwrap();
        assert_eq!(state.ids(), [""; 0]);
    }

    #[test]
    fn a_change_that_fails_changes_nothing() {
        let root = tempfile::tempdir().unwrap();
        let state = Store::at(root.path()).lock().unwrap();
        let _holder = state.create(&record("a", true), "{}").unwrap();
        let fail = |record: &mut Record| record.start().and_then(|()| record.start());
        assert_eq!(code(state.change("a", fail)), Some(Code::INVALID_STATE));
        assert_eq!(state.record("a").unwrap(), record("a", true));
    }

    #[test]
    fn ids_stay_in_the_directory() {
        let root = tempfile::tempdir().unwrap();
        let state = Store::at(root.path()).lock().unwrap();
        for id in ["", "..", ".", "a/b", r"a\b", "c:"] {
            assert_eq!(code(state.record(id)), Some(Code::INVALID_ARGUMENT), "{id}");
        }
    }

    #[test]
    fn calls_fail_by_script() {
        let root = tempfile::tempdir().unwrap();
        let state = Store::at(root.path()).lock().unwrap();
        fs::write(root.path().join("faults.json"), r#"[{"call": "A", "n": 2, "code": 1}]"#).unwrap();
        let made = |call| {
            state.note(call, &json!({})).unwrap();
            code(state.script_of(call))
        };
        assert_eq!(["A", "B", "A", "A"].map(made), [None, None, Some(Code::Scripted(1)), None]);
    }
}
