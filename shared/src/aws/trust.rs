//! Whose certificates the functions trust.

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
pub(super) fn roots(environment: &Environment<'_>) -> Result<RootCertStore, ConfigError> {
    let wrong = |problem: String| ConfigError { variable: BUNDLE, problem, takes: "a file of PEM certificates".into() };
    match environment.get(BUNDLE) {
        None => roots_in(AMAZON_ROOTS).ok_or_else(|| wrong("is not set, and the roots in this program can't be read".into())),
        Some(path) => {
            let pem = std::fs::read(&path).map_err(|error| wrong(format!("names {path:?}, which can't be read ({error})")))?;
            roots_in(&pem).ok_or_else(|| wrong(format!("names {path:?}, which holds no certificates, or something else as well")))
        }
    }
}

fn roots_in(pem: &[u8]) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let added = CertificateDer::pem_slice_iter(pem).all(|certificate| certificate.is_ok_and(|root| roots.add(root).is_ok()));
    (added && !roots.is_empty()).then_some(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roots_are_amazons_five() {
        assert_eq!(roots(&Environment::from_fn(|_| None)).unwrap().len(), 5);
    }

    #[test]
    fn a_bundle_that_is_none_stops_the_process_with_its_name() {
        let cut = AMAZON_ROOTS.iter().copied().take(AMAZON_ROOTS.len() - 200).collect::<Vec<_>>();
        assert!([b"".as_slice(), b"no certificate", &cut].iter().all(|pem| roots_in(pem).is_none()));
        let missing = Environment::from_fn(|name| (name == BUNDLE).then(|| "no/such/file".into()));
        let error = roots(&missing).map(|_| ()).unwrap_err();
        assert_eq!(error.variable, BUNDLE);
        assert!(error.to_string().contains("no/such/file"), "{error}");
    }
}
