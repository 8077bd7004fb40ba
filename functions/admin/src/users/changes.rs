//! Users are signed up, changed and removed.

use std::sync::Arc;

use lambda_http::{Body, Request, Response};
use latchkey::{
    http::{
        pair::json_response,
        problem::{Problem, ProblemCode},
        refuse::store_problem,
    },
    ids::{LoginId, UserKey},
    model::{User, UserStatus},
    operations::{UserCreated, change_user, create_user, remove_user},
    password::{
        Password, PasswordHash,
        rules::{WeakPassword, check},
    },
    store::UserChange,
    telling::log::{Event, Fields, log},
    username::Username,
};
use serde::Deserialize;

use super::{Row, known, name};
use crate::{
    Office,
    body::{UserId, malformed, members},
    logins::Ended,
    no_content, record,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    username: String,
    password: String,
    user_id: Option<UserId>,
}

/// Signs a user up. The user isn't logged in: the app does that with the same password, or the caller issues a login.
pub(crate) async fn create(office: &Office, request: &Request, fields: Fields<'_>) -> Result<Response<Body>, Problem> {
    const TAKES: &str = "the body takes `username`, `password`, `user_id` of 1 to 128 bytes, and nothing else";
    let asked: Create = members(request, TAKES, fields)?;
    let username = name(&asked.username, fields)?;
    let password = new_password(asked.password, &username, fields)?;
    let user_id = match asked.user_id {
        Some(UserId(user_id)) => user_id,
        None => LoginId::generate(&office.random).map_err(|error| internal(&error, fields))?.to_string(),
    };
    let user_key = UserKey::of(&user_id);
    let fields = Fields { user_key: Some(user_key.as_str()), ..fields };
    let user = User {
        user_id,
        password_hash: hash(office, password, fields).await?,
        status: UserStatus::Active,
        version: 1,
        created_at: office.clock.now(),
        username,
    };
    match create_user(&office.accounts, &user, &office.random).await.map_err(|error| store_problem(&error, fields))? {
        UserCreated::Done => {
            record("create_user", fields);
            Ok(json_response(&Row::from(&user)))
        }
        // A name that looks like a taken one is as good as taken.
        UserCreated::NameTaken | UserCreated::LooksLikeAnother => Err(ProblemCode::UsernameTaken.into()),
        UserCreated::IdTaken => Err(ProblemCode::UserIdTaken.into()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetPassword {
    username: String,
    new_password: String,
}

/// Sets the password, and ends every login of the user.
pub(crate) async fn set_password(office: &Office, request: &Request, fields: Fields<'_>) -> Result<Response<Body>, Problem> {
    let asked: SetPassword = members(request, "the body takes `username`, `new_password`, and nothing else", fields)?;
    let username = name(&asked.username, fields)?;
    let password = new_password(asked.new_password, &username, fields)?;
    let user = known(office, username.as_str(), fields).await?;
    let change = UserChange::Password(hash(office, password, fields).await?);
    changed(office, &user, &change, "set_password", fields).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetStatus {
    username: String,
    status: String,
}

/// Disables the user, which is a block and ends every login; or enables them.
pub(crate) async fn set_status(office: &Office, request: &Request, fields: Fields<'_>) -> Result<Response<Body>, Problem> {
    const TAKES: &str = "the body takes `username`, `status` of `active` or `disabled`, and nothing else";
    let asked: SetStatus = members(request, TAKES, fields)?;
    let (change, action) = match asked.status.as_str() {
        "active" => (UserChange::Enabled, "enable_user"),
        "disabled" => (UserChange::Disabled(office.clock.now()), "disable_user"),
        _ => return Err(malformed(TAKES, fields)),
    };
    let user = known(office, &asked.username, fields).await?;
    // A change ends all logins: an active user has some to lose.
    if matches!(change, UserChange::Enabled) && user.status == UserStatus::Active {
        record(action, Fields { user_key: Some(UserKey::of(&user.user_id).as_str()), ..fields });
        return Ok(json_response(&Ended { ended: 0 }));
    }
    changed(office, &user, &change, action, fields).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Remove {
    username: String,
}

/// Removes the user with every login. A register without id and name stays, blocked.
pub(crate) async fn remove(office: &Office, request: &Request, fields: Fields<'_>) -> Result<Response<Body>, Problem> {
    let Remove { username } = members(request, "the body takes `username`, and nothing else", fields)?;
    let user = known(office, &username, fields).await?;
    let user_key = UserKey::of(&user.user_id);
    let fields = Fields { user_key: Some(user_key.as_str()), ..fields };
    let removed = remove_user(&office.accounts, &user.username, office.clock.now(), &office.random).await;
    removed.map_err(|error| store_problem(&error, fields))?.ok_or(ProblemCode::NotFound)?;
    record("remove_user", fields);
    Ok(no_content())
}

async fn changed(
    office: &Office,
    user: &User,
    change: &UserChange,
    action: &'static str,
    fields: Fields<'_>,
) -> Result<Response<Body>, Problem> {
    let user_key = UserKey::of(&user.user_id);
    let fields = Fields { user_key: Some(user_key.as_str()), ..fields };
    let changed = change_user(&office.accounts, &user.username, change, &office.random).await;
    let (_, ended) = changed.map_err(|error| store_problem(&error, fields))?.ok_or(ProblemCode::NotFound)?;
    record(action, fields);
    Ok(json_response(&Ended { ended }))
}

/// A new password that passes the rules.
fn new_password(password: String, username: &Username, fields: Fields<'_>) -> Result<Password, Problem> {
    if let Err(weak) = check(&password, username.as_str()) {
        let detail = match weak {
            WeakPassword::TooShort { .. } => "the password needs at least 15 characters",
            WeakPassword::TooLong { .. } => "the password takes at most 1024 bytes",
            WeakPassword::Nul => "the password holds a NUL character",
            WeakPassword::Guessable(_) => "the password is easy to guess",
        };
        log(Event::RequestMalformed, Fields { reason: Some(detail), ..fields }, None);
        return Err(Problem::weak_password(detail));
    }
    Password::parse(password).map_err(|_| malformed("the password takes 1 to 1024 bytes", fields))
}

async fn hash(office: &Office, password: Password, fields: Fields<'_>) -> Result<PasswordHash, Problem> {
    office.hashing.hash(Arc::new(password)).await.map_err(|error| internal(&error, fields))
}

fn internal(error: &dyn std::error::Error, fields: Fields<'_>) -> Problem {
    log(Event::Internal, fields, Some(error));
    ProblemCode::Internal.into()
}
