//! The life of a compute system, as decisions about its record.
//!
//! ```text
//! create -> Created -> start -> Running -> shut down, terminate -> Stopped -> last handle closed -> gone
//!              `------------- terminate ----------------------------^
//! ```

use hcs_schema::properties::{MemoryStats, ProcessDetails, ProcessorStats, Properties, State, Statistics};
use hcs_schema::results::{ExitType, ProcessStatus};
use serde::{Deserialize, Serialize};

use crate::code::{Code, Failure, Result};
use crate::path::Mapping;

/// What a document asks for, as far as the stand-in can give it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The program that manages the system.
    pub owner: Option<String>,
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
    pub fn new(id: &str, wanted: Wanted) -> Self {
        Self {
            id: id.into(),
            wanted,
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

    fn statistics(&self) -> Statistics {
        let Used { user_100ns, kernel_100ns, commit_peak } = self.used;
        let processor = ProcessorStats {
            total_runtime_100ns: user_100ns + kernel_100ns,
            runtime_user_100ns: user_100ns,
            runtime_kernel_100ns: kernel_100ns,
        };
        let memory = MemoryStats { memory_usage_commit_peak_bytes: commit_peak, ..MemoryStats::default() };
        Statistics { processor, memory, ..Statistics::default() }
    }

    /// Returns what it says of itself, with what the query asks for.
    pub fn properties(&self, asked: &[String]) -> Properties {
        let details = |process_id| ProcessDetails { process_id, ..ProcessDetails::default() };
        let asks = |what: &str| asked.iter().any(|asked| asked == what);
        let list = asks("ProcessList");
        Properties {
            id: self.id.clone(),
            system_type: "Container".into(),
            runtime_os_type: Some("Windows".into()),
            name: Some(self.id.clone()),
            owner: self.wanted.owner.clone(),
            state: Some(self.state),
            stopped: self.state == State::Stopped,
            exit_type: self.exit,
            statistics: asks("Statistics").then(|| self.statistics()),
            process_list: self.running().into_iter().filter(|_| list).map(details).collect(),
            terminate_on_last_handle_closed: Some(self.wanted.ends_with_last_handle),
            ..Properties::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(state: State) -> Record {
        let wanted = Wanted { owner: None, mappings: Vec::new(), ends_with_last_handle: true };
        Record { state, ..Record::new("a", wanted) }
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
        assert_eq!(record.process(8).unwrap().code(), Some(3));
        assert_eq!(record.process(4).unwrap_err().code, Code::ELEMENT_NOT_FOUND);
        assert_eq!(record.properties(&["ProcessList".into()]).process_list.len(), 1);
        assert_eq!((record.properties(&[]).process_list, record.properties(&[]).statistics), (vec![], None));
        let statistics = record.properties(&["Statistics".into()]).statistics.unwrap();
        assert_eq!(statistics.processor.total_runtime_100ns, 3);
        assert_eq!(statistics.memory.memory_usage_commit_peak_bytes, 4096);
        assert_eq!(record.end(ExitType::ForcedExit).unwrap(), [12]);
        record.add(8);
        assert_eq!(record.process(8).unwrap().code(), None);
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
