//! Encryption of connections, with one provider.

use crate::error::{Error, Kind};
use crate::host::Host;
use crate::roots;
use crate::settings::{ConnectionSettings, Roots, TlsMode};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use std::path::Path;
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What tokio-postgres connects with.
pub(crate) type Tls = MakeRustlsConnect;

/// The connector for these settings.
pub(crate) fn connector(settings: &ConnectionSettings) -> Result<Tls, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let lenient = |roots| Arc::new(Lenient { roots, provider: Arc::clone(&provider) });
    let verifier: Arc<dyn ServerCertVerifier> = match settings.tls {
        TlsMode::Disable | TlsMode::Prefer | TlsMode::Require => lenient(None),
        TlsMode::VerifyCa => lenient(Some(verifier(settings, &provider)?)),
        TlsMode::VerifyFull => verifier(settings, &provider)?,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(Kind::Unexpected, format!("TLS is not available: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match &settings.client_certificate {
        None => config.with_no_client_auth(),
        Some(ours) => {
            let key = PrivateKeyDer::from_pem_file(&ours.key)
                .map_err(|error| unusable("the client's key", &ours.key, &error.to_string()))?;
            let chain = read(&ours.certificate)
                .map_err(|cause| unusable("the client's certificate", &ours.certificate, &cause))?;
            config.with_client_auth_cert(chain, key).map_err(|error| {
                unusable("the client's certificate", &ours.certificate, &error.to_string())
            })?
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

fn verifier(
    settings: &ConnectionSettings,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let store = match (&settings.root_certificates, settings.host_kind()) {
        (Roots::File(path), _) => Arc::new(chosen(path)?),
        (Roots::ByHost, Host::Rds(_) | Host::RdsReader(_)) => roots::rds(),
        (Roots::ByHost, Host::RdsProxy(_)) => roots::rds_proxy(),
        (Roots::ByHost, Host::Pooler(_) | Host::Other) | (Roots::System, _) => roots::public(),
    };
    WebPkiServerVerifier::builder_with_provider(store, Arc::clone(provider)).build().map_err(
        |error| Error::new(Kind::Configuration, format!("the trusted roots are unusable: {error}")),
    )
}

fn chosen(path: &Path) -> Result<RootCertStore, Error> {
    let unusable = |cause: &str| unusable("the root certificates", path, cause);
    let mut store = RootCertStore::empty();
    for certificate in read(path).map_err(|cause| unusable(&cause))? {
        store.add(certificate).map_err(|error| unusable(&error.to_string()))?;
    }
    if store.is_empty() { Err(unusable("it has no certificate")) } else { Ok(store) }
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| error.to_string())
}

fn unusable(what: &str, path: &Path, cause: &str) -> Error {
    Error::new(Kind::Configuration, format!("cannot use {what} in `{}`: {cause}", path.display()))
        .hint("it must be a file in PEM that this process can read")
}

/// What is less than `verify-full`. `prefer` and `require` have no roots, because libpq verifies
/// nothing in these modes either; `verify-ca` has, and takes any name in the certificate.
#[derive(Debug)]
struct Lenient {
    roots: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(roots) = &self.roots else { return Ok(ServerCertVerified::assertion()) };
        match roots.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
