//! The `Authorization` header of Signature Version 4:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html>.

use http::{HeaderMap, header};

use super::Unsigned;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Authorization<'a> {
    pub(super) access_key: &'a str,
    /// Date, region, service and terminator.
    pub(super) scope: &'a str,
    signed_headers: &'a str,
    pub(super) signature: &'a str,
}

impl<'a> Authorization<'a> {
    pub(super) fn of(sent: &'a HeaderMap) -> Result<Self, Unsigned> {
        let mut values = sent.get_all(header::AUTHORIZATION).iter();
        let value = values.next().ok_or(Unsigned::Missing)?;
        if values.next().is_some() {
            return Err(Unsigned::Incomplete);
        }
        let parameters = value.to_str().ok().and_then(|value| value.strip_prefix(ALGORITHM)).ok_or(Unsigned::Incomplete)?;
        let parameter = |name: &str| {
            let mut found = parameters.split(',').filter_map(|one| one.trim().strip_prefix(name)?.strip_prefix('='));
            found.next().filter(|_| found.next().is_none()).ok_or(Unsigned::Incomplete)
        };
        let (access_key, scope) = parameter("Credential")?.split_once('/').ok_or(Unsigned::Incomplete)?;
        Ok(Self { access_key, scope, signed_headers: parameter("SignedHeaders")?, signature: parameter("Signature")? })
    }

    pub(super) fn signed_headers(&self) -> impl Iterator<Item = &'a str> {
        self.signed_headers.split(';')
    }

    pub(super) fn signs(&self, name: &str) -> bool {
        self.signed_headers().any(|signed| signed == name)
    }
}
