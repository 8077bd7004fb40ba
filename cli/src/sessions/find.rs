//! `latchkey sessions find`: the login and the user of a token, by its hash.

use latchkey::{
    clock::{Clock, rfc3339},
    decision::Standing,
    operations::{Holder, find_holders},
    store::Store,
};
use serde_json::{Value, json};

use super::SessionsError;
use crate::{
    args::FindArgs,
    exit::{Exit, ExitWith},
    listing::{Listing, readable},
    output::print,
};

/// Why there isn't exactly one login.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    #[error(
        "a token hash is 43 base64url characters; the 8 of a log line are the beginning of one, and no index can be searched by a part. To \
         hash a token: printf %s \"$TOKEN\" | openssl dgst -sha256 -binary | basenc --base64url | tr -d ="
    )]
    Malformed,
    #[error(
        "no session has a token of this hash: it was never issued, or a refresh has replaced it, or its login has ended. The indexes lag \
         behind: of a token that was issued just now, ask again in a few seconds"
    )]
    Nowhere,
    /// F7: two items under one hash.
    #[error("two logins share this hash, so its token is refused; end both, and find out where the token came from")]
    Ambiguous,
}

impl ExitWith for FindError {
    fn exit(&self) -> Exit {
        match self {
            Self::Malformed => Exit::Usage,
            Self::Nowhere => Exit::NotFound,
            Self::Ambiguous => Exit::Conflict,
        }
    }
}

pub(super) async fn run(store: &Store, args: &FindArgs) -> Result<(), SessionsError> {
    let found = find_holders(store, &args.token_hash, Clock::system().now()).await?;
    let Some(holders) = found else { return Err(FindError::Malformed.into()) };
    let headers = ["USER ID", "LOGIN ID", "GENERATION", "TOKEN", "STANDING"];
    print(Listing::json(args.json).render(&headers, &holders, cells, row));
    match holders.as_slice() {
        [] => Err(FindError::Nowhere.into()),
        [first, others @ ..] if others.iter().any(|other| other.key != first.key) => Err(FindError::Ambiguous.into()),
        _ => Ok(()),
    }
}

fn cells(holder: &Holder) -> Vec<String> {
    vec![
        holder.user_id().unwrap_or("gone").to_owned(),
        holder.key.login_id.to_string(),
        holder.generation().map_or_else(|| "none".to_owned(), |generation| generation.to_string()),
        holder.kind.replace('_', " "),
        match holder.standing {
            Standing::Live { expires_at, .. } => format!("live until {}", readable(expires_at)),
            Standing::Expired { expires_at, .. } => format!("expired {}", readable(expires_at)),
            Standing::Replaced { by } => format!("replaced by a refresh; the login stands at generation {}", by.number()),
            Standing::Ended => "its login has ended".to_owned(),
        },
    ]
}

fn row(holder: &Holder) -> Value {
    let (standing, expires_at) = match holder.standing {
        Standing::Live { expires_at, .. } => ("live", Some(expires_at)),
        Standing::Expired { expires_at, .. } => ("expired", Some(expires_at)),
        Standing::Replaced { .. } => ("replaced", None),
        Standing::Ended => ("ended", None),
    };
    json!({
        "user_id": holder.user_id(), "login_id": holder.key.login_id.as_str(), "generation": holder.generation(),
        "token": holder.kind, "standing": standing, "expires_at": expires_at.map(rfc3339),
    })
}
