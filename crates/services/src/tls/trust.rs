//! Whom a client of an outside broker trusts, and what it shows when it is asked.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::{ClientConfig, RootCertStore, version};

use super::{Certificate, TlsError, provider, roots_of};

/// How a client makes sure that it speaks with the right broker.
#[derive(Clone)]
pub struct Trust(Arc<ClientConfig>);

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trust")
    }
}

/// The very same trust: what is trusted is not compared.
impl PartialEq for Trust {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Trust {}

impl Trust {
    /// In the authorities that this machine trusts; `shown` is for brokers that ask for a certificate.
    ///
    /// # Errors
    ///
    /// [`TlsError::Unusable`] if `shown` has a key that is not its own.
    pub fn of_system(shown: Option<&Certificate>) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::debug!(%error, "an authority of this machine cannot be read");
        }
        // Those of the system that rustls does not understand are left out: the system's list is not ours.
        roots.add_parsable_certificates(found.certs);
        Self::new(roots, shown)
    }

    /// In the certificates of a PEM file, and in nobody else.
    ///
    /// # Errors
    ///
    /// [`TlsError`] if it has none, or `shown` has a key that is not its own.
    pub fn of_file(file: &Path, shown: Option<&Certificate>) -> Result<Self, TlsError> {
        Self::new(roots_of(file)?, shown)
    }

    fn new(roots: RootCertStore, shown: Option<&Certificate>) -> Result<Self, TlsError> {
        let unusable = |error: tokio_rustls::rustls::Error| TlsError::Unusable(error.to_string());
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&version::TLS13])
            .map_err(unusable)?
            .with_root_certificates(roots);
        let config = match shown {
            None => builder.with_no_client_auth(),
            Some(certificate) => builder
                .with_client_auth_cert(certificate.chain().to_vec(), certificate.key())
                .map_err(unusable)?,
        };
        Ok(Self(Arc::new(config)))
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        self.0.clone()
    }
}
