//! The life of a compute system, as decisions about its record.
//!
//! ```text
//! create -> Created -> start -> Running -> shut down, terminate -> Stopped -> last handle closed -> gone
//!              `------------- terminate ----------------------------^
//! ```

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::code::{Code, Failure, Family, Result};
use crate::path::Mapping;

/// Where a system stands, by the service's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the service's")]
pub enum State {
    Created,
    Running,
    Stopped,
}

/// What ended a system, by the service's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExitType {
    /// It was shut down.
    GracefulExit,
    /// It was terminated.
    ForcedExit,
    /// It ended, and nobody asked it to.
    UnexpectedExit,
}

/// A process as it lies on disk, and as the service tells of it: `ProcessStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessStatus {
    /// Its number.
    pub process_id: u32,
    /// Whether it has ended.
    pub exited: bool,
    /// Its exit code, once it has ended.
    pub exit_code: u32,
    /// Why its exit code is not known: always 0, it is.
    pub last_wait_result: i32,
}

/// What a document asks for, as far as the stand-in can give it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The schema it is written in, which is that of the DLL that made the system.
    pub family: Family,
    /// The program that manages the system.
    pub owner: Option<String>,
    /// The volume of its root, without a separator at its end.
    pub volume: String,
    /// Directories of the host.
    pub mappings: Vec<Mapping>,
    /// Whether the system ends with its last handle.
    pub ends_with_last_handle: bool,
}

/// A compute system as it lies on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its id.
    pub id: String,
    /// What its document asks for.
    pub wanted: Wanted,
    /// The layer that is its root, by its path in lower case.
    pub layer: Option<String>,
    /// Where it stands.
    pub state: State,
    /// What ended it.
    pub exit: Option<ExitType>,
    /// Its processes, ended ones included.
    pub processes: Vec<ProcessStatus>,
    /// What those that ended have used.
    pub used: Used,
}

/// What processes have used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Used {
    /// Processor time in user mode, in units of 100 ns.
    pub user_100ns: u64,
    /// Processor time in kernel mode, in units of 100 ns.
    pub kernel_100ns: u64,
    /// The most memory that one had committed, in bytes.
    pub commit_peak: u64,
}

impl Record {
    /// Makes a system that is created.
    pub fn new(id: &str, wanted: Wanted, layer: Option<String>) -> Self {
        Self {
            id: id.into(),
            wanted,
            layer,
            state: State::Created,
            exit: None,
            processes: Vec::new(),
            used: Used::default(),
        }
    }

    fn refuse<T>(&self, what: &str) -> Result<T> {
        let code = match self.state {
            State::Stopped => Code::SYSTEM_ALREADY_STOPPED,
            _ => Code::INVALID_STATE,
        };
        Err(Failure::new(code, format!("cannot {what} system {}: it is {:?}", self.id, self.state)))
    }

    /// Refuses what the DLL of the other schema does not do to it. It may look at it and end it, as tools of the newer
    /// DLL do to containers of the older one. That the newer DLL cannot start what the older one made is known from
    /// hcsshim (its pull request 2729), and the code is not: it is that of any system that cannot be started.
    ///
    /// # Errors
    /// Another DLL made it.
    pub fn needs_own(&self, family: Family, what: &str) -> Result<()> {
        let made = self.wanted.family;
        let why = || format!("cannot {what} system {} by {family:?}: it was made by {made:?}", self.id);
        if made == family { Ok(()) } else { Err(Failure::new(Code::INVALID_STATE, why())) }
    }

    /// Starts it.
    ///
    /// # Errors
    /// It was started before.
    pub fn start(&mut self) -> Result<()> {
        match self.state {
            State::Created => {
                self.state = State::Running;
                Ok(())
            }
            _ => self.refuse("start"),
        }
    }

    /// Ends it, and returns the numbers of its processes that still run. By force it ends from every state.
    ///
    /// # Errors
    /// It has ended; or it shall shut down and does not run.
    pub fn end(&mut self, how: ExitType) -> Result<Vec<u32>> {
        match (self.state, how) {
            (State::Running, _) | (State::Created, ExitType::ForcedExit | ExitType::UnexpectedExit) => {
                (self.state, self.exit) = (State::Stopped, Some(how));
                Ok(self.running())
            }
            _ => self.refuse("end"),
        }
    }

    /// Returns whether a process may be made in it.
    ///
    /// # Errors
    /// It does not run.
    pub fn may_run(&self) -> Result<()> {
        match self.state {
            State::Running => Ok(()),
            _ => self.refuse("create a process in"),
        }
    }

    /// Notes a process that was made. Windows uses numbers again, so one that ended gives way.
    pub fn add(&mut self, process_id: u32) {
        self.processes.retain(|process| process.process_id != process_id);
        self.processes.push(ProcessStatus { process_id, ..ProcessStatus::default() });
    }

    /// Notes that a process exited, and what it has used.
    pub fn exited(&mut self, process_id: u32, exit_code: u32, used: Used) {
        self.used.user_100ns += used.user_100ns;
        self.used.kernel_100ns += used.kernel_100ns;
        self.used.commit_peak = self.used.commit_peak.max(used.commit_peak);
        for process in self.processes.iter_mut().filter(|process| process.process_id == process_id) {
            (process.exited, process.exit_code) = (true, exit_code);
        }
    }

    /// Returns how a process stands.
    ///
    /// # Errors
    /// There is none of that number.
    pub fn process(&self, id: u32) -> Result<ProcessStatus> {
        let missing =
            || Failure::new(Code::ELEMENT_NOT_FOUND, format!("no process {id} in system {}", self.id));
        self.processes.iter().find(|process| process.process_id == id).copied().ok_or_else(missing)
    }

    /// Returns the numbers of its processes that still run.
    pub fn running(&self) -> Vec<u32> {
        self.processes.iter().filter(|process| !process.exited).map(|process| process.process_id).collect()
    }

    /// Tells whether it is gone, with so many handles open in all processes.
    pub fn is_gone(&self, handles: usize) -> bool {
        handles == 0 && (self.state == State::Stopped || self.wanted.ends_with_last_handle)
    }

    fn statistics(&self) -> Value {
        let Used { user_100ns, kernel_100ns, commit_peak } = self.used;
        json!({
            "Processor": {
                "TotalRuntime100ns": user_100ns + kernel_100ns,
                "RuntimeUser100ns": user_100ns,
                "RuntimeKernel100ns": kernel_100ns,
            },
            "Memory": {"MemoryUsageCommitPeakBytes": commit_peak},
        })
    }

    /// Returns what it says of itself, with what the query asks for.
    pub fn properties(&self, asked: &[String]) -> Value {
        let asks = |what: &str| asked.iter().any(|asked| asked == what);
        let is_stopped = self.state == State::Stopped;
        let mut properties = json!({
            "Id": self.id, "SystemType": "Container", "RuntimeOsType": "Windows", "Name": self.id,
            "State": self.state, "TerminateOnLastHandleClosed": self.wanted.ends_with_last_handle,
        });
        let process = |number| json!({"ProcessId": number});
        // What is absent, false or empty is not written.
        for (name, value) in [
            ("Owner", self.wanted.owner.as_ref().map(|owner| json!(owner))),
            ("Stopped", is_stopped.then(|| json!(true))),
            ("ExitType", self.exit.map(|exit| json!(exit))),
            ("Statistics", asks("Statistics").then(|| self.statistics())),
            ("ProcessList", asks("ProcessList").then(|| self.running().into_iter().map(process).collect())),
        ] {
            if let Some(value) = value {
                properties[name] = value;
            }
        }
        properties
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(state: State) -> Record {
        let wanted = Wanted {
            family: Family::V1,
            owner: None,
            volume: String::new(),
            mappings: Vec::new(),
            ends_with_last_handle: true,
        };
        Record { state, ..Record::new("a", wanted, None) }
    }

    #[test]
    fn each_state_allows_its_calls_only() {
        type Call = fn(&mut Record) -> Result<()>;
        let start: Call = Record::start;
        let run: Call = |record| record.may_run();
        let shut_down: Call = |record| record.end(ExitType::GracefulExit).map(drop);
        let terminate: Call = |record| record.end(ExitType::ForcedExit).map(drop);
        let (wrong, over) = (Err(Code::INVALID_STATE), Err(Code::SYSTEM_ALREADY_STOPPED));
        for (state, call, wanted, then) in [
            (State::Created, start, Ok(()), State::Running),
            (State::Created, run, wrong, State::Created),
            (State::Created, shut_down, wrong, State::Created),
            (State::Created, terminate, Ok(()), State::Stopped),
            (State::Running, start, wrong, State::Running),
            (State::Running, run, Ok(()), State::Running),
            (State::Running, shut_down, Ok(()), State::Stopped),
            (State::Running, terminate, Ok(()), State::Stopped),
            (State::Stopped, start, over, State::Stopped),
            (State::Stopped, run, over, State::Stopped),
            (State::Stopped, shut_down, over, State::Stopped),
            (State::Stopped, terminate, over, State::Stopped),
        ] {
            let mut record = record(state);
            assert_eq!(call(&mut record).map_err(|failure| failure.code), wanted, "{state:?}");
            assert_eq!(record.state, then);
        }
    }

    #[test]
    fn processes_are_known_by_number() {
        let mut record = record(State::Running);
        record.add(8);
        record.add(12);
        record.exited(8, 3, Used { user_100ns: 2, kernel_100ns: 1, commit_peak: 4096 });
        assert_eq!(
            record.process(8).unwrap(),
            ProcessStatus { process_id: 8, exited: true, exit_code: 3, last_wait_result: 0 }
        );
        assert_eq!(record.process(4).unwrap_err().code, Code::ELEMENT_NOT_FOUND);
        assert_eq!(record.properties(&["ProcessList".into()])["ProcessList"], json!([{"ProcessId": 12}]));
        let basic = record.properties(&[]);
        assert_eq!(
            (basic.get("ProcessList"), basic.get("Statistics"), basic.get("Stopped")),
            (None, None, None)
        );
        let statistics = &record.properties(&["Statistics".into()])["Statistics"];
        assert_eq!(statistics["Processor"]["TotalRuntime100ns"], 3);
        assert_eq!(statistics["Memory"]["MemoryUsageCommitPeakBytes"], 4096);
        assert_eq!(record.end(ExitType::ForcedExit).unwrap(), [12]);
        record.add(8);
        assert!(!record.process(8).unwrap().exited);
    }

    #[test]
    fn the_other_dll_does_not_run_it() {
        let record = record(State::Created);
        record.needs_own(Family::V1, "start").unwrap();
        assert_eq!(record.needs_own(Family::V2, "start").unwrap_err().code, Code::INVALID_STATE);
    }

    #[test]
    fn goes_with_its_last_handle() {
        let mut record = record(State::Running);
        assert!(record.is_gone(0) && !record.is_gone(1));
        record.wanted.ends_with_last_handle = false;
        assert!(!record.is_gone(0));
        record.end(ExitType::ForcedExit).unwrap();
        assert!(record.is_gone(0));
    }
}
