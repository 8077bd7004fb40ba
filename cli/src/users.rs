//! `latchkey users`.

mod attributes;
mod export;
mod import;
mod list;
mod password;
mod restore;
mod show;

use latchkey::{
    clock::{Clock, rfc3339},
    config::{ConfigError, Environment},
    entropy::{NoEntropy, Random},
    ids::LoginId,
    model::{AttributesError, User, UserStatus},
    operations::{UserCreated, change_user, create_user, remove_user},
    password::{
        HashError, Hasher, Password, PasswordHash, PasswordLengthError,
        rules::{WeakPassword, check},
    },
    store::{Accounts, Store, StoreError, UserChange, Users},
    username::{Username, UsernameError},
};
use serde_json::json;

use crate::{
    args::{AddArgs, ChangeArgs, PasswordArgs, SetPasswordArgs, TableArgs, UserArgs, UsersCommand},
    client::{self, ClientError, advice},
    confirm::{NotConfirmed, confirm},
    estimate::WarmThroughput,
    exit::{Exit, ExitWith},
    output::say,
    progress::Spinner,
};

pub use import::ImportUsersError;
pub use password::NoPassword;
pub(crate) use password::read_password;

/// Why it wasn't done.
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
    /// Attributes that break a rule.
    #[error("{0}; nothing was changed")]
    Attributes(#[from] AttributesError),
    /// An attribute is given twice.
    #[error("--set {0}=… is given twice; nothing was changed. Give each name once")]
    SetTwice(String),
    /// There is no password.
    #[error("{0}")]
    NoPassword(#[from] NoPassword),
    #[error("there is a user {0} already; nothing was changed. `latchkey users set-password {0}` changes the password")]
    Taken(Username),
    #[error("{0} looks like the name of another user, which is written in another script; nothing was changed. Choose another name")]
    LooksLikeAnother(Username),
    #[error(
        "the user id {0} is another user's, or it is blocked, as that of a removed user; nothing was changed. `latchkey users show \
         --user-id {0}` shows which"
    )]
    IdTaken(String),
    /// There is no such user.
    #[error("there is no user {0}; nothing was changed. `latchkey users list` shows who there is")]
    Unknown(Username),
    #[error("no user has the id {0}; `latchkey users list` shows ids")]
    UnknownId(String),
    #[error("name the user, or pass --user-id")]
    NoUser,
    #[error("{0} of the rows can't be read; the others are restored")]
    NotRestored(usize),
    #[error("{0} of the rows can't be read; the others are above")]
    Unreadable(usize),
    #[error("--subject takes the `account` of a log line: the first 8 to 43 base64url characters of a hash")]
    Subject,
    #[error("no user has this subject: the name that was tried doesn't exist, or its user was removed")]
    NobodysSubject,
    #[error("{0}")]
    NotConfirmed(#[from] NotConfirmed),
    /// Not all of a file was imported.
    #[error("{0}")]
    Import(#[from] ImportUsersError),
    /// The users table isn't named.
    #[error("{0}; or pass --users-table")]
    UsersTable(#[source] ConfigError),
    /// The sessions table isn't named.
    #[error("{0}; or pass --sessions-table")]
    SessionsTable(#[source] ConfigError),
    /// DynamoDB isn't to be asked.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// A table couldn't be read or written.
    #[error("{0}; {advice}", advice = advice(.0))]
    Store(#[from] StoreError),
    /// The password couldn't be hashed.
    #[error("{0}; try again")]
    Hash(#[from] HashError),
    /// No randomness for the user's id.
    #[error("{0}; try again")]
    Entropy(#[from] NoEntropy),
}

impl ExitWith for UsersError {
    fn exit(&self) -> Exit {
        match self {
            Self::Username(_)
            | Self::NoUser
            | Self::Attributes(_)
            | Self::SetTwice(_)
            | Self::Subject
            | Self::Weak(_)
            | Self::Password(_)
            | Self::UsersTable(_)
            | Self::SessionsTable(_) => Exit::Usage,
            Self::NoPassword(NoPassword::Differ | NoPassword::NoTerminal) => Exit::Usage,
            Self::NoPassword(NoPassword::Unreadable(_)) | Self::Client(_) | Self::Store(_) | Self::Hash(_) | Self::Entropy(_) => {
                Exit::Failed
            }
            Self::NotConfirmed(not_confirmed) => not_confirmed.exit(),
            Self::Import(import) => import.exit(),
            Self::Taken(_) | Self::LooksLikeAnother(_) | Self::IdTaken(_) => Exit::Conflict,
            Self::Unknown(_) | Self::UnknownId(_) | Self::NobodysSubject => Exit::NotFound,
            Self::NotRestored(_) => Exit::SomeBad,
            Self::Unreadable(_) => Exit::NotAsItShouldBe,
        }
    }
}

/// `latchkey users`.
///
/// # Errors
/// [`UsersError`] says what to do about it.
pub async fn run(command: UsersCommand) -> Result<(), UsersError> {
    match command {
        UsersCommand::Add(args) => add(args).await,
        UsersCommand::List(args) => list::list(args).await,
        UsersCommand::Show(args) => show::show(args).await,
        UsersCommand::Export(args) => export::export(args).await,
        UsersCommand::Restore(args) => restore::restore(args).await,
        UsersCommand::Import(args) => {
            let target = if args.dry_run { None } else { Some(target(&args.at).await?) };
            Ok(import::run(target, &args).await?)
        }
        UsersCommand::Find(args) => list::find(args).await,
        UsersCommand::Disable(args) => disable(args).await,
        UsersCommand::Enable(args) => enable(args).await,
        UsersCommand::Remove(args) => remove(args).await,
        UsersCommand::SetAttributes(args) => attributes::set(args).await,
        UsersCommand::SetPassword(args) => set_password(args).await,
    }
}

async fn add(args: AddArgs) -> Result<(), UsersError> {
    let AddArgs { user_id, password: args } = args;
    let username = Username::parse(&args.user.name)?;
    let accounts = accounts(&args.user.at).await?;
    let password = read_password(args.password_stdin)?;
    check(&password, username.as_str())?;
    let user = add_user(&accounts, username, hash_password(password)?, user_id).await?;
    if args.user.json {
        say!("{}", row(&user));
    } else {
        say!("added {} with the id {}", user.username, user.user_id);
    }
    Ok(())
}

fn row(user: &User) -> serde_json::Value {
    let (status, created_at) = (user.status.name(), rfc3339(user.created_at));
    json!({"username": user.username.as_str(), "user_id": user.user_id, "status": status, "created_at": created_at})
}

async fn disable(args: ChangeArgs) -> Result<(), UsersError> {
    let accounts = accounts(&args.user.at).await?;
    let username = known(&accounts, &args.user.name).await?.username;
    confirm(&format!("Keep {username} from logging in, and end all their logins?"), args.yes)?;
    change(&accounts, username, &UserChange::Disabled(Clock::system().now()), "may not log in any more", args.user.json).await
}

async fn enable(args: UserArgs) -> Result<(), UsersError> {
    let accounts = accounts(&args.at).await?;
    let user = known(&accounts, &args.name).await?;
    // A change ends all logins: an active user has some to lose.
    if user.status == UserStatus::Active {
        print_change(&user, 0, "may log in already", args.json);
        return Ok(());
    }
    change(&accounts, user.username, &UserChange::Enabled, "may log in", args.json).await
}

async fn remove(args: ChangeArgs) -> Result<(), UsersError> {
    let accounts = accounts(&args.user.at).await?;
    let username = known(&accounts, &args.user.name).await?.username;
    confirm(&format!("Remove {username}, with all their logins and all that is kept about them?"), args.yes)?;
    let removing = Spinner::start("removing the user");
    let user = remove_user(&accounts, &username, Clock::system().now(), &Random::system()).await?.ok_or(UsersError::Unknown(username))?;
    drop(removing);
    if args.user.json {
        let mut row = row(&user);
        row["status"] = json!("removed");
        say!("{row}");
    } else {
        say!("removed {}", user.username);
    }
    Ok(())
}

async fn set_password(args: SetPasswordArgs) -> Result<(), UsersError> {
    let SetPasswordArgs { yes, password: PasswordArgs { password_stdin, user } } = args;
    let accounts = accounts(&user.at).await?;
    let username = known(&accounts, &user.name).await?.username;
    // On standard input there is the password, and no answer.
    if password_stdin && !yes {
        return Err(NotConfirmed::Declined.into());
    }
    confirm(&format!("Set a new password for {username}, and end all their logins?"), yes)?;
    let password = read_password(password_stdin)?;
    check(&password, username.as_str())?;
    change(&accounts, username, &UserChange::Password(hash_password(password)?), "has a new password", user.json).await
}

async fn known(accounts: &Accounts, name: &str) -> Result<User, UsersError> {
    let username = Username::parse(name)?;
    accounts.users().read_user(&username).await?.ok_or(UsersError::Unknown(username))
}

async fn change(accounts: &Accounts, username: Username, change: &UserChange, done: &str, json: bool) -> Result<(), UsersError> {
    let ending = Spinner::start("ending logins");
    let (user, ended) = change_user(accounts, &username, change, &Random::system()).await?.ok_or(UsersError::Unknown(username))?;
    drop(ending);
    print_change(&user, ended, done, json);
    Ok(())
}

fn print_change(user: &User, ended: usize, done: &str, json: bool) {
    if json {
        let mut row = row(user);
        row["ended_logins"] = json!(ended);
        say!("{row}");
    } else {
        say!("{} {done}; {ended} of their logins ended", user.username);
    }
}

async fn accounts(at: &TableArgs) -> Result<Accounts, UsersError> {
    let (sessions, users) = (sessions_table(at)?, users_table(at)?);
    let client = client::for_aws(&at.aws).await?;
    Ok(Accounts::new(Store::new(client.clone(), sessions), Users::new(client, users)))
}

/// The tables of an import. Its transactions are larger than a request's, and take longer.
async fn target(at: &TableArgs) -> Result<import::Target, UsersError> {
    let (sessions, users) = (sessions_table(at)?, users_table(at)?);
    let client = client::patient(&at.aws).await?;
    let warm = WarmThroughput::of(&client, &users).await;
    Ok(import::Target { accounts: Accounts::new(Store::new(client.clone(), sessions), Users::new(client, users)), warm })
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

/// The hash of a password, with the current costs.
///
/// # Errors
/// [`UsersError`] if the password is empty or too long, or can't be hashed.
pub fn hash_password(password: String) -> Result<PasswordHash, UsersError> {
    Ok(Password::parse(password)?.hash(&Random::system(), &mut Hasher::default())?)
}

/// Adds a user. Without an id the user gets a random one.
///
/// # Errors
/// [`UsersError::Taken`], [`UsersError::LooksLikeAnother`] or [`UsersError::IdTaken`] where another user has the name, one like it, or the id; otherwise what went wrong.
pub async fn add_user(
    accounts: &Accounts,
    username: Username,
    password_hash: PasswordHash,
    user_id: Option<String>,
) -> Result<User, UsersError> {
    let random = Random::system();
    let user = User {
        user_id: user_id.map_or_else(|| LoginId::generate(&random).map(|id| id.to_string()), Ok)?,
        password_hash,
        status: UserStatus::Active,
        version: 1,
        created_at: Clock::system().now(),
        username,
    };
    match create_user(accounts, &user, &random).await? {
        UserCreated::Done => Ok(user),
        UserCreated::NameTaken => Err(UsersError::Taken(user.username)),
        UserCreated::LooksLikeAnother => Err(UsersError::LooksLikeAnother(user.username)),
        UserCreated::IdTaken => Err(UsersError::IdTaken(user.user_id)),
    }
}
