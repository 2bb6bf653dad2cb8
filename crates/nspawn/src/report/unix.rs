//! Exit statuses of Unix.

/// A process's exit status as its parent sees it: 8 bits.
pub type Status = u8;

/// Returns the status that stands for an exit code of Windows: its low 8 bits, and 1 where those are 0 and the code is
/// not, so that failure never looks like success.
pub(super) fn status_of(code: u32) -> Status {
    match (code, code as u8) {
        (0, _) => 0,
        (_, low) => low.max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_never_looks_like_success() {
        let exited = [(0, 0), (1, 1), (7, 7), (255, 255), (256, 1), (259, 3), (512, 1), (300, 44)];
        let faults = [(0xC000_0005, 5), (0xFFFF_FFFF, 255), (0x8000_0000, 1), (0xC000_0100, 1)];
        for (code, status) in exited.into_iter().chain(faults) {
            assert_eq!(status_of(code), status, "{code:#x}");
        }
    }
}
