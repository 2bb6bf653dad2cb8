//! Who a container's programs are, inside and on the host.

use linux_sandbox::{
    Account, Ids, Mount, Owner, Ownership, Plan, Sources, Staged, is_host_namespace, is_refused_account,
};
use uuid::Uuid;

use super::sandbox_error;
use crate::error::{Error, ErrorKind, Result};

/// ContainerUser, as the sandbox's passwd file has it.
pub(super) const CONTAINER_USER: Ids = Ids { uid: 1000, gid: 1000 };

/// The host's ids of accounts begin here: far above those that users have, or are given as subordinate ids.
const FIRST: u32 = 0x5000_0000;
const MASK: u32 = 0x0FFF_FFFF;

/// The namespace of the names that host ids are made of.
const ACCOUNT_KEYS: Uuid = Uuid::from_u128(0x6e73_7061_776e_5f68_6f73_745f_6964_735f);

/// Returns who a container's programs are, by the name of its control group, which no other container of this host has.
pub(super) fn of(group_name: &str) -> Account {
    if !is_host_namespace() {
        // A plain user has no other ids: the programs are he, whose the mapped directories are.
        let host = Ids { uid: 0, gid: 0 };
        return Account { inside: CONTAINER_USER, host, ownership: Ownership::WherePossible };
    }
    let (key, ..) = Uuid::new_v5(&ACCOUNT_KEYS, group_name.as_bytes()).as_fields();
    let id = FIRST | (key & MASK);
    Account { inside: CONTAINER_USER, host: Ids { uid: id, gid: id }, ownership: Ownership::Required }
}

/// Makes everything of a plan that needs no process. Where the host cannot show what is mapped as the account's own, the
/// programs are on the host who owns the mapped directory: returns then what was refused.
///
/// # Errors
/// The host's, naming what could not be made.
pub(super) fn stage(plan: &mut Plan, sources: &mut Sources) -> Result<(Staged, Option<Error>)> {
    let refused = match linux_sandbox::stage(plan, sources) {
        Err(error) if is_refused_account(&error) => error,
        staged => return staged.map(|staged| (staged, None)).map_err(sandbox_error),
    };
    let Some(account) = plan.account else { return Err(sandbox_error(refused)) };
    let host = owner_of_mapped(plan, sources)?;
    let shortfall =
        Error::new(ErrorKind::Unsupported, "give", "the programs a user of their own").reason(format!(
            "they are uid {} on the host, who owns what is mapped: cannot {} {}: {}",
            host.uid,
            refused.op(),
            refused.subject(),
            refused.io()
        ));
    for ownership in [Ownership::Required, Ownership::WherePossible] {
        plan.account = Some(Account { host, ownership, ..account });
        match linux_sandbox::stage(plan, sources) {
            Err(error) if is_refused_account(&error) && ownership == Ownership::Required => {}
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
    fn every_container_has_ids_of_its_own_above_all_users() {
        let (one, other) = (of("nspawn_one@1").host, of("nspawn_one@2").host);
        assert_ne!(one, other);
        assert_eq!(one, of("nspawn_one@1").host);
        for ids in [one, other] {
            assert!((FIRST..=FIRST | MASK).contains(&ids.uid) && ids.uid == ids.gid, "{ids:?}");
        }
    }
}
