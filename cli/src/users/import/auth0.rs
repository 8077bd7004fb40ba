//! Auth0's two forms: the JSON lines of a hash export, and the list that a bulk import takes.

use latchkey::password::ForeignHash;
use serde::Deserialize;

use super::{
    document,
    entry::{Entered, Entry, Fields},
    settings::Settings,
};
use crate::rows::{BadRow, Counted, FileError};

#[derive(Deserialize)]
struct Auth0User {
    #[serde(rename = "_id")]
    object_id: Option<ObjectId>,
    alt_id: Option<String>,
    user_id: Option<String>,
    email: Option<String>,
    username: Option<String>,
    #[serde(default)]
    identifiers: Vec<Identifier>,
    #[serde(rename = "passwordHash")]
    exported_hash: Option<String>,
    password_hash: Option<String>,
    custom_password_hash: Option<CustomHash>,
    #[serde(default)]
    blocked: bool,
}

#[derive(Deserialize)]
struct ObjectId {
    #[serde(rename = "$oid")]
    oid: String,
}

#[derive(Deserialize)]
struct Identifier {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

#[derive(Deserialize)]
struct CustomHash {
    hash: HashValue,
    salt: Option<serde::de::IgnoredAny>,
    password: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct HashValue {
    value: String,
    encoding: Option<String>,
}

pub(super) fn read(source: Counted, settings: &Settings) -> Result<Vec<Entry>, FileError> {
    let text = document::text(source)?;
    let users = if text.trim_start().starts_with('[') {
        document::list(&text, "list of users for an import into Auth0")?
    } else {
        document::lines(&text)
    };
    let entry = |(line, user)| Entry { line, user: entered(user, settings).map_err(Into::into) };
    Ok(users.into_iter().map(entry).collect())
}

fn entered(user: &str, settings: &Settings) -> Result<Entered, BadRow> {
    let user: Auth0User = serde_json::from_str(user).map_err(|_| BadRow::new("the user hasn't the members of an Auth0 file"))?;
    let by_identifier = || user.identifiers.iter().find(|identifier| identifier.kind == "email").map(|identifier| identifier.value.clone());
    let username = user.email.clone().or_else(by_identifier).or_else(|| user.username.clone());
    let username = username.ok_or_else(|| BadRow::in_column("email", "is missing, and the user has no other name"))?;
    let hash = match (&user.exported_hash, &user.password_hash, &user.custom_password_hash) {
        (Some(hash), None, None) | (None, Some(hash), None) => hash.as_str(),
        (None, None, Some(custom)) => custom.text()?,
        (None, None, None) => "",
        _ => return Err(BadRow::in_column("password_hash", "is there in two forms")),
    };
    // Auth0 gives users of its own database this prefix, whatever the file says.
    let id = user.alt_id.or(user.object_id.map(|id| id.oid)).or(user.user_id).map(|id| format!("auth0|{id}"));
    let hash = ForeignHash::read(hash, &settings.hints);
    Fields { username: &username, user_id: id.as_deref(), hash, disabled: user.blocked }.entered(settings.user_ids_as_they_are)
}

impl CustomHash {
    /// The whole hash in one text. The forms that spread it over several members are of fast functions.
    fn text(&self) -> Result<&str, BadRow> {
        let whole =
            self.salt.is_none() && self.password.is_none() && self.hash.encoding.as_deref().is_none_or(|encoding| encoding == "utf8");
        let problem = "is spread over several members, or encoded once more: put it into one text of a form that is read";
        if whole { Ok(&self.hash.value) } else { Err(BadRow::in_column("custom_password_hash", problem)) }
    }
}
