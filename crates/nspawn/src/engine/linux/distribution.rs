//! How Wine is installed on this distribution, by what /etc/os-release says it is.

use std::fs;

/// Where it is told: os-release(5).
const FILES: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];

/// The distributions whose package is known; others say in `ID_LIKE` which of these they are made of.
const CURES: [(&str, &str); 7] = [
    ("debian", "install it: apt-get install wine64"),
    ("ubuntu", "install it: apt-get install wine64"),
    ("fedora", "install it: dnf install wine-core"),
    ("suse", "install it: zypper install wine"),
    ("opensuse", "install it: zypper install wine"),
    ("arch", "install it: pacman -S wine"),
    // Its Wine is linked to musl, and the dynamic loader that containers get is glibc's.
    ("alpine", "take a host with glibc: Alpine's Wine does not run in containers"),
];

/// Returns what to do where this host has no Wine.
pub(super) fn cure() -> String {
    let told = FILES.into_iter().find_map(|file| fs::read_to_string(file).ok());
    of_told(&told.unwrap_or_default())
}

fn of_told(os_release: &str) -> String {
    let value = |key: &str| {
        let mut lines = os_release.lines().filter_map(|line| line.split_once('='));
        lines
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value.trim_matches(['"', '\'']))
            .unwrap_or_default()
    };
    let names = value("ID").split_whitespace().chain(value("ID_LIKE").split_whitespace());
    let mut cures = names.filter_map(|name| CURES.iter().find(|(known, _)| *known == name));
    cures
        .next()
        .map_or("install Wine, its 64-bit part, by this system's package manager", |(_, cure)| cure)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_the_distributions_own() {
        for (os_release, cure) in [
            ("PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nID=debian\n", "apt-get install wine64"),
            ("ID=ubuntu\nID_LIKE=debian\n", "apt-get install wine64"),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "apt-get install wine64"),
            ("ID=fedora\n", "dnf install wine-core"),
            ("ID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\n", "dnf install wine-core"),
            ("ID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"\n", "zypper install wine"),
            ("ID=\"sles\"\nID_LIKE='suse'\n", "zypper install wine"),
            ("ID=arch\n", "pacman -S wine"),
            ("ID=manjaro\nID_LIKE=arch\n", "pacman -S wine"),
            ("ID=alpine\n", "Alpine's Wine does not run"),
            ("VERSION_ID=1\nNAME=debian\n", "by this system's package manager"),
            ("", "by this system's package manager"),
        ] {
            assert!(of_told(os_release).contains(cure), "{os_release}: {}", of_told(os_release));
        }
    }
}
