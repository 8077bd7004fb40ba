//! The two JSON objects of a proof, as they are sent.

use serde::{Deserialize, Deserializer, de::IgnoredAny};

/// The JOSE header. A member that is named here may not occur twice.
#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) typ: String,
    pub(super) alg: String,
    pub(super) jwk: Jwk,
    #[serde(default, deserialize_with = "there")]
    pub(super) crit: bool,
}

/// The public key. `kid`, `x5c` and the like are ignored: nothing is fetched, and no certificate counts.
#[derive(Deserialize)]
pub(super) struct Jwk {
    pub(super) kty: String,
    pub(super) crv: Option<String>,
    pub(super) x: Option<String>,
    pub(super) y: Option<String>,
    pub(super) r#use: Option<String>,
    pub(super) alg: Option<String>,
    #[serde(default, deserialize_with = "there")]
    d: bool,
    #[serde(default, deserialize_with = "there")]
    p: bool,
    #[serde(default, deserialize_with = "there")]
    q: bool,
    #[serde(default, deserialize_with = "there")]
    dp: bool,
    #[serde(default, deserialize_with = "there")]
    dq: bool,
    #[serde(default, deserialize_with = "there")]
    qi: bool,
    #[serde(default, deserialize_with = "there")]
    oth: bool,
    #[serde(default, deserialize_with = "there")]
    k: bool,
}

impl Jwk {
    pub(super) fn has_private_part(&self) -> bool {
        [self.d, self.p, self.q, self.dp, self.dq, self.qi, self.oth, self.k].contains(&true)
    }
}

/// The payload. A `nonce` is ignored: the service gives none out, and a client may send one of another service of the origin.
#[derive(Deserialize)]
pub(super) struct Claims {
    pub(super) jti: String,
    pub(super) htm: String,
    pub(super) htu: String,
    pub(super) iat: f64,
    pub(super) exp: Option<f64>,
    pub(super) nbf: Option<f64>,
    pub(super) ath: Option<String>,
}

/// That a member is there, whatever its value, `null` included.
fn there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}
