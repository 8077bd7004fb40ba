//! What `latchkey dev` says when it is ready: where everything is, and four commands to paste.

use std::path::Path;

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

pub(super) fn text(port: u16, dynamodb: &str, lambda: Option<&str>, data: &Data<'_>, template: &Template) -> String {
    let api = format!("http://127.0.0.1:{port}");
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
  Latchkey is running. Ctrl-C stops it.

    API        {api}
    routes     {routes}
    DynamoDB   {dynamodb}  ({kept})
    functions  {functions}
    demo user  {DEMO_USER} / {DEMO_PASSWORD}

  1. Log in, and keep the pair:
     PAIR=$(curl -s {api}/login -H 'Content-Type: application/json' -d '{{"username":"{DEMO_USER}","password":"{DEMO_PASSWORD}"}}'); echo "$PAIR"

  2. Call a protected route with the access token:
     curl -s {api}/me -H "Authorization: Bearer $(echo "$PAIR" | grep -o 'lka_[A-Za-z0-9_-]*')"

  3. Refresh: a new pair, and the old access token is dead at once:
     curl -s -X POST {api}/refresh -H "Authorization: Bearer $(echo "$PAIR" | grep -o 'lkr_[A-Za-z0-9_-]*')"

  4. Refresh again with the same old token, as after a lost answer. Within the replay window it is the very same pair;
     after it, reuse: the login ends, for somebody else may hold that token. It is the same command:
     curl -s -X POST {api}/refresh -H "Authorization: Bearer $(echo "$PAIR" | grep -o 'lkr_[A-Za-z0-9_-]*')"

  Add users:  cargo run -- users add NAME --users-table {users_table} --endpoint-url {dynamodb}
"#,
        routes = routes.join(", "),
    )
}
