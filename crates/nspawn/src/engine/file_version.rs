//! The version that a Windows program or DLL says of itself, in its version resource. Pure.

/// A version of Windows, or of a file of it: 10.0.20348.2340.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileVersion {
    /// 10 since Windows Server 2016.
    pub(super) major: u16,
    /// 0 since Windows Server 2016.
    pub(super) minor: u16,
    /// What tells servers apart.
    pub(super) build: u16,
    /// How far it was updated.
    pub(super) revision: u16,
}

impl std::fmt::Display for FileVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { major, minor, build, revision } = self;
        write!(f, "{major}.{minor}.{build}.{revision}")
    }
}

/// The key of the root of a version resource, in UTF-16, with its zero.
const KEY: &str = "VS_VERSION_INFO\0";

/// What a `VS_FIXEDFILEINFO` begins with.
const SIGNATURE: u32 = 0xFEEF_04BD;

/// Finds the version in the whole content of a file; `None` where it says none.
///
/// The structure (verrsrc.h) is looked for by its key and signature, wherever it lies: `VS_VERSIONINFO` has three
/// 16-bit numbers, the key, and then, at a multiple of four bytes, the `VS_FIXEDFILEINFO`.
pub(super) fn find(content: &[u8]) -> Option<FileVersion> {
    let key: Vec<u8> = KEY.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let fixed = |at: usize| {
        // The three numbers and the key are 38 bytes; two more lead to the next multiple of four.
        let fixed = content.get(at + key.len() + 2..)?;
        let number = |index: usize| Some(u32::from_le_bytes(*fixed.get(index * 4..)?.first_chunk()?));
        let (most, least) = (number(2)?, number(3)?);
        (number(0)? == SIGNATURE).then_some(FileVersion {
            major: (most >> 16) as u16,
            minor: most as u16,
            build: (least >> 16) as u16,
            revision: least as u16,
        })
    };
    let starts = content.windows(key.len()).enumerate().filter(|(_, window)| *window == key);
    starts.map(|(at, _)| at).find_map(fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A version resource, as it lies in a file.
    fn resource(signature: u32, numbers: [u16; 4]) -> Vec<u8> {
        let [major, minor, build, revision] = numbers;
        let mut bytes: Vec<u8> = [0x3A4_u16, 52, 0].into_iter().flat_map(u16::to_le_bytes).collect();
        bytes.extend(KEY.encode_utf16().flat_map(u16::to_le_bytes));
        bytes.extend([0, 0]);
        bytes.extend(signature.to_le_bytes());
        bytes.extend(0x0001_0000_u32.to_le_bytes());
        bytes.extend([minor, major, revision, build].into_iter().flat_map(u16::to_le_bytes));
        bytes
    }

    #[test]
    fn is_found_wherever_it_lies() {
        let version = resource(SIGNATURE, [10, 0, 20348, 2340]);
        let other = resource(0, [1, 2, 3, 4]);
        let wanted = FileVersion { major: 10, minor: 0, build: 20348, revision: 2340 };
        for before in [&[][..], b"MZ and much more", &other, &other[..30]] {
            let content = [before, &version, b"and after"].concat();
            assert_eq!(find(&content), Some(wanted), "{} bytes before", before.len());
        }
        assert_eq!(wanted.to_string(), "10.0.20348.2340");
    }

    #[test]
    fn what_says_none_has_none() {
        let version = resource(SIGNATURE, [10, 0, 17763, 1]);
        for length in 0..version.len() {
            assert_eq!(find(&version[..length]), None, "{length} bytes");
        }
        assert_eq!(find(&resource(SIGNATURE + 1, [10, 0, 17763, 1])), None);
        assert_eq!(find(&[0; 4096]), None);
    }

    /// The agent is a Windows program that is at hand everywhere.
    #[test]
    fn a_program_without_a_version_has_none() {
        assert_eq!(find(include_bytes!("../../../../guest/nspawn_agent.exe")), None);
    }
}
