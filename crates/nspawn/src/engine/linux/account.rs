//! Who a container's programs are, inside and on the host.

use linux_sandbox::{
    Account, Ids, Mount, Other, Owner, Ownership, Plan, Sources, Staged, is_own_root, second_ids,
};
use uuid::Uuid;

use super::sandbox_error;
use crate::engine::Unenforced;
use crate::error::{Error, ErrorKind, Result};
use crate::names;
use crate::refusal::refuse;

/// The accounts that containers of this engine have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum User {
    #[default]
    ContainerUser,
    ContainerAdministrator,
}

impl User {
    pub(super) const ALL: [Self; 2] = [Self::ContainerUser, Self::ContainerAdministrator];

    /// Finds the account that a process document asks for, by its name as Windows compares it. Both are of the domain
    /// `User Manager`, and of the computer, which is `.`.
    ///
    /// # Errors
    /// `Unsupported`: there is none of that name.
    pub(super) fn find(asked: Option<&str>) -> Result<Self> {
        let Some(asked) = asked else { return Ok(Self::default()) };
        let (domain, name) = asked.rsplit_once('\\').unwrap_or((".", asked));
        let same = |one: &str, other: &str| names::fold(one) == names::fold(other);
        if [".", "User Manager"].iter().any(|known| same(domain, known))
            && let Some(user) = Self::ALL.into_iter().find(|user| same(name, user.name()))
        {
            return Ok(user);
        }
        // A long name is compared by its beginning: the distance takes time by the product of both lengths.
        let wanted: String = names::fold(name).chars().take(64).collect();
        let distance = |user: &Self| strsim::osa_distance(&wanted, &names::fold(user.name()));
        let nearest = Self::ALL.into_iter().min_by_key(distance).unwrap_or_default();
        let what = format!(
            "no account of this engine, which has {}; the nearest is {}",
            Self::ALL.map(Self::name).join(" and "),
            nearest.name()
        );
        Err(refuse("user", what, asked).with_kind(ErrorKind::Unsupported))
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ContainerUser => "ContainerUser",
            Self::ContainerAdministrator => "ContainerAdministrator",
        }
    }

    /// Returns who it is inside, as the sandbox's passwd file has it. Being 0 there gives no right to anything: it is
    /// without capabilities, in a namespace that owns nothing.
    fn inside(self) -> Ids {
        match self {
            Self::ContainerUser => Ids { uid: 1000, gid: 1000 },
            Self::ContainerAdministrator => Ids { uid: 0, gid: 0 },
        }
    }

    /// Returns who is inside whom the system's files belong to, where the host has an id for that.
    fn system(self) -> Ids {
        match self {
            Self::ContainerUser => Ids { uid: 0, gid: 0 },
            Self::ContainerAdministrator => Ids { uid: 1, gid: 1 },
        }
    }
}

/// Who a container's programs are on the host, whichever account they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OnHost {
    host: Ids,
    system: Option<Ids>,
    ownership: Ownership,
}

impl OnHost {
    /// Returns what becomes of an account there.
    pub(super) fn account(self, user: User) -> Account {
        let Self { host, system, ownership } = self;
        let system = system.map(|host| Other { inside: user.system(), host });
        Account { inside: user.inside(), host, system, ownership }
    }
}

/// The host's ids of accounts begin here: far above those that users have, or are given as subordinate ids.
const FIRST: u32 = 0x5000_0000;
const MASK: u32 = 0x0FFF_FFFF;

/// The namespace of the names that host ids are made of.
const ACCOUNT_KEYS: Uuid = Uuid::from_u128(0x6e73_7061_776e_5f68_6f73_745f_6964_735f);

/// Returns who a container's programs are, by the name of its control group, which no other container of this host has.
pub(super) fn of(group_name: &str) -> OnHost {
    if is_own_root() {
        // The programs are the plain user, whose the mapped directories and all layers are. What else is in the root is
        // a subordinate id's, where he has one.
        let host = Ids { uid: 0, gid: 0 };
        return OnHost { host, system: second_ids(), ownership: Ownership::WherePossible };
    }
    // All of the system's is root's, whom the programs do not know. In a namespace that somebody else made, as other
    // containers' are, the id may be none of its own: then `stage` finds another.
    let (key, ..) = Uuid::new_v5(&ACCOUNT_KEYS, group_name.as_bytes()).as_fields();
    let id = FIRST | (key & MASK);
    OnHost { host: Ids { uid: id, gid: id }, system: None, ownership: Ownership::Required }
}

/// Makes everything of a plan that needs no process. Where the host cannot show what is mapped as the account's own, the
/// programs are on the host who owns the mapped directory: returns then what was refused.
///
/// # Errors
/// The host's, naming what could not be made. `Unsupported` where that owner is root and `unenforced` does not allow
/// that: much of the host asks for root's number, and for no capability.
pub(super) fn stage(
    plan: &mut Plan,
    sources: &mut Sources,
    unenforced: Unenforced,
) -> Result<(Staged, Option<Error>)> {
    let refused = match linux_sandbox::stage(plan, sources) {
        Err(error) if error.refuses_account() => error,
        staged => return staged.map(|staged| (staged, None)).map_err(sandbox_error),
    };
    let Some(account) = plan.account else { return Err(sandbox_error(refused)) };
    let host = owner_of_mapped(plan, sources)?;
    let shortfall = |what: String| {
        let why = format!("{what}: cannot {} {}: {}", refused.op(), refused.subject(), refused.io());
        Error::new(ErrorKind::Unsupported, "give", "the programs a user of their own").reason(why)
    };
    if host.uid == 0 && unenforced == Unenforced::Refuse {
        return Err(shortfall("what is mapped belongs to root".to_owned()).with_hint(
            "give the process directory to another user (chown), or put it on a file system with idmapped mounts, such \
             as ext4, xfs or btrfs; or let the programs be root there: --allow-unenforced",
        ));
    }
    let shortfall = shortfall(format!("they are uid {} on the host, who owns what is mapped", host.uid));
    for ownership in [Ownership::Required, Ownership::WherePossible] {
        plan.account = Some(Account { host, ownership, ..account });
        match linux_sandbox::stage(plan, sources) {
            Err(error) if error.refuses_account() && ownership == Ownership::Required => {}
            staged => return staged.map(|staged| (staged, Some(shortfall))).map_err(sandbox_error),
        }
    }
    Err(sandbox_error(refused))
}

/// Returns who owns the process directory, which is the first that is mapped.
fn owner_of_mapped(plan: &Plan, sources: &mut Sources) -> Result<Ids> {
    let source = plan.mounts.iter().find_map(|mount| match mount {
        Mount::Bind { source, owner: Owner::Program, .. } => Some(source),
        _ => None,
    });
    let Some(source) = source else { return Ok(Ids { uid: 0, gid: 0 }) };
    let opened = sources.open(source).map_err(sandbox_error)?;
    let stat = rustix::fs::fstat(opened)
        .map_err(|errno| Error::io("inspect", source.display().to_string(), errno))?;
    Ok(Ids { uid: stat.st_uid, gid: stat.st_gid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_as_windows_finds_them() {
        use User::{ContainerAdministrator, ContainerUser};
        for (asked, user) in [
            (None, ContainerUser),
            (Some("ContainerUser"), ContainerUser),
            (Some("containeruser"), ContainerUser),
            (Some(r".\ContainerUser"), ContainerUser),
            (Some("ContainerAdministrator"), ContainerAdministrator),
            (Some(r"user manager\CONTAINERADMINISTRATOR"), ContainerAdministrator),
        ] {
            assert_eq!(User::find(asked).unwrap(), user, "{asked:?}");
        }
        for (asked, nearest) in [
            ("ContainerUsr", "ContainerUser"),
            ("Administrator", "ContainerAdministrator"),
            ("0", "ContainerUser"),
            (r"NT AUTHORITY\SYSTEM", "ContainerUser"),
            (r"BOX\ContainerAdministrator", "ContainerAdministrator"),
            (r"User Manager\", "ContainerUser"),
        ] {
            let error = User::find(Some(asked)).unwrap_err();
            let wanted = format!(
                "user: no account of this engine, which has ContainerUser and ContainerAdministrator; the nearest is \
                 {nearest}: \"{asked}\""
            );
            assert_eq!((error.kind(), error.one_line()), (ErrorKind::Unsupported, wanted));
        }
    }

    #[test]
    fn an_account_and_the_system_are_never_the_same() {
        let on_host = OnHost {
            host: Ids { uid: 0, gid: 0 },
            system: Some(Ids { uid: 1, gid: 1 }),
            ownership: Ownership::WherePossible,
        };
        for user in User::ALL {
            let account = on_host.account(user);
            let system = account.system.unwrap();
            assert!(system.inside != account.inside && system.host != account.host, "{account:?}");
        }
    }

    #[test]
    fn every_container_has_ids_of_its_own_above_all_users() {
        let (one, other) = (of("nspawn_one@1").host, of("nspawn_one@2").host);
        assert_ne!(one, other);
        assert_eq!(one, of("nspawn_one@1").host);
        for ids in [one, other] {
            assert!((FIRST..=FIRST | MASK).contains(&ids.uid) && ids.uid == ids.gid, "{ids:?}");
        }
    }
}
