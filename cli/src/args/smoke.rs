//! What `latchkey smoke` takes.

use clap::Args;

use super::TableArgs;

/// What `latchkey smoke` takes.
#[derive(Debug, Args)]
pub struct SmokeArgs {
    /// Where the stage answers: the stack's output ApiUrl.
    pub url: String,
    /// Walk as this user, who is there already, and touch no table. Without it a user is made in the tables for this, and
    /// removed whatever happens.
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    pub username: Option<String>,
    /// Read that user's password from standard input, up to the end of the line.
    #[arg(long, requires = "username")]
    pub password_stdin: bool,
    /// How long API Gateway may keep the authorizer's answer (AuthorizerResultTtl): a token is refused after so long at the
    /// latest.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub authorizer_ttl: u64,
    /// The stage has REPLAY_WINDOW=0: don't try a refresh a second time.
    #[arg(long)]
    pub no_replay: bool,
    /// Each step as a JSON line, for scripts.
    #[arg(long)]
    pub json: bool,
    /// Where.
    #[command(flatten)]
    pub at: TableArgs,
}
