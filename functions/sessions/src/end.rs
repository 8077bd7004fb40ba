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

/// Ends one of the caller's logins. Unknown ids, malformed ids and those of other users get the same answer.
pub(crate) async fn end_one(
    store: &Store,
    random: &Random,
    request: &Request,
    session: &CurrentSession,
    fields: Fields<'_>,
) -> Response<Body> {
    let not_found = || Problem::from(ProblemCode::NotFound).into_response();
    let Some(login_id) = request.path_parameters().first("login_id").and_then(|id| LoginId::parse(id).ok()) else {
        return not_found();
    };
    let key = LoginKey { user_key: UserKey::of(&session.user_id), login_id };
    match end_owned(store, &key, random).await {
        Ok(Ended::Now { .. }) => {
            log(Event::LoggedOut, Fields { login_id: Some(key.login_id.as_str()), ..fields }, None);
            no_content()
        }
        Ok(Ended::NotThere) => not_found(),
        Err(error) => store_problem(&error, fields).into_response(),
    }
}

/// Ends all of the caller's logins, or all but the current one with `?keep=current`.
pub(crate) async fn end_all(
    store: &Store,
    random: &Random,
    request: &Request,
    session: &CurrentSession,
    fields: Fields<'_>,
) -> Response<Body> {
    let which = match request.query_string_parameters().first("keep") {
        None => Everywhere::AllAndLast(&session.login_id),
        Some("current") => Everywhere::AllBut(&session.login_id),
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
