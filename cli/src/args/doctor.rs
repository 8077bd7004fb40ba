//! What `latchkey doctor` takes.

use clap::{Args, builder::RangedU64ValueParser};

use super::TableArgs;

/// What `latchkey doctor` takes.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Look at every item, and not at a sample.
    #[arg(long)]
    pub all: bool,
    /// How many users a sample has at least.
    #[arg(long, value_name = "USERS", default_value_t = 100, conflicts_with = "all", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub sample: usize,
    /// How many read units a second it takes from a table at most.
    #[arg(long, value_name = "UNITS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: u32,
    /// Also look at the back office that answers here: the stack's output AdminApiUrl. One request has no signature, and one is signed
    /// with the AWS credentials and the region of this command.
    #[arg(long, value_name = "URL")]
    pub admin_url: Option<String>,
    /// Each check as a JSON line, for scripts.
    #[arg(long)]
    pub json: bool,
    /// The login attempts table; the variable LOGIN_ATTEMPTS_TABLE without it.
    #[arg(long, value_name = "NAME")]
    pub login_attempts_table: Option<String>,
    /// Where.
    #[command(flatten)]
    pub at: TableArgs,
}
