//! What `latchkey sessions` takes.

use clap::{Args, Subcommand};

use super::TableArgs;

/// What `latchkey sessions` does.
#[derive(Debug, Subcommand)]
pub enum SessionsCommand {
    /// Show a user's live logins, the newest first.
    List {
        /// The user's id, as `latchkey users list` shows it.
        user_id: String,
        /// JSON lines, for scripts.
        #[arg(long)]
        json: bool,
        /// Where.
        #[command(flatten)]
        at: TableArgs,
    },
    /// End one login.
    End {
        /// The user's id.
        user_id: String,
        /// The login's id.
        login_id: String,
        /// Where.
        #[command(flatten)]
        at: TableArgs,
    },
    /// End all logins of a user. Asks first.
    EndAll {
        /// The user's id.
        user_id: String,
        /// Don't ask.
        #[arg(long)]
        yes: bool,
        /// Where.
        #[command(flatten)]
        at: TableArgs,
    },
    /// Show whose token a hash is of.
    Find(FindArgs),
}

/// What `latchkey sessions find` takes.
#[derive(Debug, Args)]
pub struct FindArgs {
    /// The token's SHA-256 as base64url, all 43 characters. The 8 of a log line are too few: no index is searched by a part.
    #[arg(long, value_name = "HASH")]
    pub token_hash: String,
    /// JSON lines, for scripts.
    #[arg(long)]
    pub json: bool,
    /// Where.
    #[command(flatten)]
    pub at: TableArgs,
}
