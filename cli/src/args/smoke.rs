//! What `latchkey smoke` takes.

use std::time::Duration;

use clap::Args;
use latchkey::config::parse_duration;

use super::TableArgs;

/// What `latchkey smoke` takes.
#[derive(Debug, Args)]
pub struct SmokeArgs {
    /// Where the stage answers: the stack's output ApiUrl.
    pub url: String,
    /// Also issue, introspect and end a login in the back office that answers here: the stack's output AdminApiUrl. Its requests
    /// are signed with the AWS credentials and the region of this command.
    #[arg(long, value_name = "URL")]
    pub admin_url: Option<String>,
    /// Log in as this existing user, and read or write no table. Without it, the command creates a user in the users table and
    /// removes it at the end, even if a step fails.
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    pub username: Option<String>,
    /// Read that user's password from standard input, up to the end of the line.
    #[arg(long, requires = "username")]
    pub password_stdin: bool,
    /// How long API Gateway may cache the authorizer's answer (the parameter AuthorizerResultTtl). An ended token must be
    /// refused after that time.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub authorizer_ttl: u64,
    /// Don't repeat a refresh: the stage has REPLAY_WINDOW=0.
    #[arg(long)]
    pub no_replay: bool,
    /// Log in only once at a time: the stage has MAX_SESSIONS_PER_USER=1.
    #[arg(long)]
    pub single_session: bool,
    /// Also check that a reused refresh token ends its login. Waits this long first; it must be longer than REPLAY_WINDOW
    /// by 5 s, such as 36s.
    #[arg(long, value_name = "DURATION", value_parser = wait, conflicts_with = "no_replay")]
    pub reuse_after: Option<Duration>,
    /// Print each step as a JSON line.
    #[arg(long)]
    pub json: bool,
    /// Tables and AWS settings.
    #[command(flatten)]
    pub at: TableArgs,
}

fn wait(text: &str) -> Result<Duration, &'static str> {
    let longest = Duration::from_secs(3600);
    parse_duration(text)
        .filter(|wait| !wait.is_zero() && *wait <= longest)
        .ok_or("it takes a number and a unit, such as 31s or 2m, up to 1h")
}
