//! `latchkey users`.

use std::io::{self, BufRead as _, IsTerminal as _};

use aws_sdk_dynamodb::Client;
use latchkey::{
    clock::Clock,
    config::{ConfigError, Environment},
    entropy::{NoEntropy, system_rng},
    ids::LoginId,
    password::{HashError, Password, PasswordLengthError},
    store::{Accounts, Store, StoreError, User, UserStatus},
    username::{Username, UsernameError},
};

use crate::{
    args::AddUserArgs,
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
    /// The table isn't named.
    #[error("{0}; or pass --users-table")]
    Config(#[from] ConfigError),
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

/// `latchkey users add`.
///
/// # Errors
/// [`UsersError`]; then nothing was changed.
pub async fn add(args: AddUserArgs) -> Result<(), UsersError> {
    let username = Username::parse(&args.name)?;
    let environment = Environment::of_process();
    let table = match args.users_table {
        Some(table) => table,
        None => environment.required("USERS_TABLE", "the name of the users table")?,
    };
    let password = read_password(args.password_stdin)?;
    check(&password, username.as_str())?;
    let user = add_user(&client::for_aws(&args.aws).await, &table, username, password).await?;
    println!("added {} with the id {}", user.username, user.user_id);
    Ok(())
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
