//! What a program or DLL for Windows must be to run where it is put: it needs no DLL but Windows' own, and a program
//! holds its manifest and version.

use anyhow::{Context as _, Result, bail, ensure};
use object::LittleEndian;
use object::pe::{RT_MANIFEST, RT_VERSION};
use object::read::pe::{PeFile64, ResourceDirectoryEntryData};

/// DLLs that are part of every Windows Server since 2016, Nano Server included. Names of the API sets beside.
const WINDOWS_OWN: [&str; 9] = [
    "advapi32.dll",
    "bcryptprimitives.dll",
    "combase.dll",
    "kernel32.dll",
    "kernelbase.dll",
    "msvcrt.dll",
    "ntdll.dll",
    "userenv.dll",
    "ws2_32.dll",
];

/// The most that the program may be, in bytes.
pub const MOST: usize = 6 << 20;

/// What the manifest must say.
const MANIFEST_SAYS: [&str; 3] = ["level=\"asInvoker\"", ">true</longPathAware>", ">UTF-8</activeCodePage>"];

/// Checks which DLLs a program or DLL needs.
///
/// # Errors
/// It is no file of Windows for x86-64, or needs one that is not part of Windows.
pub fn check_imports(file: &[u8]) -> Result<()> {
    let foreign: Vec<String> = imports(file)?.into_iter().filter(|name| !is_windows_own(name)).collect();
    ensure!(foreign.is_empty(), "it needs DLLs that are not part of Windows: {}", foreign.join(", "));
    Ok(())
}

fn is_windows_own(name: &str) -> bool {
    name.starts_with("api-ms-win-") || WINDOWS_OWN.contains(&name)
}

/// Returns the DLLs that a file needs, in lower case.
fn imports(file: &[u8]) -> Result<Vec<String>> {
    let file = PeFile64::parse(file)?;
    let table = file.import_table()?.context("it imports nothing")?;
    let (mut descriptors, mut names) = (table.descriptors()?, Vec::new());
    while let Some(descriptor) = descriptors.next()? {
        let name = table.name(descriptor.name.get(LittleEndian))?;
        names.push(String::from_utf8_lossy(name).to_ascii_lowercase());
    }
    Ok(names)
}

/// Checks what a program holds besides code: a manifest, and `version` in its version resource.
///
/// # Errors
/// One of them is missing, or says something else.
pub fn check_resources(file: &[u8], version: &str) -> Result<()> {
    let manifest = String::from_utf8(resource(file, RT_MANIFEST)?).context("its manifest is no text")?;
    for said in MANIFEST_SAYS {
        ensure!(manifest.contains(said), "its manifest does not say {said}");
    }
    check_version(file, version)
}

/// Checks that a program or DLL has `version` in its version resource.
///
/// # Errors
/// It has none, or says something else.
pub fn check_version(file: &[u8], version: &str) -> Result<()> {
    let found = resource(file, RT_VERSION)?;
    // A value begins at a multiple of four bytes, which the end of this name is.
    let wanted = format!("ProductVersion\0{version}\0");
    let wanted: Vec<u8> = wanted.encode_utf16().flat_map(u16::to_le_bytes).collect();
    ensure!(found.windows(wanted.len()).any(|place| place == wanted), "its version is not {version}");
    Ok(())
}

/// Returns the first resource of a kind, in its first language.
fn resource(file: &[u8], kind: u16) -> Result<Vec<u8>> {
    let parsed = PeFile64::parse(file)?;
    let sections = parsed.section_table();
    let directory = parsed.data_directories().resource_directory(file, &sections)?;
    let directory = directory.context("it has no resources")?;
    let kinds = directory.root()?;
    let mut entry = kinds.entries.iter().find(|entry| entry.name_or_id().id() == Some(kind));
    let mut found;
    loop {
        match entry.with_context(|| format!("it has no resource of type {kind}"))?.data(directory)? {
            ResourceDirectoryEntryData::Table(table) => {
                found = table;
                entry = found.entries.first();
            }
            ResourceDirectoryEntryData::Data(data) => {
                let (address, size) = (data.offset_to_data.get(LittleEndian), data.size.get(LittleEndian));
                let bytes = sections.pe_data_at(file, address).context("a resource lies nowhere")?;
                let bytes = bytes.get(..size as usize).context("a resource is cut off")?;
                return Ok(bytes.to_vec());
            }
        }
    }
}

/// Checks how large a released program is.
///
/// # Errors
/// It is larger than [`MOST`].
pub fn check_size(file: &[u8]) -> Result<()> {
    if file.len() > MOST {
        bail!("it has {} bytes, more than {MOST}", file.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that is committed: it needs Windows' own DLLs alone, and has no resources.
    const AGENT: &[u8] = include_bytes!("../../guest/nspawn_agent.exe");

    #[test]
    fn what_a_program_needs_is_seen() {
        assert!(imports(AGENT).unwrap().contains(&"kernel32.dll".to_owned()));
        check_imports(AGENT).unwrap();
        let name = AGENT.windows(12).position(|bytes| bytes.eq_ignore_ascii_case(b"kernel32.dll")).unwrap();
        let mut other = AGENT.to_vec();
        other[name] = b'x';
        let error = check_imports(&other).unwrap_err().to_string().to_ascii_lowercase();
        assert!(error.contains("xernel32.dll"), "{error}");
        assert!(check_imports(b"MZ").is_err());
    }

    #[test]
    fn a_program_without_resources_is_seen() {
        assert!(check_resources(AGENT, "2.0.0").is_err());
        assert!(check_version(AGENT, "2.0.0").is_err());
    }

    #[test]
    fn a_large_program_is_seen() {
        check_size(AGENT).unwrap();
        assert!(check_size(&vec![0; MOST + 1]).is_err());
    }
}
