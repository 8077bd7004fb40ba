//! The header `DPoP`, checked before anything is read or counted.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::{Extensions, HeaderMap, Method, request::Parts};

use super::{bearer::presented, front::RequestUrl, middleware::Authenticator, problem::Problem};
use crate::{
    clock::Clock,
    dpop::{BadProof, NormalUrl, Possession, ProvedRequest, check},
    operations::Presented,
    telling::log::{Event, Fields, log},
};

/// Checks the proofs of one route.
#[derive(Debug, Clone)]
pub struct RouteProofs(Arc<[NormalUrl]>);

impl RouteProofs {
    /// For `route`, such as `/refresh`, below these base URLs. Without any, a proof names the URL that the gateway was called by.
    #[must_use]
    pub fn of(route: &str, bases: &[String]) -> Self {
        Self(bases.iter().filter_map(|base| NormalUrl::below(base, route)).collect())
    }

    /// What the header proves; `None` where there is none.
    ///
    /// # Errors
    /// [`BadProof`]; not logged yet.
    pub fn read(
        &self,
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
        let called = extensions.get::<RequestUrl>().map(|url| std::slice::from_ref(&url.0));
        let urls = if self.0.is_empty() { called.unwrap_or_default() } else { &self.0 };
        let token = match presented(headers) {
            Presented::Token(token) => Some(token),
            Presented::Nothing | Presented::Unusable => None,
        };
        check(proof, ProvedRequest { method: method.as_str(), urls, token, now }).map(Some)
    }
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
    /// The route's.
    pub proofs: RouteProofs,
    /// What time it is.
    pub clock: Clock,
}

/// What a request's proof proves, where it has one.
#[derive(Debug, Clone, Copy)]
pub struct Proved(pub Option<Possession>);

impl Authenticator for ByProof {
    type Found = Proved;

    async fn authenticate(&self, request: &Parts) -> Result<Proved, Problem> {
        let read = self.proofs.read(&request.method, &request.headers, &request.extensions, self.clock.now());
        read.map(Proved).map_err(|bad| refused_proof(bad, Fields::of(&request.extensions)))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;
    use crate::dpop::signer::Signer;

    const GATEWAY: &str = "https://api.example.com/live/refresh";

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn proof_for(url: &str) -> String {
        let signer = Signer::of(1);
        signer.sign(&signer.header().to_string(), &json!({"jti": "1", "htm": "POST", "htu": url, "iat": now().timestamp()}).to_string())
    }

    fn read(bases: &[&str], called: Option<&str>, proofs: &[&[u8]]) -> Result<bool, BadProof> {
        let (mut headers, mut extensions) = (HeaderMap::new(), Extensions::new());
        for proof in proofs {
            headers.append("DPoP", HeaderValue::from_bytes(proof).unwrap());
        }
        if let Some(url) = called.and_then(NormalUrl::parse) {
            extensions.insert(RequestUrl(url));
        }
        let bases: Vec<_> = bases.iter().map(|base| (*base).to_owned()).collect();
        RouteProofs::of("/refresh", &bases).read(&Method::POST, &headers, &extensions, now()).map(|proof| proof.is_some())
    }

    /// Check 1: at most one header.
    #[test]
    fn a_request_has_one_proof_or_none() {
        let proof = proof_for(GATEWAY);
        let read = |proofs: &[&[u8]]| read(&[], Some(GATEWAY), proofs);
        assert_eq!(read(&[]), Ok(false));
        assert_eq!(read(&[proof.as_bytes()]), Ok(true));
        assert_eq!(read(&[proof.as_bytes(), proof.as_bytes()]), Err(BadProof::SentTwice));
        assert_eq!(read(&[b""]), Err(BadProof::Malformed));
        assert_eq!(read(&["é".as_bytes()]), Err(BadProof::Malformed));
    }

    #[test]
    fn a_proof_names_the_gateway_or_a_base_url_of_the_setting() {
        let (gateway, public) = (proof_for(GATEWAY), proof_for("https://app.example/api/refresh"));
        assert_eq!(read(&[], Some(GATEWAY), &[public.as_bytes()]), Err(BadProof::Url));
        assert_eq!(read(&[], None, &[gateway.as_bytes()]), Err(BadProof::Url), "no domain, no proof");
        let bases = ["https://other.example", "https://app.example/api/"];
        assert_eq!(read(&bases, Some(GATEWAY), &[public.as_bytes()]), Ok(true));
        assert_eq!(read(&bases, Some(GATEWAY), &[gateway.as_bytes()]), Err(BadProof::Url), "with the setting, only what it names");
    }
}
