//! Why a host refuses user namespaces, and what to do about it: one text for launches and for `doctor`.

use std::borrow::Cow;
use std::fs;
use std::io;

use crate::error::{Error, ErrorKind};

/// What a host says of its user namespaces, and who asks for one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Facts {
    /// How many there may be, of each user (`user.max_user_namespaces`).
    maximum: Option<u64>,
    /// Whether plain users may have them (`kernel.unprivileged_userns_clone`; Debian's kernels have it).
    plain: Option<u64>,
    /// Whether plain users' are of no use (`kernel.apparmor_restrict_unprivileged_userns`; Ubuntu's, since 23.10).
    restricted: Option<u64>,
    /// The profile of AppArmor's that holds us, where one does.
    profile: Option<String>,
    /// Whether whoever asks is root.
    root: bool,
}

impl Facts {
    /// Looks at the host.
    pub(crate) fn of_host() -> Self {
        let setting = |path: &str| fs::read_to_string(format!("/proc/sys/{path}")).ok()?.trim().parse().ok();
        Self {
            maximum: setting("user/max_user_namespaces"),
            plain: setting("kernel/unprivileged_userns_clone"),
            restricted: setting("kernel/apparmor_restrict_unprivileged_userns"),
            profile: fs::read_to_string(LABEL).ok().and_then(|label| enforced(&label)),
            // Not root of a namespace that has just been made, and turned out to be of no use.
            root: rustix::process::geteuid().is_root() && linux_sandbox::is_host_namespace().unwrap_or(false),
        }
    }

    /// Adds to the error of a refused namespace what it means here, and the cure.
    pub(crate) fn explain(&self, error: Error, refusal: io::ErrorKind) -> Error {
        let (kind, cure) = self.cure(refusal);
        error.with_kind(kind).with_hint(cure)
    }

    fn cure(&self, refusal: io::ErrorKind) -> (ErrorKind, Cow<'static, str>) {
        if refusal == io::ErrorKind::PermissionDenied
            && let Some(profile) = &self.profile
        {
            let cure = format!(
                "the profile {profile} of AppArmor's holds this program; give it, in /etc/apparmor.d, the flag \
                 \"unconfined\" and the rule \"userns,\", as others there have"
            );
            return (ErrorKind::Denied, cure.into());
        }
        let (kind, cure) = self.setting(refusal);
        (kind, cure.into())
    }

    /// Returns the cure by a setting of the host's.
    fn setting(&self, refusal: io::ErrorKind) -> (ErrorKind, &'static str) {
        use io::ErrorKind::{InvalidInput, PermissionDenied, StorageFull};
        let plain_user = !self.root;
        match refusal {
            // ENOSPC: user_namespaces(7).
            StorageFull if self.maximum == Some(0) => (
                ErrorKind::Denied,
                "this host allows no user namespaces at all; allow them, as root: sysctl -w user.max_user_namespaces=10000",
            ),
            StorageFull => (
                ErrorKind::Host,
                "there are as many user namespaces as this host allows, or they lie 32 deep; allow more, as root: sysctl \
                 -w user.max_user_namespaces=100000",
            ),
            PermissionDenied if plain_user && self.plain == Some(0) => (
                ErrorKind::Denied,
                "start this with sudo, or let plain users have user namespaces: sysctl -w \
                 kernel.unprivileged_userns_clone=1",
            ),
            PermissionDenied if plain_user && self.restricted == Some(1) => (
                ErrorKind::Denied,
                "start this with sudo, or give this program a profile of AppArmor's with the rule \"userns,\", as \
                 /etc/apparmor.d has for others; for all programs: sysctl -w \
                 kernel.apparmor_restrict_unprivileged_userns=0",
            ),
            PermissionDenied => (
                ErrorKind::Denied,
                "something around us forbids user namespaces: a chroot, a container or a service with a filter of system \
                 calls, or a security module; start this outside of it",
            ),
            InvalidInput => (
                ErrorKind::Denied,
                "a process with other threads, or one in a chroot, needs root: start this with sudo",
            ),
            _ => (ErrorKind::Host, "does this kernel have user namespaces? It is the option CONFIG_USER_NS"),
        }
    }
}

/// Where AppArmor says which profile holds a process; absent where it is not at work.
const LABEL: &str = "/proc/self/attr/apparmor/current";

/// Returns the name in a label such as `firefox (enforce)`: the profile that forbids something. Not that of Ubuntu's
/// setting, which holds whoever has made a namespace without a profile of his own.
fn enforced(label: &str) -> Option<String> {
    let profile = label.trim_end().strip_suffix(" (enforce)")?;
    (profile != "unprivileged_userns").then(|| profile.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_found_in_a_label() {
        for (label, profile) in [
            ("unconfined\n", None),
            ("", None),
            ("firefox (enforce)\n", Some("firefox")),
            ("/usr/bin/with space (enforce)", Some("/usr/bin/with space")),
            ("firefox (complain)\n", None),
            ("chrome (unconfined)\n", None),
            ("unprivileged_userns (enforce)\n", None),
        ] {
            assert_eq!(enforced(label).as_deref(), profile, "{label:?}");
        }
    }

    #[test]
    fn each_refusal_has_a_cure_of_its_own() {
        use io::ErrorKind::{InvalidInput, PermissionDenied, StorageFull};
        let plain =
            || Facts { maximum: Some(9), plain: Some(1), restricted: Some(0), profile: None, root: false };
        let root = || Facts { root: true, ..plain() };
        let held = |facts| Facts { profile: Some("firefox".to_owned()), ..facts };
        let maximum = "sysctl -w user.max_user_namespaces=";
        for (facts, refusal, kind, cure) in [
            (Facts { maximum: Some(0), ..plain() }, StorageFull, ErrorKind::Denied, maximum),
            (Facts { maximum: Some(0), ..root() }, StorageFull, ErrorKind::Denied, maximum),
            (plain(), StorageFull, ErrorKind::Host, "as many user namespaces as this host allows"),
            (
                Facts { plain: Some(0), restricted: Some(1), ..plain() },
                PermissionDenied,
                ErrorKind::Denied,
                "sysctl -w kernel.unprivileged_userns_clone=1",
            ),
            (
                Facts { restricted: Some(1), plain: None, ..plain() },
                PermissionDenied,
                ErrorKind::Denied,
                "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
            ),
            (plain(), PermissionDenied, ErrorKind::Denied, "something around us"),
            // Root is not told to switch off what holds for plain users alone.
            (
                Facts { plain: Some(0), restricted: Some(1), ..root() },
                PermissionDenied,
                ErrorKind::Denied,
                "something around us",
            ),
            (held(plain()), PermissionDenied, ErrorKind::Denied, "the profile firefox"),
            (held(root()), PermissionDenied, ErrorKind::Denied, "the rule \"userns,\""),
            (held(plain()), StorageFull, ErrorKind::Host, "as many user namespaces as this host allows"),
            (Facts::default(), PermissionDenied, ErrorKind::Denied, "something around us"),
            (plain(), InvalidInput, ErrorKind::Denied, "with other threads"),
            (plain(), io::ErrorKind::Unsupported, ErrorKind::Host, "CONFIG_USER_NS"),
        ] {
            let error = Error::new(ErrorKind::Host, "create", "a user namespace");
            let error = facts.explain(error, refusal);
            assert_eq!(error.kind(), kind, "{facts:?} {refusal:?}");
            assert!(error.hint().is_some_and(|hint| hint.contains(cure)), "{facts:?} {refusal:?}: {error:?}");
        }
    }
}
