//! `latchkey doctor`: is a deployed or local stage as it should be, and what is to be done where it isn't?

mod back_office;
mod check;
mod clock;
mod collection;
mod pace;
mod scan;
mod settings;
mod tables;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use latchkey::{
    clock::Clock,
    config::{ConfigError, Environment},
};

use crate::{
    args::DoctorArgs,
    client::{self, ClientError, is_emulated},
    dev::TEMPLATE,
    exit::{Exit, ExitWith},
    output::print,
    smoke::{UrlError, api::Api, office::Office},
    tables::compare,
    template::{Table, Template, TemplateError},
    users::table,
};

pub use check::{Check, Outcome};
pub use collection::{Breach, breaches};
pub use scan::Extent;
use scan::Scan;

/// Why it couldn't look, or that it found something.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// A table isn't named.
    #[error("{0}; or pass --sessions-table, --users-table and --login-attempts-table")]
    Table(#[from] ConfigError),
    /// There is no back office there.
    #[error("{0}")]
    Url(#[from] UrlError),
    /// DynamoDB isn't to be asked.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// The template that is linked in can't be read.
    #[error("{0}")]
    Template(#[from] TemplateError),
    /// DynamoDB gave no answer.
    #[error("{operation} on table {table}: {reason}; check --region, --profile and --endpoint-url")]
    DynamoDb { operation: &'static str, table: String, reason: String },
    /// It has found something.
    #[error("to be mended: {0}")]
    Findings(usize),
}

impl ExitWith for DoctorError {
    fn exit(&self) -> Exit {
        match self {
            Self::Table(_) | Self::Url(_) => Exit::Usage,
            Self::Client(_) | Self::Template(_) | Self::DynamoDb { .. } => Exit::Failed,
            Self::Findings(_) => Exit::NotAsItShouldBe,
        }
    }
}

/// A stage's tables, by their names.
#[derive(Debug, Clone)]
pub struct Tables {
    pub sessions: String,
    pub users: String,
    /// The login attempts table.
    pub login_attempts: String,
}

/// `latchkey doctor`.
///
/// # Errors
/// [`DoctorError`]; what was found is on standard output by then.
pub async fn run(args: DoctorArgs) -> Result<(), DoctorError> {
    let at = &args.at;
    let tables = Tables {
        sessions: table(at.sessions_table.as_ref(), "SESSIONS_TABLE", "the name of the sessions table")?,
        users: table(at.users_table.as_ref(), "USERS_TABLE", "the name of the users table")?,
        login_attempts: table(args.login_attempts_table.as_ref(), "LOGIN_ATTEMPTS_TABLE", "the name of the login attempts table")?,
    };
    let extent = Extent { all: args.all, sample: args.sample, rate: args.rate };
    let office = match &args.admin_url {
        Some(url) => Some(Office::new(Api::at(url)?, client::signer(&at.aws).await?)),
        None => None,
    };
    let client = client::patient(&at.aws).await?;
    let mut checks = examine(&client, is_emulated(&at.aws), &tables, extent, &Clock::system()).await?;
    checks.extend(settings::check(&Environment::of_process()));
    if let Some(office) = &office {
        checks.extend(back_office::check(office).await);
    }
    print(check::render(&checks, args.json));
    match checks.iter().filter(|check| check.is_finding()).count() {
        0 => Ok(()),
        findings => Err(DoctorError::Findings(findings)),
    }
}

/// Looks at the tables, the clock and the items. What only AWS has isn't looked for on an emulator.
///
/// # Errors
/// [`DoctorError`] where DynamoDB gives no answer; all that it does answer is a check.
pub async fn examine(client: &Client, emulated: bool, names: &Tables, extent: Extent, clock: &Clock) -> Result<Vec<Check>, DoctorError> {
    let template = Template::parse(TEMPLATE, &BTreeMap::new())?;
    let declared = |logical_id: &str, name: &str| {
        template.tables.iter().find(|table| table.logical_id == logical_id).map(|table| Table { name: name.to_owned(), ..table.clone() })
    };
    let watch = clock::Watch::default();
    let scan = Scan { client, extent, clock };
    let mut checks = Vec::new();
    for (logical_id, name) in
        [("SessionsTable", &names.sessions), ("UsersTable", &names.users), ("LoginAttemptsTable", &names.login_attempts)]
    {
        let Some(table) = declared(logical_id, name) else { continue };
        let (of_table, description) = tables::check(client, &table, emulated, &watch).await?;
        checks.extend(of_table);
        if logical_id == "SessionsTable" {
            checks.push(watch.check(clock.now()));
        }
        match (logical_id, description) {
            ("SessionsTable" | "UsersTable", Some(other)) if compare::has_another_key(&table, &other) => {
                checks.push(Check::skipped(format!("items of {name}"), "they aren't looked at in a table with another key"));
            }
            ("SessionsTable", Some(description)) => checks.extend(scan.sessions(name, &description).await?),
            ("UsersTable", Some(description)) => checks.extend(scan.users(name, &description).await?),
            _ => {}
        }
    }
    Ok(checks)
}
