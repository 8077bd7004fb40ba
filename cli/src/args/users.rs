//! What `latchkey users` takes.

use clap::{Args, Subcommand};

use super::{TableArgs, user_id};

/// What `latchkey users` does.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Add a user.
    Add(AddArgs),
    /// Show all users.
    List(ListUsersArgs),
    /// Show one user: id, status, block and number of live logins.
    Show(ShowUserArgs),
    /// Find the user of the `account` in a log line.
    Find(FindUserArgs),
    /// Keep a user from logging in, and end all their logins. Asks first.
    Disable(ChangeArgs),
    /// Let a disabled user log in again.
    Enable(UserArgs),
    /// Remove a user, with all their logins and all that is kept about them. Asks first.
    Remove(ChangeArgs),
    /// Set a user's password, and end all their logins. Asks first.
    SetPassword(SetPasswordArgs),
}

/// What `latchkey users add` takes.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// The user's id, such as the one that their imported sessions have; a random one without this. No other user may have it.
    #[arg(long, value_name = "ID", value_parser = user_id, allow_hyphen_values = true)]
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

/// What `latchkey users find` takes.
#[derive(Debug, Args)]
pub struct FindUserArgs {
    /// The `account` of a log line: the first eight characters of a hash, or more of it.
    #[arg(long, value_name = "HASH")]
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
