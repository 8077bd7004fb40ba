//! What `latchkey users` takes.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};

use super::{TableArgs, new_user_id, user_id};

/// What `latchkey users` does.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Add a user.
    Add(AddArgs),
    /// Show all users.
    List(ListUsersArgs),
    /// Show one user: id, status, block and number of live logins.
    Show(ShowUserArgs),
    /// Print what is kept about one user as JSON.
    Export(ExportUserArgs),
    /// Copy the missing users from a restored copy of the users table. Again, it goes on where it stopped.
    Restore(RestoreUsersArgs),
    /// Take over users of another system, with their ids and password hashes. The same file again changes no password that was changed
    /// here.
    Import(ImportUsersArgs),
    /// Find the user of the `account` in a log line.
    Find(FindUserArgs),
    /// Keep a user from logging in, and end all their logins. Asks first.
    Disable(ChangeArgs),
    /// Let a disabled user log in again.
    Enable(UserArgs),
    /// Remove a user, with all their logins and all that is kept about them. Asks first.
    Remove(ChangeArgs),
    /// Set a user's scope and attributes, in every login of theirs. Those before are replaced.
    SetAttributes(SetAttributesArgs),
    /// Set a user's password, and end all their logins. Asks first.
    SetPassword(SetPasswordArgs),
}

/// What `latchkey users add` takes.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// The user's id, such as the one that their imported sessions have; a random one without this. No other user may have it.
    #[arg(long, value_name = "ID", value_parser = new_user_id, allow_hyphen_values = true)]
    pub user_id: Option<String>,
    /// Who, and the password.
    #[command(flatten)]
    pub password: PasswordArgs,
}

/// A user and a new password.
#[derive(Debug, Args)]
pub struct PasswordArgs {
    /// Read the password from standard input, up to the end of the line, instead of asking for it.
    #[arg(long)]
    pub password_stdin: bool,
    /// Who.
    #[command(flatten)]
    pub user: UserArgs,
}

/// What `latchkey users set-attributes` takes.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("attributes").args(["scope", "set", "none"]).required(true).multiple(true))]
pub struct SetAttributesArgs {
    /// What the user may do: scopes with a space between two. Without this option the user's scope is removed.
    #[arg(long)]
    pub scope: Option<String>,
    /// An attribute of your own, such as `role=admin`. May be repeated, 16 times at most. Attributes that aren't given are removed.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = attribute)]
    pub set: Vec<(String, String)>,
    /// Take the scope and all attributes away.
    #[arg(long, conflicts_with_all = ["scope", "set"])]
    pub none: bool,
    /// Who.
    #[command(flatten)]
    pub user: UserArgs,
}

fn attribute(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("takes NAME=VALUE, such as role=admin")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A user whose password is set.
#[derive(Debug, Args)]
pub struct SetPasswordArgs {
    /// Don't ask whether to end the user's logins.
    #[arg(long)]
    pub yes: bool,
    /// Who, and the password.
    #[command(flatten)]
    pub password: PasswordArgs,
}

/// A user whose logins are ended.
#[derive(Debug, Args)]
pub struct ChangeArgs {
    /// Don't ask.
    #[arg(long)]
    pub yes: bool,
    /// Who.
    #[command(flatten)]
    pub user: UserArgs,
}

/// A user, where users are kept.
#[derive(Debug, Args)]
pub struct UserArgs {
    /// The user's name.
    pub name: String,
    /// What became of the user as JSON, for scripts.
    #[arg(long)]
    pub json: bool,
    /// Where.
    #[command(flatten)]
    pub at: TableArgs,
}

/// What `latchkey users show` takes.
#[derive(Debug, Args)]
pub struct ShowUserArgs {
    /// The user's name.
    #[arg(required_unless_present = "user_id", conflicts_with = "user_id")]
    pub name: Option<String>,
    /// The user's id, instead of the name.
    #[arg(long, value_name = "ID", value_parser = user_id, allow_hyphen_values = true)]
    pub user_id: Option<String>,
    /// JSON, for scripts.
    #[arg(long)]
    pub json: bool,
    /// Where.
    #[command(flatten)]
    pub at: TableArgs,
}

/// What `latchkey users export` takes.
#[derive(Debug, Args)]
pub struct ExportUserArgs {
    /// The user's name.
    pub name: String,
    /// Where.
    #[command(flatten)]
    pub at: TableArgs,
}

/// What `latchkey users import` takes.
#[derive(Debug, Args)]
pub struct ImportUsersArgs {
    /// The users, in UTF-8, compressed with gzip or not. `-` is standard input. CSV and JSON lines have the columns username, user_id,
    /// password_hash and status, of which only username is needed.
    pub file: PathBuf,
    /// What the file is; without it, what its name ends in says.
    #[arg(long)]
    pub format: Option<UsersFormat>,
    /// The name that a column has in the file, such as password_hash=encrypted_password. May be repeated, once for each column.
    #[arg(long, value_name = "OURS=THEIRS", value_parser = column)]
    pub column: Vec<(String, String)>,
    /// The password settings of the Firebase project: a JSON object with algorithm, base64_signer_key, base64_salt_separator, rounds and
    /// mem_cost. The key is taken out of the hashes, and is kept nowhere.
    #[arg(long, value_name = "FILE")]
    pub firebase_config: Option<PathBuf>,
    /// Whose defaults the PBKDF2 strings of Spring Security have that name none.
    #[arg(long, value_name = "VERSION")]
    pub spring_pbkdf2: Option<SpringVersion>,
    /// What bcrypt was given instead of the password: Flask-Bcrypt with BCRYPT_HANDLE_LONG_PASSWORDS.
    #[arg(long)]
    pub bcrypt_prehash: Option<BcryptPrehash>,
    /// A file with the secret that stands behind every password (Devise's pepper). It is stored with each hash until the user's first login.
    #[arg(long, value_name = "FILE", conflicts_with = "bcrypt_prehash")]
    pub pepper_file: Option<PathBuf>,
    /// Import user ids that look like no value (NULL, \N, None, blanks) or like a number that lost digits (1.2E+17, 42.0). Without this
    /// their rows are bad.
    #[arg(long)]
    pub user_ids_as_they_are: bool,
    /// Check the file, and write nothing. No table is needed.
    #[arg(long)]
    pub dry_run: bool,
    /// Bad rows and the summary as JSON lines, for scripts.
    #[arg(long)]
    pub json: bool,
    /// Where.
    #[command(flatten)]
    pub at: TableArgs,
}

/// What `latchkey users restore` takes.
#[derive(Debug, Args)]
pub struct RestoreUsersArgs {
    /// The restored copy: a table of the same account and region.
    #[arg(long, value_name = "TABLE")]
    pub from: String,
    /// The summary as JSON, for scripts.
    #[arg(long)]
    pub json: bool,
    /// Where to.
    #[command(flatten)]
    pub at: TableArgs,
}

fn column(text: &str) -> Result<(String, String), &'static str> {
    text.split_once('=')
        .filter(|(ours, theirs)| ["username", "user_id", "password_hash", "status"].contains(ours) && !theirs.is_empty())
        .map(|(ours, theirs)| (ours.to_owned(), theirs.to_owned()))
        .ok_or("it takes username, user_id, password_hash or status, an equals sign, and the column's name in the file")
}

/// How users are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UsersFormat {
    /// Comma-separated, with a header (.csv): also what PostgreSQL's COPY writes.
    Csv,
    /// One JSON object per line (.jsonl, .ndjson), also with a DynamoDB `Item` in it (.json.gz).
    Jsonl,
    /// `firebase auth:export` in JSON. Needs --firebase-config.
    Firebase,
    /// Auth0's export of hashes, or a list for its bulk import.
    Auth0,
    /// A realm that Keycloak exported with its users.
    Keycloak,
    /// CSV for Cognito's import. It has no password hashes.
    Cognito,
}

/// A version of Spring Security.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SpringVersion {
    /// SHA-1, 185,000 rounds, 8 bytes of salt.
    #[value(name = "5.5")]
    V5_5,
    /// SHA-256, 310,000 rounds, 16 bytes of salt.
    #[value(name = "5.8")]
    V5_8,
}

/// What bcrypt was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BcryptPrehash {
    /// The password's SHA-256 in hexadecimal.
    HexSha256,
}

/// What `latchkey users find` takes.
#[derive(Debug, Args)]
pub struct FindUserArgs {
    /// The `account` of a log line: the first eight characters of a hash, or more of it.
    #[arg(long, value_name = "HASH", allow_hyphen_values = true)]
    pub subject: String,
    /// JSON lines, for scripts.
    #[arg(long)]
    pub json: bool,
    /// Where.
    #[command(flatten)]
    pub at: TableArgs,
}

/// What `latchkey users list` takes.
#[derive(Debug, Args)]
pub struct ListUsersArgs {
    /// JSON lines, for scripts.
    #[arg(long)]
    pub json: bool,
    /// Where.
    #[command(flatten)]
    pub at: TableArgs,
}
