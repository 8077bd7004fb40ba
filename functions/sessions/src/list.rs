//! `GET /sessions`: the device list.

use chrono::{DateTime, Utc};
use lambda_http::{Body, Request, RequestExt as _, Response};
use latchkey::{
    clock::rfc3339,
    http::{
        paging::{Cursor, PAGE_SIZES, page},
        pair::json_response,
        problem::Problem,
        refuse::store_problem,
    },
    ids::{LoginId, UserKey},
    model::{CurrentSession, Login},
    store::Store,
    telling::log::Fields,
};
use serde::Serialize;

/// One page of a user's logins, newest first.
#[derive(Serialize)]
struct Page {
    sessions: Vec<Row>,
    /// The value of `after` for the next page; null on the last page.
    next: Option<String>,
}

#[derive(Serialize)]
struct Row {
    login_id: String,
    current: bool,
    device: Option<String>,
    user_agent: Option<String>,
    ip: Option<String>,
    logged_in_at: String,
    last_refreshed_at: String,
    expires_at: String,
    /// Whether another person acts as the user.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    impersonation: bool,
}

pub(crate) async fn list(
    store: &Store,
    request: &Request,
    session: &CurrentSession,
    now: DateTime<Utc>,
    fields: Fields<'_>,
) -> Response<Body> {
    let query = request.query_string_parameters();
    let values = |name| query.all(name).unwrap_or_default();
    let Some(size) = page_size(&values("limit")) else {
        return Problem::invalid_request("`limit` takes one whole number from 1 to 100").into_response();
    };
    let Some(after) = start(&values("after")) else {
        return Problem::invalid_request("`after` takes the `next` of the page before, once").into_response();
    };
    match store.list_logins(&UserKey::of(&session.user_id)).await {
        Ok(logins) => {
            let (logins, next) = page(logins.into_values(), size, after.as_ref(), now);
            json_response(&Page { sessions: logins.into_iter().map(|login| row(login, &session.login_id)).collect(), next })
        }
        Err(error) => store_problem(&error, fields).into_response(),
    }
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
        impersonation: login.is_impersonation,
    }
}

fn page_size(limits: &[&str]) -> Option<usize> {
    match limits {
        [] => Some(PAGE_SIZES.default),
        [limit] => limit.parse().ok().filter(|size| PAGE_SIZES.contains(*size)),
        _ => None,
    }
}

/// Where the page begins: `Some(None)` at the newest login.
fn start(cursors: &[&str]) -> Option<Option<Cursor>> {
    match cursors {
        [] => Some(None),
        [cursor] => Cursor::parse(cursor).map(Some),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_checked() {
        assert_eq!((page_size(&[]), page_size(&["1"]), page_size(&["100"])), (Some(50), Some(1), Some(100)));
        for wrong in [&["0"], &["101"], &["-1"], &[""], &["x"], ["1", "2"].as_slice()] {
            assert_eq!(page_size(wrong), None, "{wrong:?}");
        }
    }
}
