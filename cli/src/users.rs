//! `latchkey users`.

use std::io::{self, BufRead as _, IsTerminal as _};

use aws_sdk_dynamodb::Client;
use latchkey::{
    clock::{Clock, rfc3339},
    config::{ConfigError, Environment},
    entropy::{NoEntropy, system_rng},
    ids::LoginId,
    password::{HashError, Password, PasswordLengthError},
    store::{Accounts, Store, StoreError, User, UserChange, UserStatus},
    username::{Username, UsernameError},
};
use serde_json::json;

use crate::{
    args::{ListUsersArgs, PasswordArgs, TableArgs, UserArgs, UsersCommand},
    client,
    password_rules::{WeakPassword, check},
};

/// Why a user wasn't added. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// Not a user name.
    #[error("{0}")]
    Username(#[from] UsernameError),
    /// Not a password that is any good.
    #[error("{0}")]
    Weak(#[from] WeakPassword),
    /// Empty, or too long.
    #[error("{0}")]
    Password(#[from] PasswordLengthError),
    /// The two entries differ.
    #[error("the two passwords differ; try again")]
    Differ,
    /// No terminal to ask on.
    #[error("there is no terminal to ask for the password on; hand it in with --password-stdin")]
    NoTerminal,
    /// The password couldn't be read.
    #[error("the password can't be read: {0}")]
    Unreadable(#[from] io::Error),
    /// The name is taken.
    #[error("there is a user {0} already; nothing was changed")]
    Taken(Username),
    /// There is no such user.
    #[error("there is no user {0}; nothing was changed")]
    Unknown(Username),
    /// The users table isn't named.
    #[error("{0}; or pass --users-table")]
    UsersTable(#[source] ConfigError),
    /// The sessions table isn't named.
    #[error("{0}; or pass --sessions-table")]
    SessionsTable(#[source] ConfigError),
    /// The table couldn't be written.
    #[error("{0}; check --region, --profile, --endpoint-url and the name of the table")]
    Store(#[from] StoreError),
    /// The password couldn't be hashed.
    #[error("{0}")]
    Hash(#[from] HashError),
    /// No randomness for the user's id.
    #[error("{0}")]
    Entropy(#[from] NoEntropy),
}

/// `latchkey users`.
///
/// # Errors
/// [`UsersError`] says what to do about it.
pub async fn run(command: UsersCommand) -> Result<(), UsersError> {
    match command {
        UsersCommand::Add(args) => add(args).await,
        UsersCommand::List(args) => list(args).await,
        UsersCommand::Disable(args) => set_status(args, UserStatus::Disabled).await,
        UsersCommand::Enable(args) => set_status(args, UserStatus::Active).await,
        UsersCommand::SetPassword(args) => set_password(args).await,
    }
}

async fn add(args: PasswordArgs) -> Result<(), UsersError> {
    let username = Username::parse(&args.user.name)?;
    let table = users_table(&args.user.at)?;
    let password = read_password(args.password_stdin)?;
    check(&password, username.as_str())?;
    let user = add_user(&client::for_aws(&args.user.at.aws).await, &table, username, password).await?;
    println!("added {} with the id {}", user.username, user.user_id);
    Ok(())
}

async fn list(args: ListUsersArgs) -> Result<(), UsersError> {
    let accounts = Accounts::new(Store::new(client::for_aws(&args.at.aws).await, ""), users_table(&args.at)?, "");
    let mut users = accounts.list_users().await?;
    users.sort_by(|a, b| a.username.cmp(&b.username));
    for user in &users {
        let (status, created_at) = (user.status.name(), rfc3339(user.created_at));
        if args.json {
            println!(
                "{}",
                json!({"username": user.username.as_str(), "user_id": user.user_id, "status": status, "created_at": created_at})
            );
        } else {
            println!("{:<24}  {:<22}  {:<8}  {}", user.username.as_str(), user.user_id, status, created_at);
        }
    }
    Ok(())
}

async fn set_status(args: UserArgs, status: UserStatus) -> Result<(), UsersError> {
    let username = Username::parse(&args.name)?;
    let accounts = accounts(&args.at).await?;
    let done = match status {
        UserStatus::Active => "may log in",
        UserStatus::Disabled => "may not log in any more",
    };
    change(&accounts, username, &UserChange::Status(status), done).await
}

async fn set_password(args: PasswordArgs) -> Result<(), UsersError> {
    let username = Username::parse(&args.user.name)?;
    let accounts = accounts(&args.user.at).await?;
    let password = read_password(args.password_stdin)?;
    check(&password, username.as_str())?;
    let hash = Password::parse(password)?.hash(&mut system_rng())?;
    change(&accounts, username, &UserChange::Password(hash), "has a new password").await
}

async fn change(accounts: &Accounts, username: Username, change: &UserChange, done: &str) -> Result<(), UsersError> {
    let (user, ended) = accounts.change_user(&username, change).await?.ok_or(UsersError::Unknown(username))?;
    println!("{} {done}; {ended} of their sessions ended", user.username);
    Ok(())
}

async fn accounts(at: &TableArgs) -> Result<Accounts, UsersError> {
    let (sessions, users) = (sessions_table(at)?, users_table(at)?);
    Ok(Accounts::new(Store::new(client::for_aws(&at.aws).await, sessions), users, ""))
}

fn users_table(at: &TableArgs) -> Result<String, UsersError> {
    table(at.users_table.as_ref(), "USERS_TABLE", "the name of the users table").map_err(UsersError::UsersTable)
}

fn sessions_table(at: &TableArgs) -> Result<String, UsersError> {
    table(at.sessions_table.as_ref(), "SESSIONS_TABLE", "the name of the sessions table").map_err(UsersError::SessionsTable)
}

/// A table's name, from the flag or else from the variable.
pub(crate) fn table(flag: Option<&String>, variable: &'static str, takes: &str) -> Result<String, ConfigError> {
    flag.map_or_else(|| Environment::of_process().required(variable, takes), |name| Ok(name.clone()))
}

/// Adds a user, whatever the password: the caller has judged it.
///
/// # Errors
/// [`UsersError::Taken`] where there is one of that name; otherwise what went wrong.
pub async fn add_user(client: &Client, users_table: &str, username: Username, password: String) -> Result<User, UsersError> {
    // Nothing of a login is touched here, so the other tables needn't be named.
    let accounts = Accounts::new(Store::new(client.clone(), ""), users_table, "");
    let user = User {
        user_id: LoginId::generate(&mut system_rng())?.to_string(),
        password_hash: Password::parse(password)?.hash(&mut system_rng())?,
        status: UserStatus::Active,
        version: 1,
        created_at: Clock::system().now(),
        username,
    };
    if accounts.create_user(&user).await? { Ok(user) } else { Err(UsersError::Taken(user.username)) }
}

fn read_password(from_stdin: bool) -> Result<String, UsersError> {
    if from_stdin {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        let password = line.strip_suffix('\n').map_or(line.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        return Ok(password.to_owned());
    }
    if !io::stdin().is_terminal() {
        return Err(UsersError::NoTerminal);
    }
    let password = rpassword::prompt_password("Password: ")?;
    if rpassword::prompt_password("Again: ")? == password { Ok(password) } else { Err(UsersError::Differ) }
}
