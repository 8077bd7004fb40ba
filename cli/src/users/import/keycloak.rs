//! A realm that Keycloak exported with its users.

use latchkey::password::ForeignHash;
use serde::Deserialize;

use super::{
    document,
    entry::{Entered, Entry, Fields, Unusable},
    settings::Settings,
};
use crate::rows::{BadRow, Counted, FileError};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeycloakUser {
    id: Option<String>,
    username: String,
    enabled: Option<bool>,
    service_account_client_id: Option<String>,
    #[serde(default)]
    credentials: Vec<Credential>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    #[serde(rename = "type")]
    kind: String,
    secret_data: Option<String>,
    credential_data: Option<String>,
}

pub(super) fn read(source: Counted, settings: &Settings) -> Result<Vec<Entry>, FileError> {
    let text = document::text(source)?;
    let users = document::users(&text, "realm of Keycloak with its users (an object with `users`)")?;
    Ok(users.into_iter().map(|(line, user)| Entry { line, user: entered(user, settings) }).collect())
}

fn entered(user: &str, settings: &Settings) -> Result<Entered, Unusable> {
    let user: KeycloakUser = serde_json::from_str(user).map_err(|_| BadRow::new("the user hasn't the members of a Keycloak export"))?;
    if user.service_account_client_id.is_some() {
        return Err(Unusable::Skipped("a service account, and no person's"));
    }
    // Others are one-time passwords, passkeys and recovery codes.
    let mut passwords = user.credentials.iter().filter(|credential| credential.kind == "password");
    let hash = match (passwords.next(), passwords.next()) {
        (None, _) => Ok(ForeignHash::NoPassword),
        (Some(Credential { secret_data: Some(secret), credential_data: Some(data), .. }), None) => ForeignHash::of_keycloak(secret, data),
        (Some(_), None) => return Err(BadRow::in_column("credentials", "has a password without its secretData or credentialData").into()),
        (Some(_), Some(_)) => return Err(BadRow::in_column("credentials", "has two passwords").into()),
    };
    let disabled = user.enabled == Some(false);
    let fields = Fields { username: &user.username, user_id: user.id.as_deref(), hash, disabled };
    Ok(fields.entered(settings.user_ids_as_they_are)?)
}
