//! `GET /sessions`: the device list.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use lambda_http::{Body, Request, RequestExt as _, Response};
use latchkey::{
    clock::{parse_rfc3339, rfc3339},
    http::{pair::json_response, problem::Problem, refuse::store_problem},
    ids::{LoginId, UserKey},
    model::{CurrentSession, Login},
    store::Store,
    telling::log::Fields,
};
use serde::Serialize;

const DEFAULT_PAGE: usize = 50;
const LARGEST_PAGE: usize = 100;

/// One page of a user's logins, newest first.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Page {
    sessions: Vec<Row>,
    /// The value of `after` for the next page; null on the last page.
    next: Option<String>,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct Row {
    login_id: String,
    current: bool,
    device: Option<String>,
    user_agent: Option<String>,
    ip: Option<String>,
    logged_in_at: String,
    last_refreshed_at: String,
    expires_at: String,
}

/// Where a page begins: after the login with this time and id.
type Cursor = (DateTime<Utc>, LoginId);

pub(crate) async fn list(
    store: &Store,
    request: &Request,
    session: &CurrentSession,
    now: DateTime<Utc>,
    fields: Fields<'_>,
) -> Response<Body> {
    let query = request.query_string_parameters();
    let (size, after) = match (page_size(query.first("limit")), cursor(query.first("after"))) {
        (Some(size), Some(after)) => (size, after),
        (None, _) => return Problem::invalid_request("`limit` takes a whole number from 1 to 100").into_response(),
        (_, None) => return Problem::invalid_request("`after` takes what `next` of the page before gave").into_response(),
    };
    match store.list_logins(&UserKey::of(&session.user_id)).await {
        Ok(logins) => json_response(&page(logins.into_values(), &session.login_id, size, after.as_ref(), now)),
        Err(error) => store_problem(&error, fields).into_response(),
    }
}

/// The live logins after the cursor, at most `size`.
fn page(logins: impl Iterator<Item = Login>, current: &LoginId, size: usize, after: Option<&Cursor>, now: DateTime<Utc>) -> Page {
    let place = |login: &Login| (login.logged_in_at, login.key.login_id.clone());
    let mut live: Vec<Login> = logins
        .filter(|login| now < login.refresh_token_expires_at)
        .filter(|login| after.is_none_or(|after| place(login) < *after))
        .collect();
    live.sort_by_key(|login| std::cmp::Reverse(place(login)));
    let more = live.len() > size;
    live.truncate(size);
    let next =
        live.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(format!("{} {}", rfc3339(last.logged_in_at), last.key.login_id)));
    Page { sessions: live.into_iter().map(|login| row(login, current)).collect(), next }
}

fn row(login: Login, current: &LoginId) -> Row {
    Row {
        current: login.key.login_id == *current,
        login_id: login.key.login_id.to_string(),
        device: login.device.name,
        user_agent: login.device.user_agent,
        ip: login.device.ip,
        logged_in_at: rfc3339(login.logged_in_at),
        last_refreshed_at: rfc3339(login.last_refreshed_at),
        expires_at: rfc3339(login.refresh_token_expires_at),
    }
}

fn page_size(limit: Option<&str>) -> Option<usize> {
    limit.map_or(Some(DEFAULT_PAGE), |limit| limit.parse().ok().filter(|size| (1..=LARGEST_PAGE).contains(size)))
}

/// `None` for a cursor that we didn't issue.
#[expect(clippy::option_option, reason = "no cursor and an invalid cursor differ")]
fn cursor(after: Option<&str>) -> Option<Option<Cursor>> {
    let Some(after) = after else { return Some(None) };
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(after).ok()?).ok()?;
    let (time, login_id) = text.split_once(' ')?;
    Some(Some((parse_rfc3339(time)?, LoginId::parse(login_id).ok()?)))
}

#[cfg(test)]
mod tests {
    use latchkey::{
        entropy::Random,
        model::{Device, Lifetimes},
        operations::issue::issue_login,
    };

    use super::*;

    fn login(minute: i64) -> Login {
        let lifetimes = Lifetimes { access: std::time::Duration::from_secs(300), refresh: std::time::Duration::from_secs(3600) };
        let now = DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap();
        issue_login("user-1", Device::default(), lifetimes, None, now, &Random::system()).unwrap().new.login
    }

    #[test]
    fn pages_are_newest_first_and_join_up() {
        let logins: Vec<_> = [3, 1, 5, 2, 4].map(login).into();
        let now = DateTime::from_timestamp(1_800_000_600, 0).unwrap();
        let current = logins[1].key.login_id.clone();
        let mut after = None;
        let mut seen = Vec::new();
        loop {
            let page = page(logins.iter().cloned(), &current, 2, after.as_ref(), now);
            seen.extend(page.sessions);
            match page.next {
                Some(next) => after = cursor(Some(&next)).unwrap(),
                None => break,
            }
        }
        let times: Vec<_> = seen.iter().map(|row| row.logged_in_at.clone()).collect();
        let mut sorted = times.clone();
        sorted.sort_by(|a, b| b.cmp(a));
        assert_eq!((times.len(), &times), (5, &sorted));
        assert_eq!(seen.iter().filter(|row| row.current).map(|row| row.login_id.as_str()).collect::<Vec<_>>(), [current.as_str()]);
    }

    /// Logins made in the same millisecond are ordered by id: a cursor that knew the time alone would skip all but one.
    #[test]
    fn no_page_skips_a_login_of_the_same_instant() {
        let logins = [0, 0, 0, 0].map(login);
        let now = logins[0].logged_in_at;
        let mut expected: Vec<_> = logins.iter().map(|login| login.key.login_id.to_string()).collect();
        expected.sort_unstable_by(|one, other| other.cmp(one));
        let mut after = None;
        for (index, login_id) in expected.iter().enumerate() {
            let page = page(logins.iter().cloned(), &logins[0].key.login_id, 1, after.as_ref(), now);
            assert_eq!(page.sessions.iter().map(|row| &row.login_id).collect::<Vec<_>>(), [login_id]);
            assert_eq!(page.next.is_some(), index < 3);
            after = page.next.and_then(|next| cursor(Some(&next)).unwrap());
        }
    }

    #[test]
    fn an_expired_login_is_not_listed() {
        let one = login(0);
        let expiry = one.refresh_token_expires_at;
        let id = one.key.login_id.clone();
        assert_eq!(page([one].into_iter(), &id, 2, None, expiry), Page { sessions: Vec::new(), next: None });
    }

    #[test]
    fn limits_and_cursors_are_checked() {
        assert_eq!((page_size(None), page_size(Some("1")), page_size(Some("100"))), (Some(50), Some(1), Some(100)));
        for wrong in ["0", "101", "-1", "", "x"] {
            assert_eq!(page_size(Some(wrong)), None, "{wrong}");
        }
        for wrong in ["", "x", "!", "MjAyNg"] {
            assert_eq!(cursor(Some(wrong)), None, "{wrong}");
        }
    }
}
