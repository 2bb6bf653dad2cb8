//! The Markdown table of results, each held against its goal.

use std::fmt::Write as _;
use std::time::Duration;

/// What was measured of one row.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Times of ours and of the peer, and the highest quotient of the two that is aimed at.
    Ratio {
        /// Our time.
        ours: Duration,
        /// The peer's time.
        peer: Duration,
        /// What the peer is.
        against: &'static str,
        /// The goal.
        goal: f64,
    },
    /// Memory of ours in bytes, and the most that is aimed at.
    Bytes {
        /// Our memory.
        ours: u64,
        /// The goal.
        goal: u64,
    },
    /// It could not be measured, and why.
    Failed(String),
}

/// Returns the table; every row is a measure and its result.
pub fn table(rows: &[(&str, Outcome)]) -> String {
    let mut text =
        "| measure | ours | peer | ratio | goal | outcome |\n|---|---|---|---|---|---|\n".to_owned();
    for (measure, result) in rows {
        let cells = match result {
            Outcome::Ratio { ours, peer, against, goal } => {
                let ratio = ours.as_secs_f64() / peer.as_secs_f64();
                let (ours, peer) = (millis(*ours), millis(*peer));
                let verdict = verdict(ratio / goal);
                format!("{ours} | {peer} {against} | {ratio:.2} | at most {goal} x {against} | {verdict}")
            }
            Outcome::Bytes { ours, goal } => {
                let verdict = verdict(*ours as f64 / *goal as f64);
                format!("{} | | | at most {} | {verdict}", mebibytes(*ours), mebibytes(*goal))
            }
            Outcome::Failed(why) => {
                format!("| | | | not measured: {}", why.replace('|', "\\|").replace('\n', " "))
            }
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {measure} | {cells} |");
    }
    text
}

/// Says how a value stands that is so many times its goal.
fn verdict(times_goal: f64) -> String {
    if times_goal <= 1.0 {
        "met".to_owned()
    } else {
        format!("missed by {:.0} %", (times_goal - 1.0) * 100.0)
    }
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(ours: u64, peer: u64, goal: f64) -> Outcome {
        Outcome::Ratio {
            ours: Duration::from_millis(ours),
            peer: Duration::from_millis(peer),
            against: "runc",
            goal,
        }
    }

    #[test]
    fn says_how_each_goal_stands() {
        let rows = [
            ("start", ratio(50, 200, 0.25)),
            ("many", ratio(90, 100, 0.75)),
            ("memory", Outcome::Bytes { ours: 3 << 19, goal: 1 << 20 }),
            ("other", Outcome::Failed("no a|b".to_owned())),
        ];
        let expected = "\
| measure | ours | peer | ratio | goal | outcome |
|---|---|---|---|---|---|
| start | 50.0 ms | 200.0 ms runc | 0.25 | at most 0.25 x runc | met |
| many | 90.0 ms | 100.0 ms runc | 0.90 | at most 0.75 x runc | missed by 20 % |
| memory | 1.5 MiB | | | at most 1.0 MiB | missed by 50 % |
| other | | | | | not measured: no a\\|b |
";
        assert_eq!(table(&rows), expected);
    }
}
