//! What `latchkey sessions` takes.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueEnum};
use latchkey::config::parse_duration;

use super::{TableArgs, user_id};
use crate::rows::TimeFormat;

/// What `latchkey sessions` does.
#[derive(Debug, Subcommand)]
pub enum SessionsCommand {
    /// Show a user's live logins, the newest first.
    List {
        /// The user's id, as `latchkey users show` shows it.
        #[arg(value_parser = user_id, allow_hyphen_values = true, required_unless_present = "user", conflicts_with = "user")]
        user_id: Option<String>,
        /// The user's name, instead of the id.
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
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
        #[arg(value_parser = user_id, allow_hyphen_values = true)]
        user_id: String,
        /// The login's id.
        #[arg(allow_hyphen_values = true)]
        login_id: String,
        /// Where.
        #[command(flatten)]
        at: TableArgs,
    },
    /// End all logins of a user. Asks first.
    EndAll {
        /// The user's id.
        #[arg(value_parser = user_id, allow_hyphen_values = true)]
        user_id: String,
        /// Don't ask.
        #[arg(long)]
        yes: bool,
        /// Where.
        #[command(flatten)]
        at: TableArgs,
    },
    /// End all logins of all users, user by user. Asks first. If interrupted, run it again.
    EndEveryone {
        /// Don't ask.
        #[arg(long)]
        yes: bool,
        /// Where.
        #[command(flatten)]
        at: TableArgs,
    },
    /// Show whose token a hash is of.
    Find(FindArgs),
    /// Take over sessions that another service issued. The same file again changes nothing.
    Import(ImportArgs),
}

/// What `latchkey sessions find` takes.
#[derive(Debug, Args)]
pub struct FindArgs {
    /// The token's SHA-256 as base64url, all 43 characters. The 8 of a log line are too few: no index is searched by a part.
    #[arg(long, value_name = "HASH", allow_hyphen_values = true)]
    pub token_hash: String,
    /// JSON lines, for scripts.
    #[arg(long)]
    pub json: bool,
    /// Where.
    #[command(flatten)]
    pub at: TableArgs,
}

/// What `latchkey sessions import` takes.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The sessions, in UTF-8: columns user_id, access_token, refresh_token, access_token_expires_at and
    /// refresh_token_expires_at, in any order; others are ignored. `-` is standard input.
    pub file: PathBuf,
    /// What the file is; without it, what its name ends in says.
    #[arg(long)]
    pub format: Option<ImportFormat>,
    /// How the file writes dates.
    #[arg(long, value_enum, default_value_t = TimeFormat::Rfc3339)]
    pub time_format: TimeFormat,
    /// When these logins end however often they are refreshed, counted from now, such as 30d. Take the SESSION_MAX_LIFETIME of
    /// the functions: they apply theirs to the logins that they make themselves.
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    pub session_max_lifetime: Option<Duration>,
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

fn lifetime(text: &str) -> Result<Duration, &'static str> {
    let most = Duration::from_secs(3650 * 24 * 3600);
    parse_duration(text)
        .filter(|lifetime| !lifetime.is_zero() && *lifetime <= most)
        .ok_or("it takes a number and a unit, such as 12h or 30d, up to 3650d")
}

/// How sessions are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImportFormat {
    /// Comma-separated, with a header (.csv).
    Csv,
    /// One JSON object per line (.jsonl, .ndjson).
    Jsonl,
}
