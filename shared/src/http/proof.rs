//! The header `DPoP`, checked before anything is read or counted.

use chrono::{DateTime, Utc};
use http::{Extensions, HeaderMap, Method, request::Parts};

use super::{bearer::presented, front::RequestUrls, middleware::Authenticator, problem::Problem};
use crate::{
    clock::Clock,
    dpop::{BadProof, Possession, ProvedRequest, check},
    operations::Presented,
    telling::log::{Event, Fields, log},
};

/// What the header proves; `None` where there is none.
///
/// # Errors
/// [`BadProof`]; not logged yet.
pub fn read_proof(
    method: &Method,
    headers: &HeaderMap,
    extensions: &Extensions,
    now: DateTime<Utc>,
) -> Result<Option<Possession>, BadProof> {
    let mut values = headers.get_all("dpop").iter();
    let Some(proof) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(BadProof::SentTwice);
    }
    let proof = proof.to_str().map_err(|_| BadProof::Malformed)?;
    let urls = extensions.get::<RequestUrls>().map_or(&[][..], |urls| &urls.0);
    let token = match presented(headers) {
        Presented::Token(token) => Some(token),
        Presented::Nothing | Presented::Unusable => None,
    };
    check(proof, ProvedRequest { method: method.as_str(), urls, token, now }).map(Some)
}

/// Logs a bad proof, and gives the answer: a 400, because a client's session isn't over by a wrong clock.
#[must_use]
pub fn refused_proof(bad: BadProof, fields: Fields<'_>) -> Problem {
    log(Event::RequestMalformed, Fields { reason: Some(bad.detail()), ..fields }, None);
    Problem::invalid_proof(bad)
}

/// Leaves what a request's proof proves for the handler.
#[derive(Debug, Clone)]
pub struct ByProof {
    /// What time it is.
    pub clock: Clock,
}

/// What a request's proof proves, where it has one.
#[derive(Debug, Clone, Copy)]
pub struct Proved(pub Option<Possession>);

impl Authenticator for ByProof {
    type Found = Proved;

    async fn authenticate(&self, request: &Parts) -> Result<Proved, Problem> {
        let read = read_proof(&request.method, &request.headers, &request.extensions, self.clock.now());
        read.map(Proved).map_err(|bad| refused_proof(bad, Fields::of(&request.extensions)))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;
    use crate::dpop::{NormalUrl, signer::Signer};

    const GATEWAY: &str = "https://api.example.com/live/refresh";

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn proof_for(url: &str) -> String {
        let signer = Signer::of(1);
        signer.sign(&signer.header().to_string(), &json!({"jti": "1", "htm": "POST", "htu": url, "iat": now().timestamp()}).to_string())
    }

    fn read(urls: &[&str], proofs: &[&[u8]]) -> Result<bool, BadProof> {
        let (mut headers, mut extensions) = (HeaderMap::new(), Extensions::new());
        for proof in proofs {
            headers.append("DPoP", HeaderValue::from_bytes(proof).unwrap());
        }
        extensions.insert(RequestUrls(urls.iter().filter_map(|url| NormalUrl::parse(url)).collect()));
        read_proof(&Method::POST, &headers, &extensions, now()).map(|proof| proof.is_some())
    }

    /// Check 1: at most one header.
    #[test]
    fn a_request_has_one_proof_or_none() {
        let proof = proof_for(GATEWAY);
        let read = |proofs: &[&[u8]]| read(&[GATEWAY], proofs);
        assert_eq!(read(&[]), Ok(false));
        assert_eq!(read(&[proof.as_bytes()]), Ok(true));
        assert_eq!(read(&[proof.as_bytes(), proof.as_bytes()]), Err(BadProof::SentTwice));
        assert_eq!(read(&[b""]), Err(BadProof::Malformed));
        assert_eq!(read(&["é".as_bytes()]), Err(BadProof::Malformed));
    }

    #[test]
    fn a_proof_names_one_of_the_requests_urls() {
        let (gateway, public) = (proof_for(GATEWAY), proof_for("https://app.example/api/refresh"));
        assert_eq!(read(&[GATEWAY], &[public.as_bytes()]), Err(BadProof::Url));
        assert_eq!(read(&[], &[gateway.as_bytes()]), Err(BadProof::Url), "no URL, no proof");
        let urls = ["https://other.example/refresh", "https://app.example/api/refresh"];
        assert_eq!(read(&urls, &[public.as_bytes()]), Ok(true));
        assert_eq!(read(&urls, &[gateway.as_bytes()]), Err(BadProof::Url));
    }
}
