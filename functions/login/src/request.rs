//! The bodies of a login and of a change of a password, checked before anything else happens.

use lambda_http::Request;
use latchkey::{
    http::{
        device::{device_id, device_name, user_agent},
        front::Source,
        json::{NotRead, json_body},
    },
    model::{CurrentSession, Device},
    operations::{LoginAttempt, PasswordChange},
    password::{
        Password,
        rules::{WeakPassword, check},
    },
    username::Username,
};
use serde::{Deserialize, de::DeserializeOwned};

/// Errors of a request. The texts are constants: they never echo the body, because it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("the body is over 4096 bytes")]
    TooLarge,
    #[error("the body is not application/json")]
    MediaType,
    #[error("{0}")]
    Body(&'static str),
    /// The new password doesn't pass the rules.
    #[error("{0}")]
    WeakPassword(&'static str),
}

const LOGIN: &str = "`username` and `password` must be strings, `device` and `device_id` strings or absent, each once";
const USERNAME: Malformed = Malformed::Body("`username` is not a user name");
const DEVICE_ID: Malformed = Malformed::Body("`device_id` takes at most 256 bytes");

/// Other members are ignored: a login never takes ids, expiries or users from a client.
#[derive(Deserialize)]
struct Members {
    username: String,
    password: String,
    device: Option<String>,
    device_id: Option<String>,
}

pub(crate) fn read(request: &Request) -> Result<LoginAttempt, Malformed> {
    let members: Members = members(body(request)?, LOGIN)?;
    let source = request.extensions().get::<Source>().cloned().unwrap_or_default();
    Ok(LoginAttempt {
        username: Username::parse(&members.username).map_err(|_| USERNAME)?,
        password: Password::parse(members.password).map_err(|_| Malformed::Body("`password` takes 1 to 1024 bytes"))?,
        device: Device {
            id: members.device_id.map(device_id).transpose().map_err(|_| DEVICE_ID)?.flatten(),
            name: members.device.as_deref().and_then(device_name),
            user_agent: source.user_agent.as_deref().and_then(user_agent),
            ip: source.ip.clone(),
        },
        bound_to: None,
        source_ip: source.ip.unwrap_or_default(),
    })
}

/// The body of a change of a password.
#[derive(Deserialize)]
struct Change {
    username: String,
    current_password: String,
    new_password: String,
}

pub(crate) fn read_change(request: &Request, session: CurrentSession) -> Result<PasswordChange, Malformed> {
    let change: Change = members(body(request)?, "`username`, `current_password` and `new_password` must be strings, each once")?;
    let source = request.extensions().get::<Source>().cloned().unwrap_or_default();
    let username = Username::parse(&change.username).map_err(|_| USERNAME)?;
    let current = Password::parse(change.current_password).map_err(|_| Malformed::Body("`current_password` takes 1 to 1024 bytes"))?;
    check(&change.new_password, username.as_str()).map_err(|weak| Malformed::WeakPassword(detail(&weak)))?;
    Ok(PasswordChange {
        session,
        username,
        current,
        new: Password::parse(change.new_password).map_err(|_| Malformed::Body("`new_password` takes 1 to 1024 bytes"))?,
        device: Device { id: None, name: None, user_agent: source.user_agent.as_deref().and_then(user_agent), ip: source.ip.clone() },
        proved: None,
        source_ip: source.ip.unwrap_or_default(),
    })
}

/// What is wrong with a new password. The text says nothing of the password.
fn detail(weak: &WeakPassword) -> &'static str {
    match weak {
        WeakPassword::TooShort { .. } => "`new_password` needs at least 15 characters",
        WeakPassword::TooLong { .. } => "`new_password` takes at most 1024 bytes",
        WeakPassword::Nul => "`new_password` holds a NUL character",
        WeakPassword::Guessable(_) => "`new_password` is easy to guess",
    }
}

fn body(request: &Request) -> Result<&[u8], Malformed> {
    json_body(request).map_err(|not_read| match not_read {
        NotRead::TooLarge => Malformed::TooLarge,
        NotRead::MediaType => Malformed::MediaType,
        NotRead::Unreadable => Malformed::Body("the body can't be read"),
    })
}

fn members<T: DeserializeOwned>(body: &[u8], takes: &'static str) -> Result<T, Malformed> {
    const NOT_JSON: Malformed = Malformed::Body("the body is not one JSON object");
    // The body is parsed twice. The first parse checks what the typed one skips: depth, surrogates and NUL in ignored
    // members. The typed parse refuses a member that occurs twice. Both error messages can quote the body, so neither is
    // kept.
    let value: serde_json::Value = serde_json::from_slice(body).map_err(|_| NOT_JSON)?;
    if !value.is_object() {
        return Err(NOT_JSON);
    }
    if has_nul(&value) {
        return Err(Malformed::Body("a string holds a NUL character"));
    }
    serde_json::from_slice(body).map_err(|_| Malformed::Body(takes))
}

fn has_nul(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests;
