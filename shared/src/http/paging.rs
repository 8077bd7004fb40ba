//! Pages of a user's logins, newest first.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};

use crate::{
    clock::{parse_rfc3339, rfc3339},
    ids::LoginId,
    model::Login,
};

/// How many logins a page may have.
#[derive(Debug, Clone, Copy)]
pub struct PageSizes {
    /// Where the request doesn't say.
    pub default: usize,
    largest: usize,
}

/// For every list of logins.
pub const PAGE_SIZES: PageSizes = PageSizes { default: 50, largest: 100 };

impl PageSizes {
    /// Whether a request may ask for so many.
    #[must_use]
    pub fn contains(self, size: usize) -> bool {
        (1..=self.largest).contains(&size)
    }
}

/// Where a page begins: after the login with this time and id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(DateTime<Utc>, LoginId);

impl Cursor {
    /// Reads a cursor. `None` for one that we didn't issue.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (time, login_id) = text.split_once(' ')?;
        Some(Self(parse_rfc3339(time)?, LoginId::parse(login_id).ok()?))
    }

    fn of(login: &Login) -> Self {
        Self(login.logged_in_at, login.key.login_id.clone())
    }

    fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{} {}", rfc3339(self.0), self.1))
    }
}

/// The live logins after the cursor, at most `size`, and the cursor of the next page if there is one.
#[must_use]
pub fn page(logins: impl Iterator<Item = Login>, size: usize, after: Option<&Cursor>, now: DateTime<Utc>) -> (Vec<Login>, Option<String>) {
    let mut live: Vec<Login> = logins
        .filter(|login| now < login.refresh_token_expires_at)
        .filter(|login| after.is_none_or(|after| Cursor::of(login) < *after))
        .collect();
    live.sort_by_key(|login| std::cmp::Reverse(Cursor::of(login)));
    let more = live.len() > size;
    live.truncate(size);
    let next = live.last().filter(|_| more).map(|last| Cursor::of(last).to_text());
    (live, next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        entropy::Random,
        model::{Device, Lifetimes},
        operations::issue::issue_login,
    };

    fn login(minute: i64) -> Login {
        let lifetimes = Lifetimes { access: std::time::Duration::from_secs(300), refresh: std::time::Duration::from_secs(3600) };
        let now = DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap();
        issue_login("user-1", Device::default(), lifetimes, None, now, &Random::system()).unwrap().new.login
    }

    #[test]
    fn pages_are_newest_first_and_join_up() {
        let logins: Vec<_> = [3, 1, 5, 2, 4].map(login).into();
        let now = DateTime::from_timestamp(1_800_000_600, 0).unwrap();
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let (page, next) = page(logins.iter().cloned(), 2, after.as_ref(), now);
            assert!(page.len() <= 2);
            seen.extend(page.into_iter().map(|login| login.logged_in_at));
            match next {
                Some(next) => after = Some(Cursor::parse(&next).unwrap()),
                None => break,
            }
        }
        let mut sorted = seen.clone();
        sorted.sort_by(|a, b| b.cmp(a));
        assert_eq!((seen.len(), &seen), (5, &sorted));
    }

    /// Logins made in the same millisecond are ordered by id: a cursor that knew the time alone would skip all but one.
    #[test]
    fn no_page_skips_a_login_of_the_same_instant() {
        let logins = [0, 0, 0, 0].map(login);
        let now = logins[0].logged_in_at;
        let mut expected: Vec<_> = logins.iter().map(|login| login.key.login_id.clone()).collect();
        expected.sort_unstable_by(|one, other| other.cmp(one));
        let mut after = None;
        for (index, login_id) in expected.into_iter().enumerate() {
            let (page, next) = page(logins.iter().cloned(), 1, after.as_ref(), now);
            assert_eq!(page.iter().map(|login| &login.key.login_id).collect::<Vec<_>>(), [&login_id]);
            assert_eq!(next.is_some(), index < 3);
            after = next.and_then(|next| Cursor::parse(&next));
        }
    }

    #[test]
    fn an_expired_login_is_not_listed() {
        let one = login(0);
        let expiry = one.refresh_token_expires_at;
        assert_eq!(page([one].into_iter(), 2, None, expiry), (Vec::new(), None));
    }

    #[test]
    fn sizes_and_cursors_are_checked() {
        assert!(PAGE_SIZES.contains(1) && PAGE_SIZES.contains(100) && PAGE_SIZES.contains(PAGE_SIZES.default));
        assert!(!PAGE_SIZES.contains(0) && !PAGE_SIZES.contains(101));
        for wrong in ["", "x", "!", "MjAyNg"] {
            assert_eq!(Cursor::parse(wrong), None, "{wrong}");
        }
    }
}
