//! `latchkey users show`: one user, by name or by id, with one read and one query.

use std::collections::BTreeMap;

use latchkey::{
    clock::{Clock, rfc3339},
    ids::UserKey,
    model::{Attributes, User},
    store::{Accounts, Person},
    username::Username,
};
use serde_json::{Value, json};

use super::{UsersError, accounts, row};
use crate::{
    args::ShowUserArgs,
    listing::readable,
    output::{print, say},
};

pub(super) async fn show(args: ShowUserArgs) -> Result<(), UsersError> {
    let accounts = accounts(&args.at).await?;
    let (user, person) = match (&args.name, &args.user_id) {
        (Some(name), _) => {
            let user = super::known(&accounts, name).await?;
            let person = accounts.store().read_person(&UserKey::of(&user.user_id)).await?;
            (Some(user), person)
        }
        (None, Some(user_id)) => by_id(&accounts, user_id).await?,
        (None, None) => return Err(UsersError::NoUser),
    };
    let live = live(&person);
    if args.json {
        say!("{}", json_of(user.as_ref(), &person, live));
    } else {
        print(lines_of(user.as_ref(), &person, live));
    }
    Ok(())
}

/// The user of an id. An id may have logins and no user: those that the back office issued, or that were imported.
async fn by_id(accounts: &Accounts, user_id: &str) -> Result<(Option<User>, Person), UsersError> {
    let person = accounts.store().read_person(&UserKey::of(user_id)).await?;
    if person.register.is_none() {
        return Err(UsersError::UnknownId(user_id.to_owned()));
    }
    let username = person.username.as_deref().map(Username::parse).transpose()?;
    let user = match username {
        Some(username) => accounts.users().read_user(&username).await?,
        None => None,
    };
    Ok((user, Person { user_id: person.user_id.or_else(|| Some(user_id.to_owned())), ..person }))
}

fn live(person: &Person) -> usize {
    let now = Clock::system().now();
    person.logins.values().filter(|login| now < login.refresh_token_expires_at).count()
}

fn json_of(user: Option<&User>, person: &Person, live: usize) -> Value {
    let mut shown = user.map_or_else(|| json!({"username": null, "user_id": person.user_id, "status": null, "created_at": null}), row);
    let blocked_at = person.register.as_ref().and_then(|register| register.blocked_at);
    shown["blocked_at"] = json!(blocked_at.map(rfc3339));
    shown["logins"] = json!(live);
    let attributes = person.register.as_ref().map(|register| &register.attributes);
    shown["scope"] = json!(attributes.and_then(Attributes::scope));
    shown["attributes"] = json!(attributes.map(|attributes| attributes.own().collect::<BTreeMap<_, _>>()).unwrap_or_default());
    shown["password_hash"] = json!(user.map(hash_of));
    shown
}

/// The function of the stored hash. One of another system stays until the user logs in, or longer: bcrypt reads 72 bytes, so the hash of a longer
/// password is never replaced by a login.
fn hash_of(user: &User) -> &'static str {
    match user.password_hash.foreign() {
        Some(foreign) => foreign.name(),
        None if user.password_hash.is_none() => "none",
        None if user.password_hash.is_unreadable() => "unreadable",
        None => "latchkey",
    }
}

fn readable_hash_of(user: &User) -> String {
    match hash_of(user) {
        "none" => "none: no login by password".to_owned(),
        "latchkey" => "Latchkey's own".to_owned(),
        "unreadable" => "a hash of no form that a login verifies".to_owned(),
        foreign => format!("{foreign}, of another system"),
    }
}

fn lines_of(user: Option<&User>, person: &Person, live: usize) -> String {
    let none = || "none".to_owned();
    let blocked_at = person.register.as_ref().and_then(|register| register.blocked_at);
    let attributes = person.register.as_ref().map(|register| &register.attributes);
    let own =
        attributes.into_iter().flat_map(Attributes::own).map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ");
    let lines = [
        ("name", user.map_or_else(none, |user| user.username.to_string())),
        ("user id", user.map(|user| user.user_id.clone()).or_else(|| person.user_id.clone()).unwrap_or_else(none)),
        ("status", user.map_or_else(none, |user| user.status.name().to_owned())),
        ("password", user.map_or_else(none, readable_hash_of)),
        ("created", user.map_or_else(none, |user| readable(user.created_at))),
        ("blocked", blocked_at.map_or_else(|| "no".to_owned(), |at| format!("since {}", readable(at)))),
        ("live logins", live.to_string()),
        ("scope", attributes.and_then(Attributes::scope).map_or_else(none, str::to_owned)),
        ("attributes", if own.is_empty() { none() } else { own }),
    ];
    lines.iter().map(|(name, value)| format!("{name:<13}{value}\n")).collect()
}
