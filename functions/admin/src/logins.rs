//! `POST /admin/logins/search`, `POST /admin/logins/end` and `POST /admin/users/end-all`: a user's device list, and the end of one login
//! in it or of all.

use lambda_http::{Body, Request, Response};
use latchkey::{
    clock::rfc3339,
    http::{
        paging::{Cursor, PAGE_SIZES, page},
        pair::json_response,
        problem::{Problem, ProblemCode},
        refuse::store_problem,
    },
    ids::{LoginId, LoginKey, UserKey},
    model::Login,
    operations::{Everywhere, end_all_if_known, end_owned},
    telling::log::Fields,
};
use serde::{Deserialize, Serialize};

use crate::{
    Office,
    body::{UserId, malformed, members},
    no_content, record,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    user_id: UserId,
    limit: Option<usize>,
    after: Option<String>,
}

#[derive(Serialize)]
struct Found {
    /// Since when the user is blocked; null if they aren't.
    blocked_at: Option<String>,
    logins: Vec<Row>,
    /// The value of `after` for the next page; null on the last page.
    next: Option<String>,
}

#[derive(Serialize)]
struct Row {
    login_id: String,
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

/// One page of the user's live logins, newest first.
pub(crate) async fn search(office: &Office, request: &Request, fields: Fields<'_>) -> Result<Response<Body>, Problem> {
    const TAKES: &str = "the body takes `user_id` of 1 to 128 bytes, `limit`, `after`, and nothing else";
    let Search { user_id, limit, after } = members(request, TAKES, fields)?;
    let size = limit.unwrap_or(PAGE_SIZES.default);
    if !PAGE_SIZES.contains(size) {
        return Err(malformed("`limit` takes a whole number from 1 to 100", fields));
    }
    let after = after.map(|after| Cursor::parse(&after).ok_or_else(|| malformed("`after` takes the `next` of the page before", fields)));
    let after = after.transpose()?;
    let user_key = UserKey::of(&user_id.0);
    let fields = Fields { user_key: Some(user_key.as_str()), ..fields };
    let seen = office.store.read_user_logins(&user_key).await.map_err(|error| store_problem(&error, fields))?;
    record("search", fields);
    let blocked_at = seen.register.and_then(|register| register.blocked_at).map(rfc3339);
    let (logins, next) = page(seen.logins.into_values(), size, after.as_ref(), office.clock.now());
    Ok(json_response(&Found { blocked_at, logins: logins.into_iter().map(row).collect(), next }))
}

fn row(login: Login) -> Row {
    Row {
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    user_id: UserId,
    login_id: String,
}

/// Ends one login. A user or a login that isn't there is 404: the id may be misspelt.
pub(crate) async fn end(office: &Office, request: &Request, fields: Fields<'_>) -> Result<Response<Body>, Problem> {
    const TAKES: &str = "the body takes `user_id` of 1 to 128 bytes, `login_id`, and nothing else";
    let End { user_id, login_id } = members(request, TAKES, fields)?;
    let login_id = LoginId::parse(&login_id).map_err(|_| malformed("`login_id` takes 22 characters of A-Z a-z 0-9 - _", fields))?;
    let key = LoginKey { user_key: UserKey::of(&user_id.0), login_id };
    let fields = Fields { user_key: Some(key.user_key.as_str()), login_id: Some(key.login_id.as_str()), ..fields };
    let ended = end_owned(&office.store, &key, &office.random).await.map_err(|error| store_problem(&error, fields))?;
    if !ended.by_this_call() {
        return Err(ProblemCode::NotFound.into());
    }
    record("end", fields);
    Ok(no_content())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndAll {
    user_id: UserId,
}

#[derive(Serialize)]
pub(crate) struct Ended {
    pub(crate) ended: usize,
}

/// Ends every login of the user. A user who has never logged in is unknown here: the id may be misspelt, and an answer of
/// success would hide that nothing was ended.
pub(crate) async fn end_all(office: &Office, request: &Request, fields: Fields<'_>) -> Result<Response<Body>, Problem> {
    let EndAll { user_id } = members(request, "the body takes `user_id` of 1 to 128 bytes, and nothing else", fields)?;
    let user_key = UserKey::of(&user_id.0);
    let fields = Fields { user_key: Some(user_key.as_str()), ..fields };
    let ended = end_all_if_known(&office.store, &user_key, Everywhere::All, &office.random).await;
    let ended = ended.map_err(|error| store_problem(&error, fields))?.ok_or(ProblemCode::NotFound)?;
    record("end_all", fields);
    Ok(json_response(&Ended { ended }))
}
