//! What the command takes.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use latchkey::ids::USER_ID_MAX_BYTES;

mod doctor;
mod sessions;
mod smoke;
mod users;

pub use doctor::DoctorArgs;
pub use sessions::{FindArgs, ImportArgs, ImportFormat, SessionsCommand};
pub use smoke::SmokeArgs;
pub use users::{
    AddArgs, BcryptPrehash, ChangeArgs, ExportUserArgs, FindUserArgs, ImportUsersArgs, ListUsersArgs, PasswordArgs, RestoreUsersArgs,
    SetAttributesArgs, SetPasswordArgs, ShowUserArgs, SpringVersion, UserArgs, UsersCommand, UsersFormat,
};

use crate::exit::EXIT_CODES;

/// Sessions that can be taken back: opaque access and refresh tokens on AWS.
#[derive(Debug, Parser)]
#[command(name = "latchkey", version, max_term_width = 80, after_help = EXIT_CODES)]
pub struct Latchkey {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

const SHELLS: &str = "\
bash: `source <(latchkey completions bash)`, in ~/.bashrc
zsh:  write it to a file `_latchkey` in a directory of $fpath
fish: `latchkey completions fish | source`, in ~/.config/fish/config.fish";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole service on this machine; so does no command at all.
    Dev(DevArgs),
    /// Manage users.
    Users {
        /// What to do with them.
        #[command(subcommand)]
        command: UsersCommand,
    },
    /// See and end users' sessions.
    Sessions {
        /// What to do with them.
        #[command(subcommand)]
        command: SessionsCommand,
    },
    /// Check tables, clock and items, and say what to do.
    Doctor(DoctorArgs),
    /// Walk through a deployed stage, from a login to its end.
    Smoke(SmokeArgs),
    /// Print the script that completes `latchkey` in a shell.
    #[command(after_help = SHELLS)]
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

impl Default for Command {
    fn default() -> Self {
        Self::Dev(DevArgs::default())
    }
}

/// What `latchkey dev` takes. The service's own settings come from its environment variables, as in the cloud.
#[derive(Debug, Args)]
pub struct DevArgs {
    /// Listen on this port; 0 takes any that is free.
    #[arg(long, default_value_t = 3000)]
    pub port: u16,
    /// Listen on this address of the machine; 0.0.0.0 is all of them, for phones and containers. Then everybody in the network
    /// can log in as the demo user. The console stays on this machine.
    #[arg(long, value_name = "ADDR", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub host: IpAddr,
    /// Use the DynamoDB at this URL (ministack, for example) instead of the embedded one. Its tables are made in the region
    /// AWS_REGION, or in us-east-1.
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    pub dynamodb: Option<String>,
    /// Send events to `cargo lambda watch` at this URL instead of the functions linked in.
    #[arg(long, value_name = "URL")]
    pub lambda: Option<String>,
    /// Keep the embedded DynamoDB's data in this directory; without it they are gone at the end.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

impl Default for DevArgs {
    fn default() -> Self {
        Self { port: 3000, host: Ipv4Addr::LOCALHOST.into(), dynamodb: None, lambda: None, data: None }
    }
}

/// Which tables.
#[derive(Debug, Default, Args)]
pub struct TableArgs {
    /// The sessions table; the variable SESSIONS_TABLE without it.
    #[arg(long, value_name = "NAME")]
    pub sessions_table: Option<String>,
    /// The users table; the variable USERS_TABLE without it.
    #[arg(long, value_name = "NAME")]
    pub users_table: Option<String>,
    /// Which DynamoDB.
    #[command(flatten)]
    pub aws: AwsArgs,
}

/// As in the AWS CLI. At an endpoint on this machine, the region is us-east-1 and the credentials are made up unless they are
/// given.
#[derive(Debug, Default, Args)]
pub struct AwsArgs {
    /// The profile of your AWS configuration.
    #[arg(long)]
    pub profile: Option<String>,
    /// The region.
    #[arg(long)]
    pub region: Option<String>,
    /// Another DynamoDB than AWS's, such as the one `latchkey dev` shows.
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
}

/// The id of a user who may be there: whatever the back office and the imports take, but for an empty variable of a script.
fn user_id(text: &str) -> Result<String, &'static str> {
    let is_one = !text.trim().is_empty() && text.len() <= USER_ID_MAX_BYTES;
    if is_one { Ok(text.to_owned()) } else { Err("a user id has 1 to 128 bytes, not all of them white space") }
}

/// Any text can be a new user's id, but for those that are a slip of a script: an empty variable, a line with its end, or several lines.
fn new_user_id(text: &str) -> Result<String, &'static str> {
    let is_one = !text.is_empty() && text.trim() == text && !text.contains(char::is_control) && text.len() <= USER_ID_MAX_BYTES;
    if is_one { Ok(text.to_owned()) } else { Err("a user id has 1 to 128 bytes, no white space around it and no control character") }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Latchkey::command().debug_assert();
    }

    /// A terminal has 24 rows of 80 columns at least, and one row is the prompt's.
    #[test]
    fn the_help_fits_a_screen() {
        for flag in ["-h", "--help"] {
            let help = Latchkey::try_parse_from(["latchkey", flag]).unwrap_err().to_string();
            assert!(help.lines().count() < 24, "{} lines:\n{help}", help.lines().count());
            let widest = help.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(80), "{widest:?} columns:\n{help}");
        }
    }

    /// An empty variable in a script must not name a user.
    #[test]
    fn a_user_id_is_not_empty() {
        for slip in ["", " ", "\n", &"u".repeat(129)] {
            for command in ["list", "end-all"] {
                assert!(Latchkey::try_parse_from(["latchkey", "sessions", command, slip]).is_err(), "{command} {slip:?}");
            }
            assert!(Latchkey::try_parse_from(["latchkey", "sessions", "end", slip, "l"]).is_err(), "{slip:?}");
        }
        // The back office and `--user-ids-as-they-are` take them.
        for id in ["Ada Lovelace", " u", "u\n"] {
            assert!(Latchkey::try_parse_from(["latchkey", "sessions", "end-all", id]).is_ok(), "{id:?}");
        }
        for slip in ["", " ", "u ", "u\n"] {
            assert!(Latchkey::try_parse_from(["latchkey", "users", "add", "ada", "--user-id", slip]).is_err(), "{slip:?}");
        }
    }

    /// One id in 64 begins with a hyphen.
    #[test]
    fn an_id_may_begin_with_a_hyphen() {
        for id in ["-JUH-L9U8bXFc-t6v3np6w", "--UH-L9U8bXFc-t6v3np6w", "-hUH-L9U8bXFc-t6v3np6w", "-VUH-L9U8bXFc-t6v3np6w"] {
            let parsed = Latchkey::try_parse_from(["latchkey", "sessions", "end", id, id, "--sessions-table", "t"]);
            let Ok(Some(Command::Sessions { command: SessionsCommand::End { user_id, login_id, at } })) =
                parsed.map(|parsed| parsed.command)
            else {
                panic!("{id}")
            };
            assert_eq!((user_id.as_str(), login_id.as_str(), at.sessions_table.as_deref()), (id, id, Some("t")));
            let parsed = Latchkey::try_parse_from(["latchkey", "sessions", "end-all", id, "--yes"]).unwrap();
            assert!(matches!(parsed.command, Some(Command::Sessions { command: SessionsCommand::EndAll { yes: true, .. } })), "{id}");
        }
    }

    #[test]
    fn nothing_means_dev() {
        assert!(Latchkey::parse_from(["latchkey"]).command.is_none());
        let Command::Dev(args) = Command::default() else { panic!("not dev") };
        let Some(Command::Dev(parsed)) = Latchkey::parse_from(["latchkey", "dev"]).command else { panic!("not dev") };
        assert_eq!(format!("{args:?}"), format!("{parsed:?}"));
    }
}
