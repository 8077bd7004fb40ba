//! Requests that botocore signed, as they are and with one thing changed.

use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;

use super::*;

const REGION: &str = "us-east-1";

fn vectors() -> Value {
    serde_json::from_str(include_str!("botocore.json")).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn principal(vectors: &Value, request: &Value) -> Principal {
    let mut principal = Principal::local("", "");
    let token = request["session_token"].as_str().map(str::to_owned);
    principal.credentials = Credentials::new(text(&vectors["access_key"]), text(&vectors["secret_key"]), token, None, "test");
    principal
}

fn incoming(request: &Value) -> Incoming {
    let (path, query) = request["path"].as_str().map(|path| path.split_once('?').unwrap_or((path, ""))).unwrap();
    let headers = request["headers"].as_object().unwrap().iter();
    let headers = headers.map(|(name, value)| (HeaderName::try_from(name).unwrap(), HeaderValue::try_from(text(value)).unwrap()));
    Incoming {
        method: Method::from_bytes(request["method"].as_str().unwrap().as_bytes()).unwrap(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: Vec::new(),
        sent: headers.collect(),
        body: text(&request["body"]).into_bytes(),
        protocol: "HTTP/1.1",
        source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        arrived: signed_at(),
    }
}

fn signed_at() -> DateTime<Utc> {
    text(&vectors()["signed_at"]).parse().unwrap()
}

/// The verdict on a request of the file, changed by `change`, so many seconds after it was signed.
fn verdict(name: &str, change: impl FnOnce(&mut Incoming), seconds: i64) -> Result<(), Unsigned> {
    let vectors = vectors();
    let request = vectors["requests"].as_array().unwrap().iter().find(|request| request["name"] == name).unwrap();
    let mut incoming = incoming(request);
    change(&mut incoming);
    verify(&incoming, &principal(&vectors, request), REGION, signed_at() + TimeDelta::seconds(seconds))
}

fn set(incoming: &mut Incoming, name: &'static str, value: &str) {
    incoming.sent.insert(name, value.parse().unwrap());
}

fn edit(incoming: &mut Incoming, from: &str, to: &str) {
    let value = incoming.sent["authorization"].to_str().unwrap().to_owned();
    assert!(value.contains(from), "{value}");
    set(incoming, "authorization", &value.replace(from, to));
}

#[test]
fn what_botocore_signed_is_let_in() {
    let vectors = vectors();
    let requests = vectors["requests"].as_array().unwrap();
    for request in requests {
        let name = request["name"].as_str().unwrap();
        assert_eq!(verdict(name, |_| {}, 0), Ok(()), "{name}");
        assert_eq!(verdict(name, |incoming| set(incoming, "x-unsigned", "1"), 0), Ok(()), "{name}: a header that isn't signed");
    }
    assert_eq!(requests.len(), 7);
}

#[test]
fn a_signature_covers_the_request() {
    type Change = fn(&mut Incoming);
    let changes: [(&str, Change); 8] = [
        ("method", |incoming| incoming.method = Method::PUT),
        ("path", |incoming| incoming.path.push('x')),
        ("query", |incoming| "a=1".clone_into(&mut incoming.query)),
        ("body", |incoming| incoming.body.push(b' ')),
        ("host", |incoming| set(incoming, "host", "127.0.0.1:3001")),
        ("signed header", |incoming| set(incoming, "content-type", "text/plain")),
        ("missing header", |incoming| drop(incoming.sent.remove("content-type"))),
        ("second value", |incoming| assert!(incoming.sent.append("content-type", HeaderValue::from_static("text/plain")))),
    ];
    for (what, change) in changes {
        assert_eq!(verdict("a body", change, 0), Err(Unsigned::Mismatch), "{what}");
    }
    let signature = |incoming: &mut Incoming| edit(incoming, "Signature=83", "Signature=84");
    assert_eq!(verdict("a body", signature, 0), Err(Unsigned::Mismatch));
    assert_eq!(verdict("a body", |incoming| edit(incoming, ";x-amz-date", ""), 0), Err(Unsigned::Mismatch));
    assert_eq!(verdict("a body", |incoming| edit(incoming, "content-type;host;", "content-type;"), 0), Err(Unsigned::HostNotSigned));
}

#[test]
fn a_signature_lives_five_minutes_either_way() {
    for (seconds, expected) in [
        (300, Ok(())),
        (301, Err(Unsigned::Expired)),
        (-300, Ok(())),
        (-301, Err(Unsigned::NotYetCurrent)),
        (86_400, Err(Unsigned::Expired)),
    ] {
        assert_eq!(verdict("a body", |_| {}, seconds), expected, "{seconds} s");
    }
}

#[test]
fn only_the_known_credentials_sign() {
    let token = |incoming: &mut Incoming| set(incoming, "x-amz-security-token", "another");
    assert_eq!(verdict("a body", token, 0), Err(Unsigned::UnknownKey));
    assert_eq!(verdict("temporary credentials", token, 0), Err(Unsigned::UnknownKey));
    let unsigned = |incoming: &mut Incoming| edit(incoming, ";x-amz-security-token", "");
    assert_eq!(verdict("temporary credentials", unsigned, 0), Err(Unsigned::Mismatch));
    let without = |incoming: &mut Incoming| drop(incoming.sent.remove("x-amz-security-token"));
    assert_eq!(verdict("temporary credentials", without, 0), Err(Unsigned::UnknownKey));
    assert_eq!(verdict("a body", |incoming| edit(incoming, "AKIDEXAMPLE", "AKIDOTHER"), 0), Err(Unsigned::UnknownKey));
    for (from, to) in [("20261128", "20261127"), ("us-east-1", "eu-west-1"), ("execute-api", "dynamodb"), ("aws4_request", "aws4")] {
        assert_eq!(verdict("a body", |incoming| edit(incoming, from, to), 0), Err(Unsigned::Scope), "{to}");
    }
}

#[test]
fn what_is_no_signature_is_incomplete_or_missing() {
    assert_eq!(verdict("a body", |incoming| drop(incoming.sent.remove("authorization")), 0), Err(Unsigned::Missing));
    for wrong in ["", "Bearer abc", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=b"] {
        assert_eq!(verdict("a body", |incoming| set(incoming, "authorization", wrong), 0), Err(Unsigned::Incomplete), "{wrong}");
    }
    let twice = |incoming: &mut Incoming| {
        let own = incoming.sent["authorization"].clone();
        incoming.sent.append("authorization", own);
    };
    assert_eq!(verdict("a body", twice, 0), Err(Unsigned::Incomplete));
    for date in ["", "2026-11-28T12:00:00Z", "20261128T120000"] {
        assert_eq!(verdict("a body", |incoming| set(incoming, "x-amz-date", date), 0), Err(Unsigned::Incomplete), "{date}");
    }
}

/// A client that signs the plus as a space and one that signs it as a plus don't agree about the request.
#[test]
fn a_literal_plus_in_a_query_is_refused() {
    let plus = |incoming: &mut Incoming| "b=2&a=%2B+%C3%A9&a=1".clone_into(&mut incoming.query);
    assert_eq!(verdict("an encoded query", plus, 0), Err(Unsigned::Mismatch));
}
