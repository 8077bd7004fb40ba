//! The requests to the measured programs and the answers of DynamoDB: one login as Latchkey itself writes it.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use latchkey::{
    clock::{Clock, rfc3339},
    entropy::Random,
    model::{Attributes, Device, Lifetimes, Login, LoginAttributes},
    operations::issue::{IssuedLogin, issue_login},
    password::{Hasher, Password, PasswordHash},
    store::{Item, attributes_item, login_item, session_item},
};
use serde_json::{Map, Value, json};

/// A login can't be created, for lack of randomness or memory.
#[derive(Debug, thiserror::Error)]
#[error("a login can't be created: {0}")]
pub struct NoWork(String);

const USER_ID: &str = "3f0c1e0a-2d51-4f6b-9c55-6f1f9a1c7e42";
const PASSWORD: &str = "correct-horse-battery-staple";
const SCOPE: &str = "orders:read orders:write invoices:read";
const USER_AGENT: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 ExampleApp/7.4.1";

/// The fixed answers of DynamoDB.
#[derive(Debug, Clone)]
pub struct Answers {
    login_id: String,
    user_key: String,
    login: Bytes,
    register: Bytes,
    collection: Bytes,
    user: Bytes,
}

/// The events of each function, and the store answers that they need.
#[derive(Debug)]
pub struct Work {
    /// An authorizer event with a valid access token.
    pub authorize: Bytes,
    /// The same of a login that has a role and three scopes.
    pub authorize_attributes: Bytes,
    /// `POST /refresh` with a valid refresh token.
    pub refresh: Bytes,
    /// `POST /login` with the right password.
    pub login: Bytes,
    /// `GET /sessions` behind the authorizer.
    pub sessions: Bytes,
    /// The answers of DynamoDB.
    pub answers: Answers,
    /// The same where the login has attributes. In a set of their own, so that finding an answer takes as long.
    pub answers_attributes: Answers,
    /// The login, as it was issued.
    pub issued: IssuedLogin,
    /// The password and its hash, to time the hash alone.
    pub password: (Password, PasswordHash),
}

impl Work {
    /// A user with one new login, whose tokens outlast the measurement.
    ///
    /// # Errors
    /// [`NoWork`].
    pub fn new() -> Result<Self, NoWork> {
        let now = Clock::system().now();
        let lifetimes = Lifetimes { access: Duration::from_secs(24 * 3600), refresh: Duration::from_secs(7 * 24 * 3600) };
        let device = Device {
            id: Some("b7c1a1f4-55f0-4bb4-8d0e-0f5a6c3f2f11".into()),
            name: Some("Ada's iPhone".into()),
            user_agent: Some(USER_AGENT.into()),
            ip: Some("203.0.113.7".into()),
        };
        let issue = |device| issue_login(USER_ID, device, lifetimes, None, now, &Random::system()).map_err(none);
        let (issued, attributed) = (issue(device.clone())?, issue(device)?);
        let (login, session) = (&issued.new.login, &issued.new.session);
        let login_id = login.key.login_id.as_str();
        let user_key = login.key.user_key.as_str();
        let context = json!({
            "user_id": USER_ID,
            "login_id": login_id,
            "generation": "0",
            "access_token_expires_at": rfc3339(session.access_token_expires_at),
            "refresh_token_expires_at": rfc3339(session.refresh_token_expires_at),
            "principalId": USER_ID,
        });

        let password = Password::parse(PASSWORD.into()).map_err(none)?;
        let hash = password.hash(&Random::system(), &mut Hasher::default()).map_err(none)?;
        let items = [attributes(&login_item(login)), attributes(&session_item(session))];
        let login_with = Login { has_attributes: true, ..attributed.new.login };
        let roles = Attributes::default().with("role", Some("admin".into())).and_then(|role| role.with_scope(Some(SCOPE))).map_err(none)?;
        let kept_until = LoginAttributes::kept_for(attributed.new.session.refresh_token_expires_at);
        let roles = LoginAttributes { user: roles, version: 2, own: Attributes::default(), kept_until };
        let items_with = [login_item(&login_with), session_item(&attributed.new.session), attributes_item(&login_with.key, &roles)];
        let register = json!({
            "user_key": {"S": user_key}, "sk": {"S": "!user"}, "schema": {"N": "1"}, "version": {"N": "1"},
            "last_login_id": {"S": login_id}, "user_id": {"S": USER_ID},
        });
        let user = json!({"Item": {
            "username": {"S": "ada"}, "schema": {"N": "1"}, "user_id": {"S": USER_ID}, "password_hash": {"S": hash.as_str()},
            "status": {"S": "active"}, "version": {"N": "1"}, "created_at": {"S": rfc3339(now)},
        }});
        let answers = Answers {
            login_id: login_id.into(),
            user_key: user_key.into(),
            login: page(items.to_vec()),
            register: json!({"Item": register}).to_string().into(),
            collection: page(items.to_vec()),
            user: user.to_string().into(),
        };
        let answers_attributes = Answers {
            login_id: login_with.key.login_id.as_str().into(),
            login: page(items_with.iter().map(attributes).collect()),
            ..answers.clone()
        };

        let bearer = format!("Bearer {}", issued.pair.access.expose());
        let asked = |bearer: &str| {
            json!({
                "type": "TOKEN",
                "authorizationToken": bearer,
                "methodArn": "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/v1/GET/me",
            })
        };
        let authorize = asked(&bearer).to_string().into();
        let authorize_attributes = asked(&format!("Bearer {}", attributed.pair.access.expose())).to_string().into();
        let refresh = proxy("POST", "/refresh", &format!("Bearer {}", issued.pair.refresh.expose()), None, None);
        let body = json!({"username": "ada", "password": PASSWORD, "device": "Ada's iPhone"}).to_string();
        let login = proxy("POST", "/login", "", Some(&body), None);
        let sessions = proxy("GET", "/sessions", &bearer, None, Some(context));
        Ok(Self {
            authorize,
            authorize_attributes,
            refresh,
            login,
            sessions,
            answers,
            answers_attributes,
            issued,
            password: (password, hash),
        })
    }
}

impl Answers {
    /// The answer to a request; `None` for a request that no measured program sends.
    #[must_use]
    pub fn to(&self, operation: &str, body: &[u8]) -> Option<Bytes> {
        let asks_for = |text: &str| body.windows(text.len()).any(|part| part == text.as_bytes());
        Some(match operation {
            "Query" if asks_for(&self.login_id) => self.login.clone(),
            "Query" if asks_for(&self.user_key) => self.collection.clone(),
            "Query" => page(Vec::new()),
            "GetItem" if asks_for("username") => self.user.clone(),
            "GetItem" if asks_for("\"!user\"") => self.register.clone(),
            "GetItem" | "BatchGetItem" | "PutItem" | "UpdateItem" | "TransactWriteItems" => Bytes::from_static(b"{}"),
            _ => return None,
        })
    }
}

fn none(error: impl std::error::Error) -> NoWork {
    NoWork(error.to_string())
}

fn page(items: Vec<Value>) -> Bytes {
    json!({"Count": items.len(), "ScannedCount": items.len(), "Items": items}).to_string().into()
}

/// An item in DynamoDB's JSON.
fn attributes(item: &Item) -> Value {
    item.iter().map(|(name, value)| (name.clone(), attribute(value))).collect::<Map<_, _>>().into()
}

fn attribute(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(digits) => json!({"N": digits}),
        AttributeValue::Bool(yes) => json!({"BOOL": yes}),
        AttributeValue::B(bytes) => json!({"B": BASE64.encode(bytes)}),
        AttributeValue::M(values) => {
            json!({"M": values.iter().map(|(name, value)| (name.clone(), attribute(value))).collect::<Map<_, _>>()})
        }
        AttributeValue::L(values) => json!({"L": values.iter().map(attribute).collect::<Vec<_>>()}),
        // Latchkey writes no other type; a program would fail on any other.
        _ => Value::Null,
    }
}

/// The event of a REST proxy integration.
fn proxy(method: &str, path: &str, authorization: &str, body: Option<&str>, authorizer: Option<Value>) -> Bytes {
    let mut headers = Map::new();
    for (name, value) in [
        ("Accept", "application/json"),
        ("Accept-Encoding", "gzip, deflate, br"),
        ("Accept-Language", "de-DE,de;q=0.9"),
        ("Authorization", authorization),
        ("Content-Type", "application/json"),
        ("Host", "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"),
        ("User-Agent", USER_AGENT),
        ("X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793"),
        ("X-Forwarded-For", "203.0.113.7"),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"),
    ] {
        if !value.is_empty() {
            headers.insert(name.into(), value.into());
        }
    }
    let all: Map<_, _> = headers.iter().map(|(name, value)| (name.clone(), json!([value]))).collect();
    json!({
        "resource": path, "path": path, "httpMethod": method, "headers": headers, "multiValueHeaders": all,
        "queryStringParameters": null, "multiValueQueryStringParameters": null, "pathParameters": null, "stageVariables": null,
        "requestContext": {
            "resourceId": "abc123", "resourcePath": path, "httpMethod": method, "path": format!("/v1{path}"), "stage": "v1",
            "accountId": "123456789012", "protocol": "HTTP/1.1", "apiId": "a1b2c3d4e5", "requestTimeEpoch": 1_764_000_000_000_i64,
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "domainName": "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com",
            "identity": {"sourceIp": "203.0.113.7", "userAgent": USER_AGENT}, "authorizer": authorizer.unwrap_or_else(|| json!({})),
        },
        "body": body, "isBase64Encoded": false,
    })
    .to_string()
    .into()
}
