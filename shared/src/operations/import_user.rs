//! Bringing a user along from another system.

use crate::{
    model::User,
    store::{Accounts, StoreError},
};

/// What became of a user to import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserImported {
    /// The user is new.
    Created,
    /// The user was imported before, has another hash now, and hasn't logged in yet: the hash was replaced.
    Replaced,
    /// The user was imported before, with this hash.
    AlreadyThere,
    /// The user was left alone.
    LeftAlone(LeftAlone),
}

/// Why a user was left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
pub enum LeftAlone {
    /// The password is Latchkey's own: the user has logged in since, or was added here.
    #[strum(serialize = "has a password of Latchkey's own")]
    OwnPassword,
    /// The password or the status was changed here.
    #[strum(serialize = "was changed here since the import")]
    Changed,
    /// The name belongs to another id.
    #[strum(serialize = "has another user id here")]
    OtherId,
    /// The status here is another one.
    #[strum(serialize = "has another status here; `latchkey users enable` and `disable` change it")]
    OtherStatus,
    /// The id belongs to another name, or is blocked, as that of a removed user.
    #[strum(serialize = "has an id that is another user's here, or that of a removed user")]
    IdTaken,
}

/// Creates the user, or replaces the foreign hash of a user who was imported and has not logged in since. Nothing else is changed, so
/// that a second import never sets a password back. A file without ids gives `new` a drawn one, and then `id_is_given` is `false`.
///
/// # Errors
/// [`StoreError`]
pub async fn import_user(accounts: &Accounts, new: &User, id_is_given: bool) -> Result<UserImported, StoreError> {
    loop {
        if accounts.users().create_user(new).await? {
            return Ok(UserImported::Created);
        }
        // The user may have been removed since.
        let Some(there) = accounts.users().read_user(&new.username).await? else { continue };
        return match judge(&there, new, id_is_given) {
            Verdict::Replace if accounts.users().replace_password_hash(&there, &new.password_hash).await? => Ok(UserImported::Replaced),
            // The user logged in a moment ago.
            Verdict::Replace => Ok(UserImported::LeftAlone(LeftAlone::Changed)),
            Verdict::AlreadyThere => Ok(UserImported::AlreadyThere),
            Verdict::LeftAlone(why) => Ok(UserImported::LeftAlone(why)),
        };
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Replace,
    AlreadyThere,
    LeftAlone(LeftAlone),
}

fn judge(there: &User, new: &User, id_is_given: bool) -> Verdict {
    if id_is_given && there.user_id != new.user_id {
        return Verdict::LeftAlone(LeftAlone::OtherId);
    }
    if there.password_hash.foreign().is_none() && !there.password_hash.is_none() {
        return Verdict::LeftAlone(LeftAlone::OwnPassword);
    }
    if there.version != 1 {
        return Verdict::LeftAlone(LeftAlone::Changed);
    }
    if there.status != new.status {
        return Verdict::LeftAlone(LeftAlone::OtherStatus);
    }
    if there.password_hash == new.password_hash { Verdict::AlreadyThere } else { Verdict::Replace }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::{
        model::UserStatus,
        password::{ForeignHash, Hints, PasswordHash},
        username::Username,
    };

    fn foreign(last: char) -> PasswordHash {
        let text = format!("$2b$10$Dv0VlmVyXS//fjkFxrrNXOmaa1OPpwzezNW7UU6wvf3TbfcTihDw{last}");
        match ForeignHash::read(&text, &Hints::default()) {
            Ok(ForeignHash::Slow(foreign)) => foreign.into(),
            other => panic!("{other:?}"),
        }
    }

    fn user() -> User {
        User {
            username: Username::parse("ada").unwrap(),
            user_id: "user-1".to_owned(),
            password_hash: foreign('C'),
            status: UserStatus::Active,
            version: 1,
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    /// The whole table.
    #[test]
    fn a_foreign_hash_at_version_1_is_replaced_and_nothing_else() {
        let new = User { password_hash: foreign('S'), ..user() };
        let of = |there: &User, id_is_given| judge(there, &new, id_is_given);
        assert_eq!(of(&user(), true), Verdict::Replace);
        assert_eq!(of(&User { password_hash: PasswordHash::none(), ..user() }, true), Verdict::Replace);
        assert_eq!(of(&new, true), Verdict::AlreadyThere);
        assert_eq!(judge(&user(), &User { password_hash: PasswordHash::none(), ..user() }, true), Verdict::Replace);
        for (there, why) in [
            (User { user_id: "user-2".to_owned(), ..user() }, LeftAlone::OtherId),
            (User { password_hash: PasswordHash::dummy(), ..user() }, LeftAlone::OwnPassword),
            (User { password_hash: PasswordHash::stored("x".to_owned()), ..user() }, LeftAlone::OwnPassword),
            (User { version: 2, ..user() }, LeftAlone::Changed),
            (User { version: 2, ..new.clone() }, LeftAlone::Changed),
            (User { status: UserStatus::Disabled, ..user() }, LeftAlone::OtherStatus),
        ] {
            assert_eq!(of(&there, true), Verdict::LeftAlone(why));
        }
        let drawn = User { user_id: "user-2".to_owned(), ..user() };
        assert_eq!(of(&drawn, false), Verdict::Replace, "the file has no ids");
    }
}
