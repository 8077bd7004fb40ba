//! What `latchkey dev` says when it is ready: where everything is, and four commands to paste.

use std::{net::SocketAddr, path::Path, time::Duration};

use anstyle::{AnsiColor, Style};
use latchkey::config::Environment;

use super::{DEMO_PASSWORD, DEMO_USER, environment_of_login};
use crate::{client::EMULATOR_KEY, template::Template};

/// Where the data is kept.
pub(super) enum Data<'a> {
    /// In a DynamoDB of the user's.
    Elsewhere,
    /// In memory.
    Gone,
    Kept(&'a Path),
}

/// What there is to say.
pub(super) struct Banner<'a> {
    pub(super) address: SocketAddr,
    pub(super) dynamodb: &'a str,
    pub(super) access_key: &'a str,
    pub(super) region: &'a str,
    pub(super) lambda: Option<&'a str>,
    pub(super) data: &'a Data<'a>,
    pub(super) template: &'a Template,
    /// How to call this program.
    pub(super) command: &'a str,
}

/// How this program was called: by `cargo run` in a clone, or by its own name where it is installed.
pub(super) fn command(process: &Environment<'_>) -> String {
    if process.get("CARGO").is_some() {
        return "cargo run --".to_owned();
    }
    let name = std::env::args_os().next().map(|name| name.to_string_lossy().into_owned());
    match name.filter(|name| !name.is_empty()) {
        Some(name) if name.contains(|letter: char| letter.is_whitespace()) => format!("'{name}'"),
        Some(name) => name,
        None => "latchkey".to_owned(),
    }
}

const STRONG: Style = Style::new().bold();
const LINK: Style = AnsiColor::Cyan.on_default();
const FAINT: Style = Style::new().dimmed();

/// Who reaches the API.
#[derive(Clone, Copy)]
enum Network {
    ThisMachine,
    /// Everybody, by every address of the machine.
    All,
    /// Everybody, by one of its addresses.
    One,
}

impl Banner<'_> {
    /// The API's URL for this machine, and who else reaches it.
    fn reached(&self) -> (String, Network) {
        let (ip, port) = (self.address.ip(), self.address.port());
        if ip.is_unspecified() {
            (format!("http://127.0.0.1:{port}"), Network::All)
        } else {
            (format!("http://{}", self.address), if ip.is_loopback() { Network::ThisMachine } else { Network::One })
        }
    }

    /// With colours; the caller removes them where the output isn't a terminal.
    pub(super) fn text(&self, took: Duration) -> String {
        let Self { address, dynamodb, access_key, region, lambda, data, template, command } = self;
        let (api, network) = self.reached();
        let port = address.port();
        let only_here = "only at 127.0.0.1, which --host 0.0.0.0 has as well".to_owned();
        let (console, reference) = match network {
            Network::ThisMachine => (format!("{LINK}{api}/{LINK:#}  in the browser"), format!("{LINK}{api}/docs{LINK:#}")),
            Network::All => (format!("{LINK}{api}/{LINK:#}  in a browser of this machine"), format!("{LINK}{api}/docs{LINK:#}")),
            Network::One => (only_here.clone(), only_here),
        };
        let warning = match network {
            Network::ThisMachine => String::new(),
            Network::All | Network::One => format!(
                "\n  {STRONG}Everybody who reaches port {port} of this machine can log in{STRONG:#}: the demo user's password is known to all.\n"
            ),
        };
        let kept = match data {
            Data::Elsewhere => "yours".to_owned(),
            Data::Gone => "gone when this stops, unless you pass --data DIR".to_owned(),
            Data::Kept(dir) => format!("kept in {}", dir.display()),
        };
        let functions = lambda.map_or_else(
            || "linked in".to_owned(),
            |url| format!("cargo lambda at {url}; they need AWS_REGION={region} and AWS_ACCESS_KEY_ID={access_key}"),
        );
        let routes: Vec<String> = template.routes.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
        let [users_table, sessions_table] = ["USERS_TABLE", "SESSIONS_TABLE"].map(|variable| environment_of_login(template, variable));
        format!(
            r#"
  {STRONG}Latchkey is running{STRONG:#}, started in {took:.2} s. Ctrl-C stops it.
{warning}
    console    {console}
    reference  {reference}
    API        {LINK}{api}{LINK:#}
    routes     {routes}
    DynamoDB   {dynamodb}  {FAINT}({kept}){FAINT:#}
    region     {region}, with the access key {access_key} and any secret
    admin      {api}/admin, signed with that access key and the secret {secret}
    functions  {functions}
    demo user  {DEMO_USER} / {DEMO_PASSWORD}

  {STRONG}1.{STRONG:#} Log in, and keep the pair:
     PAIR=$(curl -s {api}/login -H 'Content-Type: application/json' -d '{{"username":"{DEMO_USER}","password":"{DEMO_PASSWORD}"}}'); echo "$PAIR"

  {STRONG}2.{STRONG:#} Call a protected route with the access token:
     curl -s {api}/me -H "Authorization: Bearer $(echo "$PAIR" | grep -o 'lka_[A-Za-z0-9_-]*')"

  {STRONG}3.{STRONG:#} Refresh: a new pair, and the old access token is dead at once:
     curl -s -X POST {api}/refresh -H "Authorization: Bearer $(echo "$PAIR" | grep -o 'lkr_[A-Za-z0-9_-]*')"

  {STRONG}4.{STRONG:#} Refresh again with the same old token, as after a lost answer. You get the very same pair until it is first used.
     From one replay window after that on, the old token is reuse: the login ends, because a thief may hold it. The command is the same:
     curl -s -X POST {api}/refresh -H "Authorization: Bearer $(echo "$PAIR" | grep -o 'lkr_[A-Za-z0-9_-]*')"

  Add users:
     AWS_REGION={region} AWS_ACCESS_KEY_ID={access_key} AWS_SECRET_ACCESS_KEY={secret} \
     {command} users add NAME --users-table {users_table} --sessions-table {sessions_table} --endpoint-url {dynamodb}
"#,
            routes = routes.join(", "),
            secret = EMULATOR_KEY,
            took = took.as_secs_f64(),
        )
    }
}
