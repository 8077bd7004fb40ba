//! Signature Version 4 of a request to DynamoDB: a POST with a body and no query.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
//!
//! `aws-sigv4` signs any request, and derives the signing key anew for each. Here the day's key is kept.

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::{client::orchestrator::HttpRequest, http::HttpError};
use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _, Utc};
use ring::{
    digest::{Context, SHA256, digest},
    hmac,
};

const SERVICE: &str = "dynamodb";

/// Credentials, and the key that signs with them on one day in one region.
pub(crate) struct Signer {
    access_key_id: String,
    session_token: Option<String>,
    day: NaiveDate,
    scope: String,
    key: hmac::Key,
}

impl Signer {
    pub(super) fn new(credentials: &Credentials, region: &str, day: NaiveDate) -> Self {
        Self::of_service(credentials, region, SERVICE, day)
    }

    fn of_service(credentials: &Credentials, region: &str, service: &str, day: NaiveDate) -> Self {
        let date = format!("{:04}{:02}{:02}", day.year(), day.month(), day.day());
        let secret = zeroize::Zeroizing::new(format!("AWS4{}", credentials.secret_access_key()));
        let mut key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        for part in [date.as_str(), region, service, "aws4_request"] {
            key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
        }
        Self {
            access_key_id: credentials.access_key_id().to_owned(),
            session_token: credentials.session_token().map(str::to_owned),
            day,
            scope: format!("{date}/{region}/{service}/aws4_request"),
            key,
        }
    }

    pub(super) fn day(&self) -> NaiveDate {
        self.day
    }

    #[cfg(test)]
    pub(super) fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The value of `Authorization` for a POST to `path` with these headers, whose names are lower case and in order.
    fn authorization(&self, path: &str, headers: &[(&str, &str)], body: &[u8], timestamp: &str) -> String {
        let mut names = String::with_capacity(80);
        let mut canonical = Context::new(&SHA256);
        for part in ["POST\n", path, "\n\n"] {
            canonical.update(part.as_bytes());
        }
        for (name, value) in headers {
            for part in [name, ":", value, "\n"] {
                canonical.update(part.as_bytes());
            }
            if !names.is_empty() {
                names.push(';');
            }
            names.push_str(name);
        }
        for part in ["\n", &names, "\n"] {
            canonical.update(part.as_bytes());
        }
        canonical.update(&hex(digest(&SHA256, body).as_ref()));

        let mut text = hmac::Context::with_key(&self.key);
        for part in ["AWS4-HMAC-SHA256\n", timestamp, "\n", &self.scope, "\n"] {
            text.update(part.as_bytes());
        }
        text.update(&hex(canonical.finish().as_ref()));
        let signature = hex(text.sign().as_ref());

        let mut authorization = String::with_capacity(300);
        for part in ["AWS4-HMAC-SHA256 Credential=", &self.access_key_id, "/", &self.scope, ", SignedHeaders=", &names, ", Signature="] {
            authorization.push_str(part);
        }
        authorization.extend(signature.map(char::from));
        authorization
    }
}

/// Adds what a signed request has: its time, the session token and the signature over them, the host, the type, the target and
/// the body.
pub(super) fn sign(request: &mut HttpRequest, signer: &Signer, now: DateTime<Utc>) -> Result<(), HttpError> {
    let timestamp = timestamp(now);
    let authorization = {
        let uri = request.uri();
        let after_scheme = uri.split_once("://").map_or(uri, |(_, rest)| rest);
        let (host, path) = after_scheme.find('/').map_or((after_scheme, "/"), |at| after_scheme.split_at(at));
        let header = |name| request.headers().get(name).unwrap_or_default();
        let mut headers = Vec::with_capacity(5);
        headers.push(("content-type", header("content-type")));
        headers.push(("host", host));
        headers.push(("x-amz-date", timestamp.as_str()));
        if let Some(token) = &signer.session_token {
            headers.push(("x-amz-security-token", token.as_str()));
        }
        headers.push(("x-amz-target", header("x-amz-target")));
        signer.authorization(path, &headers, request.body().bytes().unwrap_or_default(), &timestamp)
    };
    let headers = request.headers_mut();
    headers.try_insert("x-amz-date", timestamp)?;
    if let Some(token) = &signer.session_token {
        headers.try_insert("x-amz-security-token", token.clone())?;
    }
    headers.try_insert("authorization", authorization)?;
    Ok(())
}

/// `20261128T120000Z`.
fn timestamp(now: DateTime<Utc>) -> String {
    let (century, year) = (now.year().unsigned_abs() / 100, now.year().unsigned_abs() % 100);
    let mut text = String::with_capacity(16);
    let mut push = |number: u32, after: &str| {
        for digit in [number / 10 % 10, number % 10] {
            text.push(char::from(b'0' + digit as u8));
        }
        text.push_str(after);
    };
    for (number, after) in [(century, ""), (year, ""), (now.month(), ""), (now.day(), "T"), (now.hour(), ""), (now.minute(), "")] {
        push(number, after);
    }
    push(now.second(), "Z");
    text
}

fn hex(bytes: &[u8]) -> [u8; 64] {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let mut text = [b'0'; 64];
    for ([high, low], byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        (*high, *low) = (DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use aws_sigv4::{
        http_request::{SignableBody, SignableRequest, SigningSettings, sign as sign_by_library},
        sign::v4,
    };
    use aws_smithy_types::body::SdkBody;

    use super::*;
    use crate::clock::parse_rfc3339;

    /// The credentials and the scope of AWS's published test suite for Signature Version 4.
    fn published(headers: &[(&str, &str)], body: &str) -> String {
        let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None, None, "test");
        let day = NaiveDate::from_ymd_opt(2015, 8, 30).unwrap();
        let signer = Signer::of_service(&credentials, "us-east-1", "service", day);
        let authorization = signer.authorization("/", headers, body.as_bytes(), "20150830T123600Z");
        authorization.split_once("Signature=").unwrap().1.to_owned()
    }

    /// <https://github.com/awslabs/aws-c-auth/tree/main/tests/aws-signing-test-suite/v4>: those that are a POST to `/` without a query.
    #[test]
    fn signatures_are_those_that_aws_published() {
        const HOST: (&str, &str) = ("host", "example.amazonaws.com");
        const DATE: (&str, &str) = ("x-amz-date", "20150830T123600Z");
        const TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
        for (name, headers, body, signature) in [
            ("post-vanilla", vec![HOST, DATE], "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            ("post-header-key-case", vec![HOST, DATE], "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            (
                "post-header-key-sort",
                vec![HOST, ("my-header1", "value1"), DATE],
                "",
                "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
            ),
            (
                "post-header-value-case",
                vec![HOST, ("my-header1", "VALUE1"), DATE],
                "",
                "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
            ),
            (
                "post-sts-header-before",
                vec![HOST, DATE, ("x-amz-security-token", TOKEN)],
                "",
                "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
            ),
            ("post-sts-header-after", vec![HOST, DATE], "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            (
                "post-x-www-form-urlencoded",
                vec![
                    ("content-length", "13"),
                    ("content-type", "application/x-www-form-urlencoded"),
                    HOST,
                    ("x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"),
                    DATE,
                ],
                "Param1=value1",
                "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
            ),
            (
                "post-x-www-form-urlencoded-parameters",
                vec![
                    ("content-length", "13"),
                    ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
                    HOST,
                    ("x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"),
                    DATE,
                ],
                "Param1=value1",
                "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422",
            ),
        ] {
            assert_eq!(published(&headers, body), signature, "{name}");
        }
    }

    #[test]
    fn a_timestamp_has_one_form() {
        assert_eq!(timestamp(parse_rfc3339("2026-01-02T03:04:05.999Z").unwrap()), "20260102T030405Z");
        assert_eq!(timestamp(parse_rfc3339("1999-12-31T23:59:59.000Z").unwrap()), "19991231T235959Z");
    }

    /// The library that the SDK signs with, and 10,000 random requests.
    #[test]
    fn signatures_are_those_of_the_sdk() {
        // A linear congruential generator: the same requests in every run.
        let state = std::cell::Cell::new(7_u64);
        let number = |below: u32| {
            state.set(state.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
            (state.get() >> 33) as u32 % below
        };
        let text = |of: &[u8], length: u32| (0..length).map(|_| char::from(of[number(of.len() as u32) as usize])).collect::<String>();
        const KEYS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        for _ in 0..10_000 {
            let token = (number(4) > 0).then(|| text(BASE64, 1 + number(1_000)));
            let credentials = Credentials::new(text(KEYS, 20), text(BASE64, 40), token, None, "test");
            let region = ["eu-central-1", "us-gov-west-1", "cn-north-1"][number(3) as usize];
            let now = DateTime::from_timestamp(1_600_000_000 + i64::from(number(1_000_000_000)), 0).unwrap();
            let target = format!("DynamoDB_20120810.{}", ["Query", "TransactWriteItems"][number(2) as usize]);
            let host = ["dynamodb.eu-central-1.amazonaws.com", "localhost:8000", "127.0.0.1:1"][number(3) as usize];
            let body: Vec<u8> = (0..number(300)).map(|_| number(256) as u8).collect();

            let mut request = HttpRequest::new(SdkBody::from(body.clone()));
            request.set_method("POST").unwrap();
            request.set_uri(format!("https://{host}/")).unwrap();
            request.headers_mut().insert("content-type", "application/x-amz-json-1.0");
            request.headers_mut().insert("x-amz-target", target.clone());
            sign(&mut request, &Signer::new(&credentials, region, now.date_naive()), now).unwrap();

            let identity = credentials.into();
            let parameters = v4::SigningParams::builder()
                .identity(&identity)
                .region(region)
                .name(SERVICE)
                .time(SystemTime::from(now))
                .settings(SigningSettings::default())
                .build()
                .unwrap();
            let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target.as_str())].into_iter();
            let signable = SignableRequest::new("POST", format!("https://{host}/"), headers, SignableBody::Bytes(&body)).unwrap();
            let (instructions, _) = sign_by_library(signable, &parameters.into()).unwrap().into_parts();
            let (added, _) = instructions.into_parts();
            assert!(added.len() >= 2);
            for header in added {
                assert_eq!(request.headers().get(header.name()), Some(header.value()), "{}", header.name());
            }
        }
    }
}
