//! `latchkey smoke`.

pub(crate) mod api;
mod back_office;
pub(crate) mod office;
mod steps;
mod walk;

use std::time::Duration;

use latchkey::{
    clock::Clock,
    config::ConfigError,
    entropy::{NoEntropy, Random},
    ids::{LoginId, UserKey},
    operations::remove_user,
    store::{Accounts, Store, StoreError, Users},
    username::{Username, UsernameError},
};
use serde_json::json;

use crate::{
    args::SmokeArgs,
    client::{self, ClientError, advice},
    exit::{Exit, ExitWith},
    output::say_if_heard,
    users::{NoPassword, UsersError, add_user, hash_password, read_password, table},
};

use api::Api;
pub use api::{NoAnswer, UrlError};
use office::Office;
pub use walk::WalkError;
use walk::{Credentials, Settings, Walk};

/// Why the walk isn't done, or what it left behind.
#[derive(Debug, thiserror::Error)]
pub enum SmokeError {
    /// There is no stage there.
    #[error("{0}")]
    Url(#[from] UrlError),
    /// A table isn't named.
    #[error("{0}; or pass --users-table and --sessions-table; or --username, for a user who is there already")]
    Table(#[from] ConfigError),
    /// DynamoDB isn't to be asked.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// A table couldn't be read or written.
    #[error("{0}; {advice}", advice = advice(.0))]
    Store(#[from] StoreError),
    /// The user couldn't be made.
    #[error("{0}")]
    User(#[from] UsersError),
    /// There is no password.
    #[error("{0}")]
    NoPassword(#[from] NoPassword),
    /// No randomness for the user's password.
    #[error("{0}")]
    Entropy(#[from] NoEntropy),
    /// No name for the user.
    #[error("{0}")]
    Username(#[from] UsernameError),
    /// A step went wrong.
    #[error("{0}")]
    Walk(#[from] WalkError),
    /// Ctrl-C.
    #[error("stopped; what was made for the walk is removed")]
    Interrupted,
    /// The user made for the walk is still there.
    #[error("{walk}{source}; the user {username} is still there: latchkey users remove {username}")]
    LeftBehind {
        /// The failure of the walk itself.
        walk: String,
        username: Username,
        /// Why they couldn't be removed.
        source: StoreError,
    },
}

impl ExitWith for SmokeError {
    fn exit(&self) -> Exit {
        match self {
            Self::Url(_) | Self::Table(_) | Self::NoPassword(_) | Self::Username(_) => Exit::Usage,
            Self::Client(_) | Self::Store(_) | Self::Entropy(_) | Self::LeftBehind { .. } => Exit::Failed,
            Self::User(error) => error.exit(),
            Self::Walk(WalkError::NoAnswer { .. } | WalkError::Unavailable { .. }) => Exit::Failed,
            Self::Walk(WalkError::Differs { .. }) => Exit::NotAsItShouldBe,
            Self::Interrupted => Exit::Interrupted,
        }
    }
}

/// `latchkey smoke`.
///
/// # Errors
/// [`SmokeError`] says which step went wrong, and what to do about it.
pub async fn run(args: SmokeArgs) -> Result<(), SmokeError> {
    let api = Api::at(&args.url)?;
    let settings = Settings {
        authorizer_ttl: Duration::from_secs(args.authorizer_ttl),
        replay: !args.no_replay,
        single_session: args.single_session,
        reuse_after: args.reuse_after,
    };
    let office = match &args.admin_url {
        Some(url) => Some(Office::new(Api::at(url)?, client::signer(&args.at.aws).await?)),
        None => None,
    };
    let mut walk = Walk::new(&api, office, settings, args.json);
    match &args.username {
        Some(username) => as_user(&mut walk, username, args.password_stdin).await,
        None => as_new_user(&mut walk, &args).await,
    }
    .inspect_err(|error| {
        if args.json {
            say_if_heard!("{}", json!({"ok": false, "error": error.to_string()}));
        }
    })?;
    if !args.json {
        say_if_heard!("Every step was as promised.");
    }
    Ok(())
}

async fn as_user(walk: &mut Walk<'_>, username: &str, password_stdin: bool) -> Result<(), SmokeError> {
    let who = Credentials { username: username.to_owned(), password: read_password(password_stdin)? };
    let walked = until_interrupted(walk, &who).await;
    if !walk.log_out().await {
        eprintln!("not every login of the walk could be ended; they are in {username}'s list as \"latchkey smoke\"");
    }
    walked
}

/// Creates a user for the walk and removes it.
async fn as_new_user(walk: &mut Walk<'_>, args: &SmokeArgs) -> Result<(), SmokeError> {
    let users_table = table(args.at.users_table.as_ref(), "USERS_TABLE", "the name of the users table")?;
    let sessions_table = table(args.at.sessions_table.as_ref(), "SESSIONS_TABLE", "the name of the sessions table")?;
    let client = client::patient(&args.at.aws).await?;
    let accounts = Accounts::new(Store::new(client.clone(), sessions_table), Users::new(client, users_table));
    // Before anything is made: what can't be read couldn't be cleaned up either.
    accounts.store().read_user_logins(&UserKey::of("smoke")).await?;

    let random = Random::system();
    let password = format!("{}{}", LoginId::generate(&random)?, LoginId::generate(&random)?);
    let username = Username::parse(&format!("smoke-{}", uuid::Uuid::new_v4().simple()))?;
    let who = Credentials { username: username.to_string(), password };
    add_user(&accounts, username.clone(), hash_password(who.password.clone())?, None).await?;
    let walked = until_interrupted(walk, &who).await;
    match remove(&accounts, &username, &random).await {
        Ok(()) => walked,
        Err(source) => {
            let walk = walked.err().map(|error| format!("{error}; ")).unwrap_or_default();
            Err(SmokeError::LeftBehind { walk, username, source })
        }
    }
}

/// Removes the user, and the register too: no request but those of the walk ever knew the id.
async fn remove(accounts: &Accounts, username: &Username, random: &Random) -> Result<(), StoreError> {
    match remove_user(accounts, username, Clock::system().now(), random).await? {
        Some(user) => accounts.store().delete_register(&UserKey::of(&user.user_id)).await,
        None => Ok(()),
    }
}

async fn until_interrupted(walk: &mut Walk<'_>, who: &Credentials) -> Result<(), SmokeError> {
    tokio::select! {
        walked = walk.go(who) => Ok(walked?),
        _ = tokio::signal::ctrl_c() => Err(SmokeError::Interrupted),
    }
}
