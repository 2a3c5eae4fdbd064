//! TLS: what the city shows, and whom its clients trust.

use std::fmt;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};

use anyhow::Result;
use services::tls::{Certificate, ServerTls, TlsError, Trust};
use tempfile::TempPath;

use crate::Settings;
use crate::config::Tls;
use crate::up::{City, UsageError};

/// Where a certificate of our own is kept in the data folder, with its key.
const KEPT: &str = "tls.pem";
/// The same without the key, for those who are to trust it.
const PUBLISHED: &str = "tls-cert.pem";

/// Has the client of `--broker mqtts://…` trust whom the flags say.
///
/// # Errors
///
/// In words: which flag makes no sense, or what is wrong with a file.
pub(crate) fn trust(settings: &mut Settings) -> Result<(), UsageError> {
    let secured = settings.broker.as_ref().is_some_and(|broker| broker.trust.is_some());
    if settings.tls_ca.is_some() && !secured {
        return Err(UsageError("`--tls-ca` goes with `--broker mqtts://…`".to_owned()));
    }
    if !secured {
        return Ok(());
    }
    let shown = match (&settings.tls_cert, &settings.tls_key) {
        (Some(cert), Some(key)) => Some(Certificate::read(cert, key).map_err(UsageError::from)?),
        _ => None,
    };
    let trust = match &settings.tls_ca {
        Some(file) => Trust::of_file(file, shown.as_ref()),
        None => Trust::of_system(shown.as_ref()),
    };
    let trust = trust.map_err(UsageError::from)?;
    if let Some(broker) = &mut settings.broker {
        broker.trust = Some(trust);
    }
    Ok(())
}

/// Lets the flags beat the file.
pub(crate) fn apply(tls: &mut Tls, settings: &Settings) {
    tls.on |= settings.tls;
    for (path, flag) in [
        (&mut tls.cert, &settings.tls_cert),
        (&mut tls.key, &settings.tls_key),
        (&mut tls.client_ca, &settings.tls_client_ca),
    ] {
        if let Some(flag) = flag {
            path.clone_from(flag);
        }
    }
}

/// What the city shows where it listens, and the file by which others trust it.
pub(crate) struct Shown {
    tls: ServerTls,
    file: PathBuf,
    /// The file, if it is to be gone with the process.
    _passing: Option<TempPath>,
}

impl Shown {
    /// `None` = the city listens without TLS.
    ///
    /// # Errors
    ///
    /// In words: what is wrong with the settings or a file.
    pub(crate) fn of(city: &City) -> Result<Option<Self>> {
        let tls = &city.config.tls;
        let client_ca = given(&tls.client_ca);
        if !tls.on {
            return match client_ca {
                Some(_) => Err(UsageError("`--tls-client-ca` goes with `--tls`".to_owned()).into()),
                None => Ok(None),
            };
        }
        let folder = city.config.storage.folder().filter(|_| city.kept.is_some());
        let certificate = match (given(&tls.cert), given(&tls.key), folder) {
            (Some(cert), Some(key), _) => Certificate::read(cert, key),
            (None, None, Some(folder)) => Certificate::kept_in(&folder.join(KEPT), &names(city)),
            (None, None, None) => Certificate::self_signed(&names(city), services::time::wall_now()),
            _ => return Err(UsageError("`tls.cert` and `tls.key` go together".to_owned()).into()),
        };
        let certificate = certificate.map_err(UsageError::from)?;
        let (file, passing) = match (given(&tls.cert), folder) {
            (Some(cert), _) => (cert.to_owned(), None),
            (None, Some(folder)) => (folder.join(PUBLISHED), None),
            (None, None) => {
                let file = tempfile::Builder::new().prefix("kitecity-").suffix(".pem").tempfile()?;
                let passing = file.into_temp_path();
                (passing.to_path_buf(), Some(passing))
            }
        };
        if given(&tls.cert).is_none() {
            certificate.publish(&file).map_err(UsageError::from)?;
        }
        let tls = ServerTls::new(certificate, client_ca).map_err(UsageError::from)?;
        Ok(Some(Self { tls, file, _passing: passing }))
    }

    /// For a listener.
    pub(crate) fn tls(&self) -> ServerTls {
        self.tls.clone()
    }

    /// Whoever trusts this file trusts the city.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "certificate {}, SHA-256 {}", self.file.display(), self.tls.certificate().fingerprint())
    }
}

/// The names and addresses under which the city is found.
fn names(city: &City) -> Vec<String> {
    let config = &city.config;
    let listening = [config.broker.listen, config.broker.websocket, config.console.listen];
    let listening = listening.into_iter().chain(config.console.lan);
    let loopback = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
    let reached = listening.map(|address| reached_at(address).ip());
    let mut names: Vec<String> = loopback.into_iter().chain(reached).map(|ip| ip.to_string()).collect();
    names.push("localhost".to_owned());
    names.sort();
    names.dedup();
    names
}

/// Where others of the network find a listener: for one on all addresses, the address by which this machine speaks to
/// the network, if it has one.
pub(crate) fn reached_at(listening: SocketAddr) -> SocketAddr {
    if !listening.ip().is_unspecified() {
        return listening;
    }
    // Nothing is sent: to connect such a socket only asks for the way. The addresses are for documentation (RFC 5737,
    // RFC 3849).
    let (any, far) = match listening {
        SocketAddr::V4(_) => ("0.0.0.0:0", "192.0.2.1:9"),
        SocketAddr::V6(_) => ("[::]:0", "[2001:db8::1]:9"),
    };
    let way = UdpSocket::bind(any).and_then(|socket| {
        socket.connect(far)?;
        socket.local_addr()
    });
    way.map_or(listening, |own| SocketAddr::new(own.ip(), listening.port()))
}

fn given(path: &Path) -> Option<&Path> {
    Some(path).filter(|path| !path.as_os_str().is_empty())
}

/// For trouble with the user's files.
impl From<TlsError> for UsageError {
    fn from(error: TlsError) -> Self {
        Self(error.to_string())
    }
}
