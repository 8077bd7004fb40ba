//! What `firebase auth:export users.json` writes.

use latchkey::password::ForeignHash;
use serde::Deserialize;

use super::{
    document,
    entry::{Entered, Entry, Fields},
    settings::Settings,
};
use crate::rows::{BadRow, Counted, FileError};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FirebaseUser {
    local_id: String,
    email: Option<String>,
    password_hash: Option<String>,
    salt: Option<String>,
    #[serde(default)]
    disabled: bool,
}

pub(super) fn read(source: Counted, settings: &Settings) -> Result<Vec<Entry>, FileError> {
    let text = document::text(source)?;
    let users = document::users(&text, "export of Firebase (an object with `users`)")?;
    let entry = |(line, user)| Entry { line, user: entered(user, settings).map_err(Into::into) };
    Ok(users.into_iter().map(entry).collect())
}

fn entered(user: &str, settings: &Settings) -> Result<Entered, BadRow> {
    // serde_json's messages may quote a value.
    let user: FirebaseUser = serde_json::from_str(user).map_err(|_| BadRow::new("the user hasn't the members of a Firebase export"))?;
    let username = user.email.ok_or_else(|| BadRow::in_column("email", "is missing, and the user has no other name"))?;
    let hash = match (user.password_hash.as_deref().unwrap_or_default(), &settings.firebase) {
        // A user of another provider, or with a phone number only.
        ("", _) => Ok(ForeignHash::NoPassword),
        (hash, Some(firebase)) => ForeignHash::of_firebase(hash, user.salt.as_deref().unwrap_or_default(), firebase),
        (_, None) => return Err(BadRow::in_column("passwordHash", "needs the project's settings: pass --firebase-config")),
    };
    let fields = Fields { username: &username, user_id: Some(&user.local_id), hash, disabled: user.disabled };
    fields.entered(settings.user_ids_as_they_are)
}
