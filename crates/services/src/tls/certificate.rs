//! A certificate with its key: read, or made and kept.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::Duration;

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, date_time_ymd};
use sha2::{Digest, Sha256};
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use types::{DAY_MS, Timestamp};

use super::{TlsError, certificates_of, provider};
use crate::time::wall_now;

/// How long a certificate of our own is good \[days\]: what browsers take.
const LIFE_DAYS: i64 = 397;
/// One that ends within this time is made anew \[days\].
const RENEWED_BEFORE_DAYS: i64 = 7;

/// A chain of certificates, and the key of the first.
#[derive(Debug)]
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// The chain in PEM, without the key.
    text: String,
}

impl Clone for Certificate {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key(), text: self.text.clone() }
    }
}

impl Certificate {
    /// One of the user's: PEM files, the chain beginning with its own certificate.
    ///
    /// # Errors
    ///
    /// [`TlsError::File`] names the file that is not there or not what it should be.
    pub fn read(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        let text = std::fs::read(key).map_err(|error| TlsError::file(key, error))?;
        let secret = PrivateKeyDer::from_pem_slice(&text).map_err(|_| {
            TlsError::file(key, "no key in it: expected `-----BEGIN PRIVATE KEY-----`, unencrypted")
        })?;
        let text = std::fs::read_to_string(chain).map_err(|error| TlsError::file(chain, error))?;
        Ok(Self { chain: certificates_of(chain)?, key: secret, text: certificates_in(&text) })
    }

    /// A self-signed one for these names and addresses.
    ///
    /// # Errors
    ///
    /// [`TlsError::Unusable`] if a name is none.
    pub fn self_signed(names: &[String], now: Timestamp) -> Result<Self, TlsError> {
        Ok(Self::made(names, now)?.0)
    }

    /// The self-signed one that is kept in `file`, with its key; made if there is none, or if that one is over soon or
    /// lacks a name.
    ///
    /// # Errors
    ///
    /// [`TlsError::File`] if the file cannot be used: it is never replaced when it is not understood.
    pub fn kept_in(file: &Path, names: &[String]) -> Result<Self, TlsError> {
        match std::fs::exists(file) {
            Ok(false) => {}
            Ok(true) => {
                let kept = Self::read(file, file)?;
                if kept.lasts(names, wall_now().plus_millis(RENEWED_BEFORE_DAYS * DAY_MS)) {
                    return Ok(kept);
                }
            }
            Err(error) => return Err(TlsError::file(file, error)),
        }
        let (certificate, pem) = Self::made(names, wall_now())?;
        write_private(file, &pem).map_err(|error| TlsError::file(file, error))?;
        Ok(certificate)
    }

    pub(super) fn made(names: &[String], now: Timestamp) -> Result<(Self, String), TlsError> {
        let unusable = |error: rcgen::Error| TlsError::Unusable(error.to_string());
        let mut params = CertificateParams::new(names).map_err(unusable)?;
        let name = "Kitecity, SIMULATED";
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let at = |days: i64| {
            let ms = now.plus_millis(days * DAY_MS).as_millis();
            date_time_ymd(1970, 1, 1) + Duration::from_millis(u64::try_from(ms).unwrap_or_default())
        };
        (params.not_before, params.not_after) = (at(-1), at(LIFE_DAYS - 1));
        let key = KeyPair::generate().map_err(unusable)?;
        let signed = params.self_signed(&key).map_err(unusable)?;
        let (text, pem) = (signed.pem(), format!("{}{}", key.serialize_pem(), signed.pem()));
        let secret = PrivateKeyDer::try_from(key.serialize_der());
        let secret = secret.map_err(|error| TlsError::Unusable(error.to_owned()))?;
        Ok((Self { chain: vec![signed.der().clone()], key: secret, text }, pem))
    }

    pub(super) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    pub(super) fn key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key()
    }

    fn first(&self) -> &CertificateDer<'static> {
        &self.chain[0]
    }

    /// SHA-256 of the first certificate, as browsers show it.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(self.first());
        digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }

    /// Writes the chain, without the key, for those who are to trust it.
    ///
    /// # Errors
    ///
    /// [`TlsError::File`] if it cannot be written.
    pub fn publish(&self, file: &Path) -> Result<(), TlsError> {
        std::fs::write(file, &self.text).map_err(|error| TlsError::file(file, error))
    }

    /// Whether it is for this host: a name, or an address without brackets.
    pub fn covers(&self, host: &str) -> bool {
        let (Ok(name), Ok(parsed)) = (ServerName::try_from(host), ParsedCertificate::try_from(self.first()))
        else {
            return false;
        };
        verify_server_name(&parsed, &name).is_ok()
    }

    /// Whether, self-signed, it is good at `time` for all of `names`.
    fn lasts(&self, names: &[String], time: Timestamp) -> bool {
        let mut roots = RootCertStore::empty();
        if roots.add(self.first().clone()).is_err() {
            return false;
        }
        let Ok(verifier) = WebPkiServerVerifier::builder_with_provider(roots.into(), provider()).build()
        else {
            return false;
        };
        let since_epoch = Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or_default());
        let at = UnixTime::since_unix_epoch(since_epoch);
        names.iter().all(|name| {
            ServerName::try_from(name.as_str())
                .is_ok_and(|name| verifier.verify_server_cert(self.first(), &[], &name, &[], at).is_ok())
        })
    }
}

/// The certificates among the blocks of a PEM text, which may have a key too.
fn certificates_in(text: &str) -> String {
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
    let blocks = text.split(begin).skip(1).filter_map(|rest| Some(rest.split_once(end)?.0));
    blocks.map(|block| format!("{begin}{block}{end}\n")).collect()
}

/// Replaces `file` as a whole by one that only its owner reads.
fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let fresh = file.with_extension("new");
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut open = options.open(&fresh)?;
    open.write_all(text.as_bytes())?;
    open.sync_all()?;
    std::fs::rename(fresh, file)
}
