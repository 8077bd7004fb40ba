//! `/admin/users`: the users, for the team's own forms for signing up, for a forgotten password and for leaving.

mod changes;

use lambda_http::{Body, Request, Response};
use latchkey::{
    clock::rfc3339,
    http::{
        paging::PAGE_SIZES,
        pair::json_response,
        problem::{Problem, ProblemCode},
        refuse::store_problem,
    },
    ids::UserKey,
    model::User,
    store::Person,
    telling::log::Fields,
    username::Username,
};
use serde::{Deserialize, Serialize};

pub(crate) use changes::{create, remove, set_password, set_status};

use crate::{
    Office,
    body::{UserId, malformed, members},
    record,
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
