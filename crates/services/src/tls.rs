//! TLS 1.3 and nothing older, by rustls over ring: what a process shows, and whom it trusts.
//!
//! Someone who only speaks an older version is told so by the handshake's alert (`protocol_version`), and gets no
//! further.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, version};

mod certificate;
mod trust;

pub use certificate::Certificate;
pub use trust::Trust;

/// Why there can be no TLS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read or written, or is not what it should be.
    #[error("{file}: {reason}")]
    File {
        /// Which.
        file: String,
        /// What is wrong, and what helps.
        reason: String,
    },
    /// Certificates and keys do not fit together.
    #[error("TLS: {0}")]
    Unusable(String),
}

impl TlsError {
    fn file(file: &Path, reason: impl Display) -> Self {
        Self::File { file: file.display().to_string(), reason: format!("{reason}") }
    }
}

/// What a listener shows to those who come, and whether they must show something too.
#[derive(Clone, Debug)]
pub struct ServerTls {
    certificate: Certificate,
    config: Arc<ServerConfig>,
}

impl ServerTls {
    /// With `client_ca`, only those come in whose certificate an authority of that file has signed.
    ///
    /// # Errors
    ///
    /// [`TlsError`] if the key is not the certificate's, or the file has no certificates.
    pub fn new(certificate: Certificate, client_ca: Option<&Path>) -> Result<Self, TlsError> {
        let unusable = |error: String| TlsError::Unusable(error);
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&version::TLS13])
            .map_err(|error| unusable(error.to_string()))?;
        let builder = match client_ca {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let roots = Arc::new(roots_of(file)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
                builder.with_client_cert_verifier(verifier.map_err(|error| unusable(error.to_string()))?)
            }
        };
        let config = builder
            .with_single_cert(certificate.chain().to_vec(), certificate.key())
            .map_err(|error| unusable(format!("certificate and key: {error}")))?;
        Ok(Self { certificate, config: Arc::new(config) })
    }

    /// What it shows.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// How connections are taken on.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.clone())
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The authorities of a PEM file.
fn roots_of(file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates_of(file)? {
        roots.add(certificate).map_err(|error| TlsError::file(file, error))?;
    }
    Ok(roots)
}

/// The certificates of a PEM file: at least one.
fn certificates_of(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = std::fs::read(file).map_err(|error| TlsError::file(file, error))?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let all = all.map_err(|error| TlsError::file(file, format!("not a PEM file: {error}")))?;
    if all.is_empty() {
        return Err(TlsError::file(file, "no certificate in it: expected `-----BEGIN CERTIFICATE-----`"));
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
