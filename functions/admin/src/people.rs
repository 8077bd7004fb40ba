//! `/admin/users`: the users, for the team's own forms for signing up, for a forgotten password and for leaving.

use std::sync::Arc;

use lambda_http::{Body, Request, Response};
use latchkey::{
    clock::rfc3339,
    http::{
        paging::PAGE_SIZES,
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
    store::{Person, UserChange},
    telling::log::{Event, Fields, log},
    username::Username,
};
use serde::{Deserialize, Serialize};

use crate::{
    Office,
    body::{UserId, malformed, members},
    no_content, record,
};

#[derive(Serialize)]
struct Row<'a> {
    username: Option<&'a str>,
    user_id: Option<&'a str>,
    status: Option<&'static str>,
    created_at: Option<String>,
}

impl<'a> From<&'a User> for Row<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            username: Some(user.username.as_str()),
            user_id: Some(&user.user_id),
            status: Some(user.status.name()),
            created_at: Some(rfc3339(user.created_at)),
        }
    }
}

#[derive(Serialize)]
struct Ended {
    ended: usize,
}

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
struct Search {
    limit: Option<usize>,
    after: Option<String>,
}

#[derive(Serialize)]
struct Found<'a> {
    users: Vec<Row<'a>>,
    /// The names of the rows that can't be read.
    unreadable: Vec<&'a str>,
    /// The value of `after` for the next page; null on the last page.
    next: Option<&'a str>,
}

/// One page of the users, in no order.
pub(crate) async fn search(office: &Office, request: &Request, fields: Fields<'_>) -> Result<Response<Body>, Problem> {
    let Search { limit, after } = members(request, "the body takes `limit`, `after`, and nothing else", fields)?;
    let size = limit.unwrap_or(PAGE_SIZES.default);
    if !PAGE_SIZES.contains(size) {
        return Err(malformed("`limit` takes a whole number from 1 to 100", fields));
    }
    // Any key of the table, which has rows beside the users.
    if after.as_ref().is_some_and(|after| !(1..=1024).contains(&after.len())) {
        return Err(malformed("`after` takes the `next` of the page before", fields));
    }
    let page = office.accounts.users().page_of_users(after.as_deref(), i32::try_from(size).ok()).await;
    let page = page.map_err(|error| store_problem(&error, fields))?;
    record("search_users", fields);
    Ok(json_response(&Found {
        users: page.users.iter().map(Row::from).collect(),
        unreadable: page.unreadable.iter().map(|row| row.username.as_str()).collect(),
        next: page.next.as_deref(),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Show {
    username: Option<String>,
    user_id: Option<UserId>,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    row: Row<'a>,
    /// Since when the user is blocked; null if they aren't.
    blocked_at: Option<String>,
    /// How many live logins the user has.
    logins: usize,
}

/// One user, by name or by id: one read and one query. An id may have logins and no user.
pub(crate) async fn show(office: &Office, request: &Request, fields: Fields<'_>) -> Result<Response<Body>, Problem> {
    const TAKES: &str = "the body takes either `username` or `user_id` of 1 to 128 bytes, and nothing else";
    let (user, person, user_id) = match members(request, TAKES, fields)? {
        Show { username: Some(username), user_id: None } => {
            let user = known(office, &username, fields).await?;
            let person = read_person(office, &user.user_id, fields).await?;
            let user_id = user.user_id.clone();
            (Some(user), person, user_id)
        }
        Show { username: None, user_id: Some(UserId(user_id)) } => {
            let person = read_person(office, &user_id, fields).await?;
            if person.register.is_none() {
                return Err(ProblemCode::NotFound.into());
            }
            let user = match person.username.as_deref().and_then(|name| Username::parse(name).ok()) {
                Some(name) => office.accounts.users().read_user(&name).await.map_err(|error| store_problem(&error, fields))?,
                None => None,
            };
            (user, person, user_id)
        }
        _ => return Err(malformed(TAKES, fields)),
    };
    let now = office.clock.now();
    record("show_user", Fields { user_key: Some(UserKey::of(&user_id).as_str()), ..fields });
    let without_user = Row { username: None, user_id: Some(&user_id), status: None, created_at: None };
    Ok(json_response(&Shown {
        row: user.as_ref().map_or(without_user, Row::from),
        blocked_at: person.register.as_ref().and_then(|register| register.blocked_at).map(rfc3339),
        logins: person.logins.values().filter(|login| now < login.refresh_token_expires_at).count(),
    }))
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

async fn known(office: &Office, username: &str, fields: Fields<'_>) -> Result<User, Problem> {
    let username = name(username, fields)?;
    let user = office.accounts.users().read_user(&username).await.map_err(|error| store_problem(&error, fields))?;
    user.ok_or_else(|| ProblemCode::NotFound.into())
}

async fn read_person(office: &Office, user_id: &str, fields: Fields<'_>) -> Result<Person, Problem> {
    office.store.read_person(&UserKey::of(user_id)).await.map_err(|error| store_problem(&error, fields))
}

fn name(username: &str, fields: Fields<'_>) -> Result<Username, Problem> {
    Username::parse(username).map_err(|_| malformed("`username` is not a user name", fields))
}

/// A new password that passes the rules.
fn new_password(password: String, username: &Username, fields: Fields<'_>) -> Result<Password, Problem> {
    if let Err(weak) = check(&password, username.as_str()) {
        let detail = match weak {
            WeakPassword::TooShort { .. } => "the password needs at least 15 characters",
            WeakPassword::TooLong { .. } => "the password takes at most 1024 bytes",
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
