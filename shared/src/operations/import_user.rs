//! Bringing a user along from another system.

use super::{
    block::block_user,
    create_user::{UserCreated, create_user},
    import_rows::{Progress, note_commit},
};
use crate::{
    backoff::Backoff,
    entropy::Random,
    ids::UserKey,
    model::{User, UserStatus},
    store::{Accounts, RowWrite, StoreError},
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
    /// Another user's name is drawn like this one.
    #[strum(serialize = "looks like the name of another user here")]
    LooksLikeAnother,
    /// The id belongs to another name, or is blocked, as that of a removed user.
    #[strum(serialize = "has an id that is another user's here, or that of a removed user")]
    IdTaken,
}

/// Creates the user, or replaces the foreign hash of a user who was imported and has not logged in since. Nothing else is changed, so
/// that a second import never sets a password back. A file without ids gives `new` a drawn one, and then `id_is_given` is `false`.
///
/// # Errors
/// [`StoreError`]
pub async fn import_user(accounts: &Accounts, new: &User, id_is_given: bool, random: &Random) -> Result<UserImported, StoreError> {
    let (imported, user_id) = import_unblocked(accounts, new, id_is_given, random).await?;
    // A disabled user is blocked, too, so that no login is created by another door. After a crash in between, the same command comes here.
    if new.status == UserStatus::Disabled && !matches!(imported, UserImported::LeftAlone(_)) {
        block_user(accounts.store(), &UserKey::of(&user_id), new.created_at, random).await?;
    }
    Ok(imported)
}

/// Also gives the user's id here.
async fn import_unblocked(
    accounts: &Accounts,
    new: &User,
    id_is_given: bool,
    random: &Random,
) -> Result<(UserImported, String), StoreError> {
    loop {
        let Some(there) = accounts.users().read_user(&new.username).await? else {
            match create_user(accounts, new, random).await? {
                UserCreated::Done => return Ok((UserImported::Created, new.user_id.clone())),
                UserCreated::IdTaken => return Ok((UserImported::LeftAlone(LeftAlone::IdTaken), new.user_id.clone())),
                UserCreated::LooksLikeAnother => {
                    return Ok((UserImported::LeftAlone(LeftAlone::LooksLikeAnother), new.user_id.clone()));
                }
                // Another command has added the user since.
                UserCreated::NameTaken => continue,
            }
        };
        let imported = match judge(&there, new, id_is_given) {
            Verdict::Replace if accounts.users().replace_password_hash(&there, &new.password_hash).await? => UserImported::Replaced,
            // The user logged in a moment ago.
            Verdict::Replace => UserImported::LeftAlone(LeftAlone::Changed),
            Verdict::AlreadyThere => UserImported::AlreadyThere,
            Verdict::LeftAlone(why) => UserImported::LeftAlone(why),
        };
        return Ok((imported, there.user_id));
    }
}

/// A user of a file.
#[derive(Debug)]
pub struct NewUser {
    /// The user.
    pub user: User,
    /// Whether the file has the id; otherwise it was drawn.
    pub id_is_given: bool,
}

/// A user to import beside others.
pub type UserImport = Progress<NewUser, UserImported>;

/// Imports users none of whom has the id of another or a name that looks like another's, each with the outcome that [`import_user`] gives:
/// those who are new with one read and one transaction for as many as it takes, the others alone. On an error call it again: it goes on
/// with what isn't settled.
///
/// # Errors
/// [`StoreError::Unavailable`]. Every other error is the outcome of its user.
pub async fn import_users(accounts: &Accounts, imports: &mut [UserImport], random: &Random) -> Result<(), StoreError> {
    together(accounts, imports, random).await?;
    for import in imports.iter_mut().filter(|import| import.is_open()) {
        let NewUser { user, id_is_given } = &import.row;
        let imported = match import_user(accounts, user, *id_is_given, random).await {
            // This import wrote it, and the answer to the write was lost.
            Ok(UserImported::AlreadyThere) if import.sent => Ok(UserImported::Created),
            imported => imported,
        };
        import.settle(imported)?;
    }
    Ok(())
}

/// Until each user is settled, or is to be imported alone.
async fn together(accounts: &Accounts, imports: &mut [UserImport], random: &Random) -> Result<(), StoreError> {
    let mut backoff = Backoff::new(random);
    loop {
        let mut open: Vec<_> = imports.iter_mut().filter(|import| import.is_open() && !import.alone).collect();
        if open.is_empty() {
            return Ok(());
        }
        let writes = decide(accounts, &mut open).await?;
        for transaction in RowWrite::into_transactions(writes) {
            let (of, rows): (Vec<usize>, Vec<_>) = transaction.into_iter().unzip();
            let commit = accounts.store().write_rows(rows).await;
            let written = open.iter_mut().enumerate().filter(|(at, _)| of.contains(at)).map(|(_, import)| &mut **import);
            note_commit(&mut written.collect::<Vec<_>>(), commit, UserImported::Created)?;
        }
        if open.iter().any(|import| import.is_open() && !import.alone) {
            backoff.wait().await;
        }
    }
}

/// Reads, and settles what is to be settled without a write. Gives what the new users write, with their places.
async fn decide(accounts: &Accounts, open: &mut [&mut UserImport]) -> Result<Vec<(usize, RowWrite)>, StoreError> {
    let names: Vec<_> = open.iter().map(|import| import.row.user.username.clone()).collect();
    let seen = accounts.users().read_users(&names.iter().collect::<Vec<_>>()).await?;
    let mut writes = Vec::new();
    for ((at, import), seen) in open.iter_mut().enumerate().zip(seen) {
        let NewUser { user, id_is_given } = &import.row;
        // A disabled user is blocked after they are created: two writes, whose order a batch doesn't keep.
        if user.status == UserStatus::Disabled {
            import.alone = true;
            continue;
        }
        let settled = match seen.map(|there| there.map(|there| judge(&there, user, *id_is_given))) {
            Ok(None) => {
                writes.push((at, accounts.row_of_user(user)?));
                continue;
            }
            Ok(Some(Verdict::Replace)) => {
                import.alone = true;
                continue;
            }
            Ok(Some(Verdict::AlreadyThere)) if import.sent => Ok(UserImported::Created),
            Ok(Some(Verdict::AlreadyThere)) => Ok(UserImported::AlreadyThere),
            Ok(Some(Verdict::LeftAlone(why))) => Ok(UserImported::LeftAlone(why)),
            Err(error) => Err(error.into()),
        };
        import.settle(settled)?;
    }
    Ok(writes)
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
        password::{Costs, ForeignHash, Hints, PasswordHash},
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
            (User { password_hash: PasswordHash::dummy(&Costs::CURRENT), ..user() }, LeftAlone::OwnPassword),
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
