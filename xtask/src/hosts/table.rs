//! The Markdown table of what came of the tests on each release.

/// What came of one release.
#[derive(Debug)]
pub struct Row {
    /// The archive's name for it.
    pub suite: String,
    /// Wine's version, as Debian counts.
    pub wine: String,
    /// What passed, failed and was skipped of each test program, in the order of the columns.
    pub counts: Vec<[usize; 3]>,
}

/// Returns the table: a column for each of `tests`.
pub fn table(kernel: &str, tests: &[&str], rows: &[Row]) -> String {
    let cells = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let head = [&["suite", "kernel", "Wine"], tests].concat();
    let mut text = cells(&head) + &cells(&vec!["---"; head.len()]);
    for row in rows {
        let counts =
            row.counts.iter().map(|[passed, failed, skipped]| format!("{passed}, {failed}, {skipped}"));
        let counts: Vec<String> = counts.collect();
        let counts = counts.iter().map(String::as_str);
        text +=
            &cells(&[row.suite.as_str(), kernel, &row.wine].into_iter().chain(counts).collect::<Vec<_>>());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_release_is_a_row() {
        let row = |suite: &str, counts: &[[usize; 3]]| Row {
            suite: suite.to_owned(),
            wine: "9".to_owned(),
            counts: counts.to_vec(),
        };
        let rows = [row("old", &[[3, 0, 1], [2, 1, 0]]), row("new", &[[4, 0, 0], [3, 0, 0]])];
        let expected = "\
| suite | kernel | Wine | limits | layers |
| --- | --- | --- | --- | --- |
| old | 6.1 | 9 | 3, 0, 1 | 2, 1, 0 |
| new | 6.1 | 9 | 4, 0, 0 | 3, 0, 0 |
";
        assert_eq!(table("6.1", &["limits", "layers"], &rows), expected);
    }
}
