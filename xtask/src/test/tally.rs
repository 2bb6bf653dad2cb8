//! Counts tests from what the standard test harness prints.

use std::collections::BTreeMap;

/// The stream that a line came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output, where the harness reports.
    Out,
    /// Standard error, where cargo and the tests speak.
    Err,
}

/// What passed, failed and was skipped.
///
/// A test that cannot run here writes `skipped: NAME: REASON` and passes as far as the harness knows: it is moved
/// from the passed to the skipped. `NAME` is the test's name, or names one of the cases in it.
#[derive(Debug, Default)]
pub struct Tally {
    passed: Vec<String>,
    failed: Vec<String>,
    skipped: Vec<String>,
    /// What failed tests said, by their names.
    said: BTreeMap<String, Vec<String>>,
    section: Section,
}

/// So many lines of a failed test are repeated at the end, where they are looked for.
const REPEATED: usize = 12;

/// Where in the harness's report we are: its list of what successful tests printed is read, not shown.
#[derive(Debug, Default, PartialEq, Eq)]
enum Section {
    #[default]
    Shown,
    Successes,
    /// What the test of this name said.
    Failure(String),
}

impl Tally {
    /// Counts a passed check.
    pub fn pass(&mut self, name: &str) {
        self.passed.push(name.to_owned());
    }

    /// Counts a failed check; `what` names it and tells why.
    pub fn fail(&mut self, what: &str) {
        self.failed.push(what.to_owned());
    }

    /// Counts a skipped check: `NAME: REASON`.
    pub fn skip(&mut self, what: &str) {
        self.skipped.push(what.to_owned());
    }

    /// Adds the tests that `place` counted. They are others than those of the same name here, and what was skipped in
    /// one place may have passed in the other.
    pub fn absorb(&mut self, other: Self, place: &str) {
        let there = |name: &str| format!("{name} ({place})");
        self.passed.extend(other.passed_names().map(there));
        self.skipped.extend(other.skipped.iter().map(|what| format!("{place}: {what}")));
        self.said.extend(other.said.iter().map(|(name, said)| (there(name), said.clone())));
        self.failed.extend(other.failed.iter().map(|name| there(name)));
    }

    /// Whether something failed.
    pub fn has_failures(&self) -> bool {
        !self.failed.is_empty()
    }

    /// Whether nothing failed and something passed: no test run is no success.
    pub fn is_good(&self) -> bool {
        !self.has_failures() && self.passed_count() > 0
    }

    /// Takes a line of the harness or of a test, and returns it where it is to be shown.
    pub fn take(&mut self, stream: Stream, line: String) -> Option<String> {
        if let Some(what) = line.trim_start().strip_prefix("skipped: ") {
            self.skipped.push(what.to_owned());
        } else if stream == Stream::Err {
            return Some(line);
        }
        match line.as_str() {
            "successes:" => self.section = Section::Successes,
            "failures:" => self.section = Section::Shown,
            line if line.starts_with("test result: ") => self.section = Section::Shown,
            line => self.note_failure(stream, line),
        }
        if stream == Stream::Out && self.section == Section::Successes {
            return None;
        }
        if let Some((name, outcome)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... ")) {
            let name = name.trim_end_matches(" - should panic").to_owned();
            match outcome {
                "ok" => self.passed.push(name),
                "FAILED" => self.failed.push(name),
                other if other.starts_with("ignored") => self.skipped.push(format!("{name}: {other}")),
                _ => {}
            }
        }
        Some(line)
    }

    /// Keeps what the harness shows of failed tests; backtraces are long, and shown once.
    fn note_failure(&mut self, stream: Stream, line: &str) {
        let header = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----"));
        match (&self.section, header) {
            (Section::Shown | Section::Failure(_), Some(name)) => {
                self.section = Section::Failure(name.to_owned());
            }
            (Section::Failure(_), None) if line.starts_with("stack backtrace:") => {
                self.section = Section::Shown;
            }
            (Section::Failure(name), None) if stream == Stream::Out && !line.is_empty() => {
                self.said.entry(name.clone()).or_default().push(line.to_owned());
            }
            _ => {}
        }
    }

    /// Prints the skipped and the failed by name, with what these said, and the count alone on the last line.
    pub fn print(&self) {
        println!();
        for what in &self.skipped {
            println!("skipped: {what}");
        }
        for what in &self.failed {
            println!("failed: {what}");
            for line in self.said.get(what).into_iter().flatten().take(REPEATED) {
                println!("    {line}");
            }
        }
        let [passed, failed, skipped] = self.counts();
        println!("{passed} passed, {failed} failed, {skipped} skipped");
    }

    /// Returns how many passed, failed and were skipped.
    pub fn counts(&self) -> [usize; 3] {
        [self.passed_count(), self.failed.len(), self.skipped.len()]
    }

    /// Counts the passed without those that were skipped.
    fn passed_count(&self) -> usize {
        self.passed_names().count()
    }

    fn passed_names(&self) -> impl Iterator<Item = &str> {
        let passed = self.passed.iter().map(String::as_str);
        passed.filter(|test| !self.skipped.iter().any(|what| names(what, test)))
    }
}

/// Whether what was skipped is the test: its `NAME` is the test's path or the end of it.
fn names(skipped: &str, test: &str) -> bool {
    let name = skipped.split_once(": ").map_or(skipped, |(name, _)| name);
    test.strip_suffix(name).is_some_and(|module| module.is_empty() || module.ends_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &[(Stream, &str)] = &[
        (Stream::Err, "     Running tests/programs.rs"),
        (Stream::Out, "running 5 tests"),
        (Stream::Out, "test one::starts ... ok"),
        (Stream::Err, "skipped: starts: no Wine"),
        (Stream::Out, "test two::works ... ok"),
        (Stream::Out, "test two::refuses - should panic ... ok"),
        (Stream::Out, "test two::breaks ... FAILED"),
        (Stream::Out, "test two::slow ... ignored, takes an hour"),
        (Stream::Out, "successes:"),
        (Stream::Out, "---- two::works stdout ----"),
        (Stream::Out, "skipped: cases of two, v2: no cgroup v2"),
        (Stream::Out, "failures:"),
        (Stream::Out, "---- two::breaks stdout ----"),
        (Stream::Out, "assertion failed: it holds"),
        (Stream::Out, "stack backtrace:"),
        (Stream::Out, "   0: rust_begin_unwind"),
        (Stream::Out, "failures:"),
        (Stream::Out, "    two::breaks"),
        (Stream::Out, "test result: FAILED. 3 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out"),
    ];

    fn taken(report: &[(Stream, &str)]) -> (Tally, Vec<String>) {
        let mut tally = Tally::default();
        let take = |(stream, line): &(Stream, &str)| tally.take(*stream, (*line).to_owned());
        let shown = report.iter().filter_map(take).collect();
        (tally, shown)
    }

    #[test]
    fn counts_each_test_once() {
        let (tally, _) = taken(REPORT);
        assert_eq!(tally.counts(), [2, 1, 3]);
        assert_eq!(tally.failed, ["two::breaks"]);
        assert_eq!(tally.said["two::breaks"], ["assertion failed: it holds"]);
        assert!(!tally.is_good());
    }

    #[test]
    fn another_place_has_tests_of_its_own() {
        let mut tally = Tally::default();
        tally.pass("one::starts");
        tally.skip("two::works: not here");
        tally.absorb(taken(REPORT).0, "there");
        assert_eq!(tally.counts(), [3, 1, 4]);
        assert_eq!(tally.failed, ["two::breaks (there)"]);
        assert_eq!(tally.said["two::breaks (there)"], ["assertion failed: it holds"]);
    }

    #[test]
    fn shows_all_but_what_successful_tests_printed() {
        let (_, shown) = taken(REPORT);
        let hidden = ["successes:", "---- two::works stdout ----", "skipped: cases of two, v2: no cgroup v2"];
        let expected: Vec<_> =
            REPORT.iter().map(|(_, line)| *line).filter(|line| !hidden.contains(line)).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn no_test_is_no_success() {
        assert!(!taken(&[]).0.is_good());
        assert!(taken(&REPORT[2..3]).0.is_good());
        assert!(!taken(&REPORT[2..4]).0.is_good());
    }

    #[test]
    fn a_skipped_name_is_whole() {
        for (skipped, test, is_it) in [
            ("starts: no root", "starts", true),
            ("starts: no root", "a::starts", true),
            ("a::starts: no root", "a::starts", true),
            ("starts: no root", "a::restarts", false),
            ("restarts: no root", "a::starts", false),
        ] {
            assert_eq!(names(skipped, test), is_it, "{skipped} {test}");
        }
    }
}
