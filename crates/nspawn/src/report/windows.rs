//! Exit statuses of Windows.

/// A process's exit status as its parent sees it: 32 bits.
pub type Status = u32;

/// Returns the status that stands for an exit code: the same.
pub(super) fn status_of(code: u32) -> Status {
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_handed_through() {
        for code in [0, 1, 255, 256, 512, 0x8000_0000, 0xC000_0005, u32::MAX] {
            assert_eq!(status_of(code), code);
        }
    }
}
