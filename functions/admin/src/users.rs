//! `POST /admin/users/end-all`: a user is logged out everywhere.

use lambda_http::{Body, Request, Response};
use latchkey::{
    http::{
        pair::json_response,
        problem::{Problem, ProblemCode},
        refuse::store_problem,
    },
    ids::UserKey,
    operations::{Everywhere, end_all_if_known},
    telling::log::Fields,
};
use serde::{Deserialize, Serialize};

use crate::{
    Office,
    body::{UserId, members},
    record,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndAll {
    user_id: UserId,
}

#[derive(Serialize)]
struct Ended {
    ended: usize,
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
