//! What `latchkey users` takes.

use clap::{Args, Subcommand};

use super::TableArgs;

/// What `latchkey users` does.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Add a user.
    Add(PasswordArgs),
    /// Show all users.
    List(ListUsersArgs),
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
