//! `latchkey sessions`.

mod end_everyone;
mod find;
mod import;

use latchkey::{
    clock::{Clock, rfc3339},
    config::ConfigError,
    entropy::Random,
    ids::{LoginId, LoginKey, MalformedId, UserKey},
    model::{Login, UserLogins},
    operations::{self, Everywhere, end_owned},
    store::{Ended, Store, StoreError, Users},
    username::{Username, UsernameError},
};
use serde_json::json;

use crate::{
    args::{SessionsCommand, TableArgs},
    client::{self, ClientError, advice},
    confirm::{NotConfirmed, confirm},
    estimate::WarmThroughput,
    exit::{Exit, ExitWith},
    listing::{Listing, readable},
    output::{print, say},
    progress::Spinner,
    users::table,
};

pub use find::FindError;
pub use import::ImportError;

/// Why it wasn't done.
#[derive(Debug, thiserror::Error)]
pub enum SessionsError {
    /// The table isn't named.
    #[error("{0}; or pass --sessions-table")]
    Table(#[from] ConfigError),
    /// DynamoDB isn't to be asked.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// The table couldn't be read or written.
    #[error("{0}; {advice}", advice = advice(.0))]
    Store(#[from] StoreError),
    /// Not a login's id.
    #[error("a login id is {0}; `latchkey sessions list` shows them")]
    LoginId(#[from] MalformedId),
    #[error("the user has no login {0}; nothing was changed. `latchkey sessions list` shows them")]
    UnknownLogin(LoginId),
    #[error("no user with the id {0} has ever logged in; `latchkey users show NAME` shows a user's id")]
    UnknownUser(String),
    #[error("there is no user {0}; `latchkey users list` shows who there is")]
    UnknownName(Username),
    #[error("{0}; or pass --users-table")]
    UsersTable(#[source] ConfigError),
    #[error("{0}")]
    Username(#[from] UsernameError),
    #[error("{0}")]
    NotConfirmed(#[from] NotConfirmed),
    /// The hash led nowhere, or to two logins.
    #[error("{0}")]
    Find(#[from] FindError),
    /// Not all of a file was imported.
    #[error("{0}")]
    Import(#[from] ImportError),
}

impl ExitWith for SessionsError {
    fn exit(&self) -> Exit {
        match self {
            Self::Table(_) | Self::UsersTable(_) | Self::Username(_) | Self::LoginId(_) => Exit::Usage,
            Self::Client(_) | Self::Store(_) => Exit::Failed,
            Self::UnknownLogin(_) | Self::UnknownUser(_) | Self::UnknownName(_) => Exit::NotFound,
            Self::NotConfirmed(not_confirmed) => not_confirmed.exit(),
            Self::Find(find) => find.exit(),
            Self::Import(import) => import.exit(),
        }
    }
}

/// `latchkey sessions`.
///
/// # Errors
/// [`SessionsError`] says what to do about it.
pub async fn run(command: SessionsCommand) -> Result<(), SessionsError> {
    match command {
        SessionsCommand::List { user_id, user, json, at } => list(&at, user_id, user.as_deref(), json).await,
        SessionsCommand::End { user_id, login_id, at } => {
            let key = LoginKey { user_key: UserKey::of(&user_id), login_id: LoginId::parse(&login_id)? };
            match end_owned(&store(&at).await?, &key, &Random::system()).await? {
                Ended::Now { .. } | Ended::Unheard => say!("ended {}", key.login_id),
                Ended::NotThere => return Err(SessionsError::UnknownLogin(key.login_id)),
            }
            Ok(())
        }
        SessionsCommand::EndAll { user_id, yes, at } => end_all(&store(&at).await?, &user_id, yes).await,
        SessionsCommand::EndEveryone { yes, at } => end_everyone::run(store(&at).await?, yes).await,
        SessionsCommand::Find(args) => find::run(&store(&args.at).await?, &args).await,
        SessionsCommand::Import(args) => {
            let target = if args.dry_run { None } else { Some(target(&args.at).await?) };
            Ok(import::run(target, &args).await?)
        }
    }
}

async fn store(at: &TableArgs) -> Result<Store, SessionsError> {
    let sessions = table(at.sessions_table.as_ref(), "SESSIONS_TABLE", "the name of the sessions table")?;
    Ok(Store::new(client::for_aws(&at.aws).await?, sessions))
}

/// The table of an import. Its transactions are larger than a request's, and take longer.
async fn target(at: &TableArgs) -> Result<import::Target, SessionsError> {
    let sessions = table(at.sessions_table.as_ref(), "SESSIONS_TABLE", "the name of the sessions table")?;
    let client = client::patient(&at.aws).await?;
    let warm = WarmThroughput::of(&client, &sessions).await;
    Ok(import::Target { store: Store::new(client, sessions), warm })
}

/// The id of a user by name.
async fn id_of(at: &TableArgs, name: &str) -> Result<String, SessionsError> {
    let users = table(at.users_table.as_ref(), "USERS_TABLE", "the name of the users table").map_err(SessionsError::UsersTable)?;
    let username = Username::parse(name)?;
    let user = Users::new(client::for_aws(&at.aws).await?, users).read_user(&username).await?;
    Ok(user.ok_or(SessionsError::UnknownName(username))?.user_id)
}

/// A name typed in an id's place must not look like a user without logins.
async fn read_logins(store: &Store, user_id: &str) -> Result<UserLogins, SessionsError> {
    let seen = store.read_user_logins(&UserKey::of(user_id)).await?;
    if seen.register.is_none() { Err(SessionsError::UnknownUser(user_id.to_owned())) } else { Ok(seen) }
}

/// One query; and one read before it, if the user is named.
async fn list(at: &TableArgs, user_id: Option<String>, username: Option<&str>, json: bool) -> Result<(), SessionsError> {
    let now = Clock::system().now();
    let reading = Spinner::start("reading the logins");
    let store = store(at).await?;
    let user_id = match (user_id, username) {
        (Some(user_id), _) => user_id,
        (None, username) => id_of(at, username.unwrap_or_default()).await?,
    };
    let person = store.read_person(&UserKey::of(&user_id)).await?;
    drop(reading);
    // A name typed in an id's place must not look like a user without logins. A name that was read is no slip.
    if person.register.is_none() && username.is_none() {
        return Err(SessionsError::UnknownUser(user_id));
    }
    let mut logins: Vec<_> = person.logins.into_values().filter(|login| now < login.refresh_token_expires_at).collect();
    logins.sort_by_key(|login| std::cmp::Reverse(login.logged_in_at));
    let headers = ["LOGIN ID", "LOGGED IN", "LAST REFRESHED", "EXPIRES", "ADDRESS", "DEVICE"];
    print(Listing::json(json).render(&headers, &logins, cells, row));
    if logins.is_empty() {
        eprintln!("the user has no live logins");
    }
    Ok(())
}

fn cells(login: &Login) -> Vec<String> {
    let device = &login.device;
    vec![
        login.key.login_id.to_string(),
        readable(login.logged_in_at),
        readable(login.last_refreshed_at),
        readable(login.refresh_token_expires_at),
        device.ip.clone().unwrap_or_default(),
        device.name.clone().or_else(|| device.user_agent.clone()).unwrap_or_default(),
    ]
}

fn row(login: &Login) -> serde_json::Value {
    let device = &login.device;
    json!({
        "login_id": login.key.login_id.as_str(), "generation": login.generation.number(), "device": device.name,
        "user_agent": device.user_agent, "ip": device.ip, "logged_in_at": rfc3339(login.logged_in_at),
        "last_refreshed_at": rfc3339(login.last_refreshed_at), "expires_at": rfc3339(login.refresh_token_expires_at),
    })
}

async fn end_all(store: &Store, user_id: &str, yes: bool) -> Result<(), SessionsError> {
    let count = read_logins(store, user_id).await?.logins.len();
    confirm(&format!("End all logins of {user_id}? There are {count}."), yes)?;
    let ending = Spinner::start("ending logins");
    let ended = operations::end_all(store, &UserKey::of(user_id), Everywhere::All, &Random::system()).await?;
    drop(ending);
    say!("ended {ended}");
    Ok(())
}
