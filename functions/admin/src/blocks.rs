//! `POST /admin/blocks` and `POST /admin/blocks/lift`: a user is kept out, by every door.

use lambda_http::{Body, Request, Response};
use latchkey::{
    http::{
        pair::json_response,
        problem::{Problem, ProblemCode},
        refuse::store_problem,
    },
    ids::UserKey,
    operations::{block_user, lift_block},
    telling::log::Fields,
};
use serde::{Deserialize, Serialize};

use crate::{
    Office,
    body::{UserId, members},
    no_content, record,
};

const TAKES: &str = "the body takes `user_id` of 1 to 128 bytes, and nothing else";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    user_id: UserId,
}

#[derive(Serialize)]
struct Blocked {
    ended: usize,
}

/// Blocks the user and ends every login of theirs. A user who has never logged in can be blocked too, so no id is unknown here.
pub(crate) async fn block(office: &Office, request: &Request, fields: Fields<'_>) -> Result<Response<Body>, Problem> {
    let Members { user_id } = members(request, TAKES, fields)?;
    let user_key = UserKey::of(&user_id.0);
    let fields = Fields { user_key: Some(user_key.as_str()), ..fields };
    let ended = block_user(&office.store, &user_key, office.clock.now(), &office.random).await;
    let ended = ended.map_err(|error| store_problem(&error, fields))?;
    record("block", fields);
    Ok(json_response(&Blocked { ended }))
}

/// Lifts a block. A user who isn't blocked stays so.
pub(crate) async fn lift(office: &Office, request: &Request, fields: Fields<'_>) -> Result<Response<Body>, Problem> {
    let Members { user_id } = members(request, TAKES, fields)?;
    let user_key = UserKey::of(&user_id.0);
    let fields = Fields { user_key: Some(user_key.as_str()), ..fields };
    let known = lift_block(&office.store, &user_key, &office.random).await.map_err(|error| store_problem(&error, fields))?;
    if !known {
        return Err(ProblemCode::NotFound.into());
    }
    record("lift_block", fields);
    Ok(no_content())
}
