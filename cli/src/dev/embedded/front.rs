//! Who may talk to the embedded DynamoDB: programs on this machine that were given its access key, and no page in a browser.

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use super::inner::Inner;
use crate::loopback::names_this_machine;

/// Serves `inner` behind the checks.
pub(super) fn router(access_key: String, inner: Inner) -> Router {
    let serve = |State((access_key, inner)): State<(String, Inner)>, request: Request| async move {
        match check(request.headers(), &access_key) {
            Ok(()) => inner.answer(request).await.unwrap_or_else(|error| unavailable(&error)),
            Err(refusal) => refusal.into_response(),
        }
    };
    Router::new().fallback(serve).with_state((access_key, inner))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// A browser sends it along with every request of a page that could do harm.
    Origin,
    /// Another name, such as one that a page's DNS leads here.
    Host,
    /// None, or another one than the banner's.
    AccessKey,
}

fn check(headers: &HeaderMap, access_key: &str) -> Result<(), Refusal> {
    if headers.contains_key(header::ORIGIN) {
        return Err(Refusal::Origin);
    }
    if !names_this_machine(headers) {
        return Err(Refusal::Host);
    }
    if presented(headers) == Some(access_key) { Ok(()) } else { Err(Refusal::AccessKey) }
}

/// The access key of the one signature.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html>
fn presented(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (_, credential) = value.to_str().ok()?.strip_prefix("AWS4-HMAC-SHA256 ")?.split_once("Credential=")?;
    credential.split_once('/').map(|(access_key, _)| access_key)
}

impl Refusal {
    fn into_response(self) -> Response {
        let (status, kind, message) = match self {
            Self::Origin => (StatusCode::FORBIDDEN, "AccessDeniedException", "no page in a browser may use this DynamoDB"),
            Self::Host => {
                (StatusCode::MISDIRECTED_REQUEST, "AccessDeniedException", "this DynamoDB answers as 127.0.0.1 and localhost only")
            }
            Self::AccessKey => (
                StatusCode::BAD_REQUEST,
                "UnrecognizedClientException",
                "set AWS_ACCESS_KEY_ID to the access key that `latchkey dev` shows when it starts",
            ),
        };
        answer(status, kind, message)
    }
}

fn unavailable(error: &std::io::Error) -> Response {
    answer(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", &error.to_string())
}

/// In DynamoDB's form, so that each SDK shows it.
fn answer(status: StatusCode, kind: &str, message: &str) -> Response {
    let body = json!({"__type": format!("com.amazon.coral.service#{kind}"), "message": message}).to_string();
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], body).into_response()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00";

    fn checked(headers: &[(HeaderName, &str)]) -> Result<(), Refusal> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        check(&map, "key")
    }

    #[test]
    fn only_a_program_of_this_machine_with_the_key_gets_in() {
        let (host, signed) = ((header::HOST, "127.0.0.1:8000"), (header::AUTHORIZATION, SIGNED));
        assert_eq!(checked(&[host.clone(), signed.clone()]), Ok(()));
        for origin in ["https://evil.example", "http://127.0.0.1:8000", "null", ""] {
            assert_eq!(checked(&[host.clone(), signed.clone(), (header::ORIGIN, origin)]), Err(Refusal::Origin), "{origin}");
        }
        assert_eq!(checked(&[(header::HOST, "evil.example"), signed.clone()]), Err(Refusal::Host));
        assert_eq!(checked(std::slice::from_ref(&signed)), Err(Refusal::Host));
        assert_eq!(checked(std::slice::from_ref(&host)), Err(Refusal::AccessKey));
        for other in [SIGNED.replace("=key/", "=local/"), SIGNED.replace("=key/", "=/"), "Bearer key".to_owned(), String::new()] {
            assert_eq!(checked(&[host.clone(), (header::AUTHORIZATION, &other)]), Err(Refusal::AccessKey), "{other}");
        }
        assert_eq!(checked(&[host, signed.clone(), signed]), Err(Refusal::AccessKey), "two signatures are none");
    }
}
