//! Whose certificates the functions trust.

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::config::{ConfigError, Environment};

/// Amazon Root CA 1 to 4 and Starfield Services Root G2, <https://www.amazontrust.com/repository/>. A function talks to
/// one service; reading all roots of the system would take milliseconds of every cold start.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// The variable that the AWS CLI also reads other root certificates from.
const BUNDLE: &str = "AWS_CA_BUNDLE";

/// Amazon's roots, or those in the file that `AWS_CA_BUNDLE` names.
///
/// # Errors
/// [`ConfigError`] where the file can't be read or holds anything but certificates.
pub(super) fn tls_context(environment: &Environment<'_>) -> Result<TlsContext, ConfigError> {
    let roots = match environment.get(BUNDLE) {
        None => AMAZON_ROOTS.to_vec(),
        Some(path) => {
            let wrong = |problem: String| ConfigError { variable: BUNDLE, problem, takes: "a file of PEM certificates".into() };
            let pem = std::fs::read(&path).map_err(|error| wrong(format!("names {path:?}, which can't be read ({error})")))?;
            if !holds_roots(&pem) {
                return Err(wrong(format!("names {path:?}, which holds no certificates, or something else as well")));
            }
            pem
        }
    };
    TlsContext::builder().with_trust_store(TrustStore::empty().with_pem_certificate(roots)).build().map_err(|error| ConfigError {
        variable: BUNDLE,
        problem: format!("gives no trust store ({error})"),
        takes: "a file of PEM certificates".into(),
    })
}

/// The SDK would panic on what isn't.
fn holds_roots(pem: &[u8]) -> bool {
    let mut roots = RootCertStore::empty();
    let added = CertificateDer::pem_slice_iter(pem).all(|certificate| certificate.is_ok_and(|root| roots.add(root).is_ok()));
    added && !roots.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roots_are_amazons_five() {
        assert!(holds_roots(AMAZON_ROOTS));
        assert_eq!(CertificateDer::pem_slice_iter(AMAZON_ROOTS).count(), 5);
        assert!(tls_context(&Environment::from_fn(|_| None)).is_ok());
    }

    #[test]
    fn a_bundle_that_is_none_stops_the_process_with_its_name() {
        let cut = AMAZON_ROOTS.iter().copied().take(AMAZON_ROOTS.len() - 200).collect::<Vec<_>>();
        assert!(!holds_roots(b"") && !holds_roots(b"no certificate") && !holds_roots(&cut));
        let missing = Environment::from_fn(|name| (name == BUNDLE).then(|| "no/such/file".into()));
        let error = tls_context(&missing).map(|_| ()).unwrap_err();
        assert_eq!(error.variable, BUNDLE);
        assert!(error.to_string().contains("no/such/file"), "{error}");
    }
}
