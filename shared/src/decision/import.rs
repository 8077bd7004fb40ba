//! May this session be imported?

use chrono::{DateTime, Utc};

use crate::model::{LoginCreation, NewLogin, UserLogins};

/// What to do. First match wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportDecision {
    /// It was imported before, and may have been refreshed or ended since: leave it alone.
    AlreadyThere,
    /// Its refresh token has expired: it is worth nothing.
    Expired,
    /// The user is blocked.
    Blocked,
    /// Its import is in mid-commit: read again.
    Torn,
    /// Write it.
    Create(LoginCreation),
}

/// Decides the import of one session, from what was read of the register and of its own items.
///
/// The alias outlives the login, so that an ended login is never brought back by importing it again.
#[must_use]
pub fn decide_import(seen: &UserLogins, new: &NewLogin, now: DateTime<Utc>) -> ImportDecision {
    let own = &new.login.key.login_id;
    if seen.aliases.contains(own) {
        return ImportDecision::AlreadyThere;
    }
    if now >= new.login.refresh_token_expires_at {
        return ImportDecision::Expired;
    }
    if seen.register.as_ref().is_some_and(|register| register.blocked_at.is_some()) {
        return ImportDecision::Blocked;
    }
    let named = seen.register.as_ref().is_some_and(|register| register.last_login_id == *own);
    if named || seen.logins.contains_key(own) {
        return ImportDecision::Torn;
    }
    ImportDecision::Create(LoginCreation {
        register: seen.register.clone(),
        logins_at_most: seen.register.as_ref().map_or(0, |register| register.logins_at_most).saturating_add(1),
        ..LoginCreation::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decision::states::{Chain, at, start},
        ids::LoginId,
        model::{Attributes, Register},
    };

    fn new() -> NewLogin {
        let chain = Chain::of(0);
        NewLogin { login: chain.login(), session: chain.session(0), own: Attributes::default() }
    }

    fn creation(decision: ImportDecision) -> LoginCreation {
        match decision {
            ImportDecision::Create(creation) => creation,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_is_written_once_and_strictly_before_its_expiry() {
        let new = new();
        let expiry = new.login.refresh_token_expires_at;
        assert_eq!(creation(decide_import(&UserLogins::default(), &new, expiry - at(1))).register, None);
        assert_eq!(decide_import(&UserLogins::default(), &new, expiry), ImportDecision::Expired);
        let imported = UserLogins { aliases: [new.login.key.login_id.clone()].into(), ..UserLogins::default() };
        assert_eq!(decide_import(&imported, &new, start()), ImportDecision::AlreadyThere);
        assert_eq!(decide_import(&imported, &new, expiry), ImportDecision::AlreadyThere);
    }

    #[test]
    fn a_blocked_user_gets_none() {
        let (new, register) = (
            new(),
            Register {
                version: 1,
                last_login_id: LoginId::generate(&crate::entropy::Random::system()).unwrap(),
                logins_at_most: 1,
                blocked_at: Some(start()),
                attributes: Attributes::default(),
                attributes_pending: None,
            },
        );
        let blocked = UserLogins { register: Some(register), ..UserLogins::default() };
        assert_eq!(decide_import(&blocked, &new, start()), ImportDecision::Blocked);
    }

    #[test]
    fn its_own_traces_without_the_alias_are_a_torn_read() {
        let new = new();
        let own = new.login.key.login_id.clone();
        let login_alone = UserLogins { logins: [(own.clone(), new.login.clone())].into(), ..UserLogins::default() };
        let register_alone = UserLogins {
            register: Some(Register {
                version: 1,
                last_login_id: own,
                logins_at_most: 1,
                blocked_at: None,
                attributes: Attributes::default(),
                attributes_pending: None,
            }),
            ..UserLogins::default()
        };
        assert_eq!(decide_import(&login_alone, &new, start()), ImportDecision::Torn);
        assert_eq!(decide_import(&register_alone, &new, start()), ImportDecision::Torn);
    }

    /// Whether the newest login is still there makes no difference, so it isn't read.
    #[test]
    fn it_builds_on_the_register_alone() {
        let other = LoginId::parse("abcdefghijklmnopqrst-_").unwrap();
        let register = Register {
            version: 7,
            last_login_id: other,
            logins_at_most: 41,
            blocked_at: None,
            attributes: Attributes::default(),
            attributes_pending: None,
        };
        let seen = UserLogins { register: Some(register.clone()), ..UserLogins::default() };
        let expected = LoginCreation { register: Some(register), logins_at_most: 42, ..LoginCreation::default() };
        assert_eq!(creation(decide_import(&seen, &new(), start())), expected);
    }
}
