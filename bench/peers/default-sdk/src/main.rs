//! A Lambda authorizer as in the SDK's own examples, with default settings.

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    authorization_token: String,
    method_arn: String,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let client = &Client::new(&config);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Event>| authorize(client, event.payload))).await
}

async fn authorize(client: &Client, event: Event) -> Result<Value, Error> {
    let context = match event.authorization_token.strip_prefix("Bearer ") {
        Some(token) => session(client, token).await?,
        None => None,
    };
    let effect = if context.is_some() { "Allow" } else { "Deny" };
    let stage = event.method_arn.split('/').take(2).collect::<Vec<_>>().join("/");
    Ok(json!({
        "principalId": context.as_ref().map_or("anonymous", |context| context["user_id"].as_str().unwrap_or("anonymous")),
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": format!("{stage}/*")}],
        },
        "context": context,
    }))
}

async fn session(client: &Client, token: &str) -> Result<Option<Value>, Error> {
    let (Some(user_key), Some(login_id)) = (token.get(4..26), token.get(26..48)) else { return Ok(None) };
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(token));
    let output = client
        .query()
        .table_name("SessionsTable")
        .consistent_read(true)
        .key_condition_expression("user_key = :user_key AND begins_with(sk, :login_id)")
        .expression_attribute_values(":user_key", AttributeValue::S(user_key.into()))
        .expression_attribute_values(":login_id", AttributeValue::S(login_id.into()))
        .send()
        .await?;
    #[expect(clippy::disallowed_methods, reason = "the peers don't use Latchkey's clock")]
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let text = |item: &std::collections::HashMap<String, AttributeValue>, name: &str| match item.get(name) {
        Some(AttributeValue::S(text) | AttributeValue::N(text)) => Some(text.clone()),
        _ => None,
    };
    let session = output.items().iter().find(|item| text(item, "access_token_hash").as_deref() == Some(&hash));
    let Some(session) = session.filter(|item| text(item, "access_token_expires_at").is_some_and(|expiry| now < expiry)) else {
        return Ok(None);
    };
    let names = ["user_id", "login_id", "generation", "access_token_expires_at", "refresh_token_expires_at"];
    Ok(Some(names.iter().map(|&name| (name.to_owned(), json!(text(session, name)))).collect::<serde_json::Map<_, _>>().into()))
}
