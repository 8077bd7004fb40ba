//! `latchkey sessions`.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use latchkey::{
    clock::{Clock, rfc3339},
    config::ConfigError,
    ids::{LoginId, LoginKey, MalformedId, UserKey},
    store::{Ended, Everywhere, Store, StoreError},
};
use serde_json::json;

use crate::{
    args::{SessionsCommand, TableArgs},
    client,
    users::table,
};

/// Why it wasn't done.
#[derive(Debug, thiserror::Error)]
pub enum SessionsError {
    /// The table isn't named.
    #[error("{0}; or pass --sessions-table")]
    Table(#[from] ConfigError),
    /// The table couldn't be read or written.
    #[error("{0}; check --region, --profile, --endpoint-url and the name of the table")]
    Store(#[from] StoreError),
    /// Not a login's id.
    #[error("a login id is {0}; `latchkey sessions list` shows them")]
    LoginId(#[from] MalformedId),
    /// No such login.
    #[error("the user has no login {0}; nothing was changed")]
    Unknown(LoginId),
    /// Nobody said yes.
    #[error("nothing was ended; pass --yes to end them without being asked")]
    NotConfirmed,
    /// The answer couldn't be read.
    #[error("the answer can't be read: {0}")]
    Unreadable(#[from] io::Error),
}

/// `latchkey sessions`.
///
/// # Errors
/// [`SessionsError`] says what to do about it.
pub async fn run(command: SessionsCommand) -> Result<(), SessionsError> {
    match command {
        SessionsCommand::List { user_id, json, at } => list(&store(&at).await?, &user_id, json).await,
        SessionsCommand::End { user_id, login_id, at } => {
            let key = LoginKey { user_key: UserKey::of(&user_id), login_id: LoginId::parse(&login_id)? };
            match store(&at).await?.end_owned(&key).await? {
                Ended::Now { .. } => println!("ended {}", key.login_id),
                Ended::NotThere => return Err(SessionsError::Unknown(key.login_id)),
            }
            Ok(())
        }
        SessionsCommand::EndAll { user_id, yes, at } => {
            let store = store(&at).await?;
            if !yes && !confirmed(&user_id)? {
                return Err(SessionsError::NotConfirmed);
            }
            println!("ended {}", store.end_all(&UserKey::of(&user_id), Everywhere::All).await?);
            Ok(())
        }
    }
}

async fn store(at: &TableArgs) -> Result<Store, SessionsError> {
    let sessions = table(at.sessions_table.as_ref(), "SESSIONS_TABLE", "the name of the sessions table")?;
    Ok(Store::new(client::for_aws(&at.aws).await, sessions))
}

async fn list(store: &Store, user_id: &str, json: bool) -> Result<(), SessionsError> {
    let now = Clock::system().now();
    let seen = store.read_user_logins(&UserKey::of(user_id)).await?;
    let mut logins: Vec<_> = seen.logins.into_values().filter(|login| now < login.refresh_token_expires_at).collect();
    logins.sort_by_key(|login| std::cmp::Reverse(login.logged_in_at));
    for login in logins {
        let (logged_in, refreshed, expires) =
            (rfc3339(login.logged_in_at), rfc3339(login.last_refreshed_at), rfc3339(login.refresh_token_expires_at));
        let device = login.device;
        if json {
            let row = json!({
                "login_id": login.key.login_id.as_str(), "generation": login.generation.number(), "device": device.name,
                "user_agent": device.user_agent, "ip": device.ip, "logged_in_at": logged_in, "last_refreshed_at": refreshed,
                "expires_at": expires,
            });
            println!("{row}");
        } else {
            let name = device.name.or(device.user_agent).unwrap_or_default();
            println!("{}  {logged_in}  {refreshed}  {expires}  {:<15}  {name}", login.key.login_id, device.ip.unwrap_or_default());
        }
    }
    Ok(())
}

fn confirmed(user_id: &str) -> Result<bool, io::Error> {
    if !io::stdin().is_terminal() {
        return Ok(false);
    }
    print!("End all sessions of {user_id}? [y/N] ");
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
