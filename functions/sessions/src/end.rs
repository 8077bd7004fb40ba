//! `DELETE /sessions/{login_id}` and `DELETE /sessions`: a user ends logins of their own.

use lambda_http::{Body, Request, RequestExt as _, Response};
use latchkey::{
    entropy::Random,
    http::{
        problem::{Problem, ProblemCode},
        refuse::store_problem,
    },
    ids::{LoginId, LoginKey, UserKey},
    model::CurrentSession,
    operations::{Everywhere, end_all as end_all_logins, end_owned},
    store::{Ended, Store},
    telling::log::{Event, Fields, log},
};

use crate::logout::no_content;

/// Why a request that ends logins is refused: it holds something that we don't know, and may mean another end than ours.
///
/// 1. An app keeps this device, and writes `?keep_current=true` or a JSON body instead of `?keep=current`.
/// 2. Without this check it ends every login, its own included.
fn not_understood(request: &Request, known: &str) -> Option<Problem> {
    if request.query_string_parameters().iter().any(|(name, _)| name != known) {
        return Some(Problem::invalid_request("a query parameter is unknown; nothing was ended"));
    }
    (!request.body().is_empty()).then(|| Problem::invalid_request("a request that ends logins has no body; nothing was ended"))
}

/// Ends one of the caller's logins. Unknown ids, malformed ids and those of other users get the same answer.
pub(crate) async fn end_one(
    store: &Store,
    random: &Random,
    request: &Request,
    session: &CurrentSession,
    fields: Fields<'_>,
) -> Response<Body> {
    if let Some(problem) = not_understood(request, "") {
        return problem.into_response();
    }
    let not_found = || Problem::from(ProblemCode::NotFound).into_response();
    let Some(login_id) = request.path_parameters().first("login_id").and_then(|id| LoginId::parse(id).ok()) else {
        return not_found();
    };
    let key = LoginKey { user_key: UserKey::of(&session.user_id), login_id };
    match end_owned(store, &key, random).await {
        Ok(Ended::Now { .. } | Ended::Unheard) => {
            log(Event::LoggedOut, Fields { login_id: Some(key.login_id.as_str()), ..fields }, None);
            no_content()
        }
        Ok(Ended::NotThere) => not_found(),
        Err(error) => store_problem(&error, fields).into_response(),
    }
}

/// Ends all of the caller's logins, or all but the current one with `?keep=current`.
///
/// The gateway ignores a slash at the end of the path, so `DELETE /sessions/{login_id}` with an empty id comes here. So does
/// one with the id `.`, which HTTP clients take out of the path.
pub(crate) async fn end_all(
    store: &Store,
    random: &Random,
    request: &Request,
    session: &CurrentSession,
    fields: Fields<'_>,
) -> Response<Body> {
    if request.raw_http_path().ends_with('/') {
        return Problem::invalid_request("the path ends in a slash, as with an empty login id; nothing was ended").into_response();
    }
    if let Some(problem) = not_understood(request, "keep") {
        return problem.into_response();
    }
    let which = match request.query_string_parameters().all("keep").as_deref() {
        None | Some([]) => Everywhere::AllAndLast(&session.login_id),
        Some(["current"]) => Everywhere::AllBut(&session.login_id),
        Some(_) => return Problem::invalid_request("`keep` takes `current`").into_response(),
    };
    match end_all_logins(store, &UserKey::of(&session.user_id), which, random).await {
        Ok(_) => {
            log(Event::LoggedOutEverywhere, Fields { login_id: Some(session.login_id.as_str()), ..fields }, None);
            no_content()
        }
        Err(error) => store_problem(&error, fields).into_response(),
    }
}
