//! Users and groups by name or number (passwd(5), group(5), `getpwnam_r(3)`).

use crate::sys::{Account, AccountError, AccountIds};
use nix::unistd::{Gid, Group, Uid, User, getegid, geteuid};

/// ID of `nobody` if the user database has no such user, as in some containers.
const NOBODY: u32 = 65_534;

/// Whether this process runs as root.
pub fn is_root() -> bool {
    geteuid().is_root()
}

impl Account {
    /// The account this process runs as.
    pub fn current() -> Self {
        let (uid, gid) = (geteuid(), getegid());
        // Without a name, the number is shown.
        let name = User::from_uid(uid).ok().flatten().map(|user| user.name);
        let (uid, gid) = (uid.as_raw(), gid.as_raw());
        Self::numbered(name.unwrap_or_else(|| uid.to_string()), uid, gid)
    }

    /// The unprivileged user `nobody`.
    pub fn nobody() -> Self {
        let nobody = || Self::numbered("nobody".to_owned(), NOBODY, NOBODY);
        Self::parse("nobody").unwrap_or_else(|_| nobody())
    }

    /// Parses `NAME` or `UID`, followed by `:GROUP` if the group is not the user's own. A number
    /// need not be in the user database; its group then has the same number.
    pub fn parse(text: &str) -> Result<Self, AccountError> {
        let (user, group) = match text.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (text, None),
        };
        let account = match number(user) {
            None => found(user, User::from_name(user))?
                .map(|user| Self::of(&user))
                .ok_or_else(|| AccountError::NoUser(user.to_owned()))?,
            Some(uid) => found(user, User::from_uid(Uid::from_raw(uid)))?
                .map_or_else(|| Self::numbered(user.to_owned(), uid, uid), |user| Self::of(&user)),
        };
        let Some(group) = group else { return Ok(account) };
        let gid = if let Some(gid) = number(group) {
            Gid::from_raw(gid)
        } else {
            let group_found = found(group, Group::from_name(group))?;
            group_found.ok_or_else(|| AccountError::NoGroup(group.to_owned()))?.gid
        };
        let ids = account.ids.map(|ids| AccountIds { group: gid.as_raw(), ..ids });
        Ok(Self { ids, ..account })
    }

    fn numbered(name: String, user: u32, group: u32) -> Self {
        Self { name, ids: Some(AccountIds { user, group }) }
    }

    fn of(user: &User) -> Self {
        Self::numbered(user.name.clone(), user.uid.as_raw(), user.gid.as_raw())
    }
}

/// A user or group ID; the highest value is excluded because it means "leave unchanged" to
/// setresuid(2).
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number != u32::MAX)
}

fn found<T>(name: &str, result: nix::Result<Option<T>>) -> Result<Option<T>, AccountError> {
    use nix::errno::Errno;
    match result {
        Ok(found) => Ok(found),
        // getpwnam(3): errors some systems return instead of "not found".
        Err(Errno::ENOENT | Errno::ESRCH | Errno::EBADF | Errno::EPERM) => Ok(None),
        Err(errno) => Err(AccountError::Lookup { name: name.to_owned(), source: errno.into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_a_name_or_a_number_with_a_group_or_without() {
        let root = Account::numbered("root".to_owned(), 0, 0);
        assert_eq!(Account::parse("root").unwrap(), root);
        assert_eq!(Account::parse("0").unwrap(), root);
        assert!(root.is_root());
        let other_group = Account::numbered("root".to_owned(), 0, 7);
        assert_eq!(Account::parse("root:7").unwrap(), other_group);
        let group = |text| Account::parse(text).unwrap().ids.unwrap().group;
        assert_eq!(group("root:root"), 0);
        let unlisted = Account::numbered("3999999999".to_owned(), 3_999_999_999, 3_999_999_999);
        assert_eq!(Account::parse("3999999999").unwrap(), unlisted);
        assert_eq!(group("3999999999:4"), 4);
        assert!(!unlisted.is_root());
    }

    #[test]
    fn what_is_not_there_is_named() {
        for (text, wrong) in [
            ("no-such-user", "this host has no user no-such-user"),
            ("no-such-user:0", "this host has no user no-such-user"),
            ("root:no-such-group", "this host has no group no-such-group"),
            ("", "this host has no user "),
            ("root:", "this host has no group "),
            // setresuid(2) would leave everything unchanged.
            ("4294967295", "this host has no user 4294967295"),
            ("root:4294967295", "this host has no group 4294967295"),
            ("-1", "this host has no user -1"),
        ] {
            assert_eq!(Account::parse(text).unwrap_err().to_string(), wrong, "{text}");
        }
    }
}
