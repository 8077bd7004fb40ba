//! What `latchkey dev` says when it is ready: where everything is, and four commands to paste.

use std::{net::SocketAddr, path::Path, time::Duration};

use anstyle::{AnsiColor, Style};

use super::{DEMO_PASSWORD, DEMO_USER, users_table};
use crate::template::Template;

/// Whose the data are.
pub(super) enum Data<'a> {
    /// Somebody else's DynamoDB.
    Elsewhere,
    /// In memory.
    Gone,
    /// In this directory.
    Kept(&'a Path),
}

/// What there is to say.
pub(super) struct Banner<'a> {
    pub(super) address: SocketAddr,
    pub(super) dynamodb: &'a str,
    pub(super) lambda: Option<&'a str>,
    pub(super) data: &'a Data<'a>,
    pub(super) template: &'a Template,
}

const STRONG: Style = Style::new().bold();
const LINK: Style = AnsiColor::Cyan.on_default();
const FAINT: Style = Style::new().dimmed();

impl Banner<'_> {
    /// With colours; whoever prints it takes them out where nobody sees them.
    pub(super) fn text(&self, took: Duration) -> String {
        let Self { address, dynamodb, lambda, data, template } = self;
        let api = format!("http://{address}");
        let kept = match data {
            Data::Elsewhere => "yours".to_owned(),
            Data::Gone => "gone when this stops, unless you pass --data DIR".to_owned(),
            Data::Kept(dir) => format!("kept in {}", dir.display()),
        };
        let functions = lambda.map_or_else(|| "linked in".to_owned(), |url| format!("cargo lambda at {url}"));
        let routes: Vec<String> = template.routes.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
        let users_table = users_table(template);
        format!(
            r#"
  {STRONG}Latchkey is running{STRONG:#}, started in {took:.2} s. Ctrl-C stops it.

    console    {LINK}{api}/{LINK:#}  in the browser
    reference  {LINK}{api}/docs{LINK:#}
    API        {LINK}{api}{LINK:#}
    routes     {routes}
    DynamoDB   {dynamodb}  {FAINT}({kept}){FAINT:#}
    functions  {functions}
    demo user  {DEMO_USER} / {DEMO_PASSWORD}

  {STRONG}1.{STRONG:#} Log in, and keep the pair:
     PAIR=$(curl -s {api}/login -H 'Content-Type: application/json' -d '{{"username":"{DEMO_USER}","password":"{DEMO_PASSWORD}"}}'); echo "$PAIR"

  {STRONG}2.{STRONG:#} Call a protected route with the access token:
     curl -s {api}/me -H "Authorization: Bearer $(echo "$PAIR" | grep -o 'lka_[A-Za-z0-9_-]*')"

  {STRONG}3.{STRONG:#} Refresh: a new pair, and the old access token is dead at once:
     curl -s -X POST {api}/refresh -H "Authorization: Bearer $(echo "$PAIR" | grep -o 'lkr_[A-Za-z0-9_-]*')"

  {STRONG}4.{STRONG:#} Refresh again with the same old token, as after a lost answer. Within the replay window it is the very same pair;
     after it, reuse: the login ends, for somebody else may hold that token. It is the same command:
     curl -s -X POST {api}/refresh -H "Authorization: Bearer $(echo "$PAIR" | grep -o 'lkr_[A-Za-z0-9_-]*')"

  Add users:  cargo run -- users add NAME --users-table {users_table} --endpoint-url {dynamodb}
"#,
            routes = routes.join(", "),
            took = took.as_secs_f64(),
        )
    }
}
