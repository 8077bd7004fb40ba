//! `GET /admin/hashes/{hash}`: whose token has this hash?

use lambda_http::{Body, Request, RequestExt as _, Response};
use latchkey::{
    clock::rfc3339,
    decision::Standing,
    http::{
        pair::json_response,
        problem::{Problem, ProblemCode},
        refuse::store_problem,
    },
    operations::{Holder, find_holders},
    telling::log::Fields,
};
use serde::Serialize;

use crate::{
    Office,
    body::{malformed, no_query},
    record,
};

#[derive(Serialize)]
struct Found<'a> {
    holders: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    /// Null where only an index still has the login.
    user_id: Option<&'a str>,
    login_id: &'a str,
    /// The login's current generation; null if it has ended.
    generation: Option<u32>,
    token: &'static str,
    standing: &'static str,
    expires_at: Option<String>,
}

/// The logins with a token of this hash. There is one, unless an imported token leads to two. The indexes lag behind: a token
/// that was issued a moment ago may still be unknown.
pub(crate) async fn find(office: &Office, request: &Request, fields: Fields<'_>) -> Result<Response<Body>, Problem> {
    no_query(request, fields)?;
    let path = request.path_parameters();
    let hash = path.first("hash").unwrap_or_default();
    let found = find_holders(&office.store, hash, office.clock.now()).await.map_err(|error| store_problem(&error, fields))?;
    let holders = found.ok_or_else(|| malformed("a hash is 43 characters of base64url", fields))?;
    let Some(first) = holders.first() else { return Err(ProblemCode::NotFound.into()) };
    record("find_hash", Fields { user_key: Some(first.key.user_key.as_str()), login_id: Some(first.key.login_id.as_str()), ..fields });
    Ok(json_response(&Found { holders: holders.iter().map(row).collect() }))
}

fn row(holder: &Holder) -> Row<'_> {
    let (standing, expires_at) = match holder.standing {
        Standing::Live { expires_at, .. } => ("live", Some(expires_at)),
        Standing::Expired { expires_at, .. } => ("expired", Some(expires_at)),
        Standing::Replaced { .. } => ("replaced", None),
        Standing::Ended => ("ended", None),
    };
    Row {
        user_id: holder.user_id(),
        login_id: holder.key.login_id.as_str(),
        generation: holder.generation(),
        token: holder.kind,
        standing,
        expires_at: expires_at.map(rfc3339),
    }
}
