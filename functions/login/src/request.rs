//! The body of a login, checked before anything else happens.

use std::fmt;

use lambda_http::{Body, Request};
use latchkey::{front::Source, password::Password, session::Device, username::Username};
use serde::Deserialize;

/// The largest body that makes sense: two names, a password and some air.
const MAX_BODY_BYTES: usize = 4096;
const DEVICE_NAME_BYTES: usize = 64;
const USER_AGENT_BYTES: usize = 160;

/// What is wrong with a request. The texts are constants: nothing of the body is echoed, for it may be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("the body is over 4096 bytes")]
    TooLarge,
    #[error("the body is not application/json")]
    MediaType,
    #[error("{0}")]
    Body(&'static str),
}

/// A login request.
pub(crate) struct LoginRequest {
    pub(crate) username: Username,
    pub(crate) password: Password,
    pub(crate) device: Device,
    /// The address that the gateway saw; empty where it told none.
    pub(crate) source_ip: String,
}

impl fmt::Debug for LoginRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LoginRequest")
    }
}

/// Other members are ignored: a login never takes ids, expiries or users from a client.
#[derive(Deserialize)]
struct Members {
    username: String,
    password: String,
    device: Option<String>,
    device_id: Option<String>,
}

impl LoginRequest {
    pub(crate) fn read(request: &Request) -> Result<Self, Malformed> {
        let body = match request.body() {
            Body::Empty => &[][..],
            Body::Text(text) => text.as_bytes(),
            Body::Binary(bytes) => bytes,
            _ => return Err(Malformed::Body("the body can't be read")),
        };
        if body.len() > MAX_BODY_BYTES {
            return Err(Malformed::TooLarge);
        }
        if !is_json(request) {
            return Err(Malformed::MediaType);
        }
        let members = members(body)?;
        let source = request.extensions().get::<Source>().cloned().unwrap_or_default();
        Ok(Self {
            username: Username::parse(&members.username).map_err(|_| Malformed::Body("`username` is not a user name"))?,
            password: Password::parse(members.password).map_err(|_| Malformed::Body("`password` takes 1 to 1024 bytes"))?,
            device: Device {
                id: members.device_id.map(device_id).transpose()?,
                name: members.device.and_then(|name| clip(&name, DEVICE_NAME_BYTES)),
                user_agent: source.user_agent.and_then(|agent| clip(&agent, USER_AGENT_BYTES)),
                ip: source.ip.clone(),
            },
            source_ip: source.ip.unwrap_or_default(),
        })
    }
}

fn is_json(request: &Request) -> bool {
    let mut types = request.headers().get_all("content-type").iter();
    let essence = types.next().and_then(|value| value.to_str().ok()).and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json")) && types.next().is_none()
}

fn members(body: &[u8]) -> Result<Members, Malformed> {
    const NOT_JSON: Malformed = Malformed::Body("the body is not one JSON object");
    // Read twice: as a value, for what the typed reading would skip over (depth, surrogates, NUL in members that are
    // ignored); then typed, which refuses a member given twice. Both messages can quote the body, so neither is kept.
    let value: serde_json::Value = serde_json::from_slice(body).map_err(|_| NOT_JSON)?;
    if !value.is_object() {
        return Err(NOT_JSON);
    }
    if has_nul(&value) {
        return Err(Malformed::Body("a string holds a NUL character"));
    }
    serde_json::from_slice(body)
        .map_err(|_| Malformed::Body("`username` and `password` must be strings, `device` and `device_id` strings or absent, each once"))
}

fn has_nul(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn device_id(id: String) -> Result<String, Malformed> {
    let fits = (16..=64).contains(&id.len()) && latchkey::ids::is_url_safe(&id);
    fits.then_some(id).ok_or(Malformed::Body("`device_id` takes 16 to 64 characters of A-Z a-z 0-9 - _"))
}

/// Text for people: without control characters, cut at a character boundary, nothing where nothing is left.
fn clip(text: &str, bytes: usize) -> Option<String> {
    let mut text: String = text.chars().filter(|character| !character.is_control()).collect();
    text.truncate(text.floor_char_boundary(bytes));
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(content_type: &str, body: &str) -> Result<LoginRequest, Malformed> {
        let mut request = Request::new(Body::from(body));
        request.headers_mut().insert("content-type", content_type.parse().unwrap());
        request.extensions_mut().insert(Source { ip: Some("192.0.2.1".into()), user_agent: Some("Tester/1 \u{1b}[31m".into()) });
        LoginRequest::read(&request)
    }

    fn read(body: &str) -> Result<LoginRequest, Malformed> {
        read_as("application/json", body)
    }

    #[test]
    fn a_login_is_read() {
        let login =
            read(r#"{"username":"Ada","password":"p","device":"Ada’s \u001b[1mphone\n","device_id":"0123456789abcdef","user_id":"x"}"#)
                .unwrap();
        assert_eq!(login.username.as_str(), "ada");
        assert_eq!(login.device.name.as_deref(), Some("Ada’s [1mphone"));
        assert_eq!(login.device.user_agent.as_deref(), Some("Tester/1 [31m"));
        assert_eq!((login.device.id.as_deref(), login.source_ip.as_str()), (Some("0123456789abcdef"), "192.0.2.1"));
        assert_eq!(format!("{login:?}"), "LoginRequest");
    }

    /// CASES J1, L4.
    #[test]
    fn malformed_bodies_are_refused() {
        let deep = format!(r#"{{"username":"a","password":"p","x":{}{}}}"#, "[".repeat(200), "]".repeat(200));
        for body in [
            "",
            "null",
            "[]",
            r#"["a","p"]"#,
            r#""a""#,
            "{}",
            r#"{"username":"a"}"#,
            r#"{"username":"a","password":null}"#,
            r#"{"username":"a","password":["p"]}"#,
            r#"{"username":"a","password":"p","password":"q"}"#,
            r#"{"username":"a","username":"b","password":"p"}"#,
            r#"{"username":"a","password":"p"} x"#,
            r#"{"username":"a","password":"p"}{}"#,
            r#"{"username":"a","password":"\ud800"}"#,
            r#"{"username":"a","password":"p","x":"\ud800"}"#,
            r#"{"username":"a","password":"p\u0000q"}"#,
            r#"{"username":"a","password":"p","device":"\u0000"}"#,
            "{\"username\":\"a\",\"password\":\"p\u{0}\"}",
            r#"{"username":"","password":"p"}"#,
            r#"{"username":"a","password":""}"#,
            r#"{"username":"a","password":"p","device_id":"short"}"#,
            r#"{"username":"a","password":"p","device_id":"0123456789abcde!"}"#,
            r#"{"username":"a","password":"p","device":7}"#,
            &deep,
        ] {
            assert!(matches!(read(body), Err(Malformed::Body(_))), "{body}");
        }
        let password = |bytes: usize| read(&format!(r#"{{"username":"a","password":"{}"}}"#, "p".repeat(bytes)));
        assert!(password(1024).is_ok());
        assert!(matches!(password(1025), Err(Malformed::Body(_))));
        let padded = |bytes: usize| read(&format!("{:<bytes$}", r#"{"username":"a","password":"p"}"#));
        assert!(padded(4096).is_ok());
        assert_eq!(padded(4097).unwrap_err(), Malformed::TooLarge);
    }

    /// CASES J2.
    #[test]
    fn an_error_never_quotes_the_body() {
        for body in [
            r#"{"username":"a","password":CANARY}"#,
            r#"{"username":{"CANARY":1},"password":"CANARY"}"#,
            r#"{"username":"a","password":"CANARY","device_id":"CANARY"}"#,
        ] {
            let error = read(body).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("CANARY"), "{error:?}");
        }
    }

    /// CASES J3.
    #[test]
    fn only_json_is_read() {
        let body = r#"{"username":"a","password":"p"}"#;
        for right in ["application/json", "Application/JSON; charset=utf-8", "application/json;charset=utf-8"] {
            assert!(read_as(right, body).is_ok(), "{right}");
        }
        for wrong in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/problem+json", ""] {
            assert_eq!(read_as(wrong, body).unwrap_err(), Malformed::MediaType, "{wrong}");
        }
        assert_eq!(LoginRequest::read(&Request::new(Body::from(body))).unwrap_err(), Malformed::MediaType);
    }

    #[test]
    fn text_for_people_is_cut_at_a_character() {
        assert_eq!(clip(&"é".repeat(40), 64), Some("é".repeat(32)));
        assert_eq!(clip(&"’".repeat(40), 64), Some("’".repeat(21)));
        assert_eq!(clip(" \n ", 64), None);
    }
}
