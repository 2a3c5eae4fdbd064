use std::path::PathBuf;

use tempfile::{TempDir, tempdir};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use types::{DAY_MS, Timestamp};

use super::*;
use crate::time::wall_now;

fn names() -> Vec<String> {
    ["localhost", "127.0.0.1"].map(str::to_owned).to_vec()
}

fn made() -> Certificate {
    Certificate::self_signed(&names(), wall_now()).unwrap()
}

/// The certificate alone in a file, as those who are to trust it get it.
fn published(certificate: &Certificate) -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let file = folder.path().join("cert.pem");
    certificate.publish(&file).unwrap();
    (folder, file)
}

/// Whether `trust` and `server` come together, and a word gets across.
async fn meet(trust: &Trust, server: &ServerTls) -> bool {
    let (near, far) = duplex(16_384);
    let acceptor = server.acceptor();
    let serving = tokio::spawn(async move {
        let mut stream = acceptor.accept(far).await?;
        stream.write_all(b"kite").await?;
        stream.shutdown().await
    });
    let connector = TlsConnector::from(trust.config());
    let name = ServerName::try_from("localhost").unwrap();
    let mut word = String::new();
    let told = async { connector.connect(name, near).await?.read_to_string(&mut word).await }.await;
    serving.await.unwrap().is_ok() && told.is_ok() && word == "kite"
}

#[test]
fn files_that_are_not_there_or_not_what_they_should_be_are_named() {
    let folder = tempdir().unwrap();
    let (good, other) = (folder.path().join("tls.pem"), folder.path().join("other.pem"));
    Certificate::kept_in(&good, &names()).unwrap();
    let missing = folder.path().join("none.pem");
    std::fs::write(&other, "words").unwrap();
    for (chain, key, file) in [(&missing, &good, &missing), (&other, &good, &other), (&good, &other, &other)]
    {
        let Err(TlsError::File { file: named, .. }) = Certificate::read(chain, key) else {
            panic!("{chain:?}")
        };
        assert_eq!(named, file.display().to_string());
    }
    let Err(TlsError::File { .. }) = ServerTls::new(made(), Some(&other)) else { panic!("no authorities") };
    assert!(Certificate::kept_in(&other, &names()).is_err(), "what is not understood is not replaced");
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "words");
}

#[test]
fn a_key_that_is_not_the_certificates_is_refused() {
    let folder = tempdir().unwrap();
    let [one, two] = ["one.pem", "two.pem"].map(|name| {
        let file = folder.path().join(name);
        Certificate::kept_in(&file, &names()).unwrap();
        file
    });
    let mixed = Certificate::read(&one, &two).unwrap();
    assert!(matches!(ServerTls::new(mixed, None), Err(TlsError::Unusable(_))));
}

#[tokio::test]
async fn a_stranger_is_not_trusted_and_the_published_certificate_is() {
    let server = ServerTls::new(made(), None).unwrap();
    let (_folder, stranger) = published(&made());
    assert!(!meet(&Trust::of_file(&stranger, None).unwrap(), &server).await);
    assert!(!meet(&Trust::of_system(None).unwrap(), &server).await);
    let (_folder, file) = published(server.certificate());
    assert!(meet(&Trust::of_file(&file, None).unwrap(), &server).await);
}

#[tokio::test]
async fn with_an_authority_for_clients_only_those_with_a_certificate_of_it_come_in() {
    let (known, stranger) = (made(), made());
    let (_folder, authority) = published(&known);
    let server = ServerTls::new(made(), Some(&authority)).unwrap();
    let (_folder, file) = published(server.certificate());
    assert!(!meet(&Trust::of_file(&file, None).unwrap(), &server).await);
    assert!(!meet(&Trust::of_file(&file, Some(&stranger)).unwrap(), &server).await);
    assert!(meet(&Trust::of_file(&file, Some(&known)).unwrap(), &server).await);
}

/// RFC 5246, 7.4.1.2: a hello of TLS 1.2 (one cipher suite, curve and signature) without a word of anything newer.
const HELLO_OF_1_2: &[u8] = &[
    22, 3, 1, 0, 63, 1, 0, 0, 59, 3, 3, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 2, 192, 43, 1, 0, 0, 16, 0, 13, 0, 4, 0, 2, 4, 3, 0, 10, 0, 4, 0, 2, 0,
    23,
];

#[test]
fn older_versions_are_refused_with_an_alert_that_says_so() {
    let server = ServerTls::new(made(), None).unwrap();
    let mut connection = tokio_rustls::rustls::ServerConnection::new(server.config.clone()).unwrap();
    connection.read_tls(&mut &HELLO_OF_1_2[..]).unwrap();
    assert!(connection.process_new_packets().is_err());
    let mut alert = Vec::new();
    connection.write_tls(&mut alert).unwrap();
    // RFC 8446, 6: an alert, fatal, protocol_version.
    assert_eq!((alert[0], &alert[alert.len() - 2..]), (21, &[2, 70][..]), "{alert:?}");
}

#[test]
fn a_kept_certificate_stays_until_it_is_over_soon_or_lacks_a_name() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("tls.pem");
    let first = Certificate::kept_in(&file, &names()).unwrap().fingerprint();
    assert_eq!(Certificate::kept_in(&file, &names()).unwrap().fingerprint(), first);
    let more = [names(), vec!["192.0.2.7".to_owned()]].concat();
    let second = Certificate::kept_in(&file, &more).unwrap();
    assert_ne!(second.fingerprint(), first);
    assert!(second.covers("192.0.2.7") && second.covers("localhost") && !second.covers("kite.example"));
    let (old, pem) = Certificate::made(&names(), Timestamp::from_millis(400 * DAY_MS)).unwrap();
    std::fs::write(&file, pem).unwrap();
    assert_ne!(Certificate::kept_in(&file, &names()).unwrap().fingerprint(), old.fingerprint());
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_the_key_and_what_is_published_has_none() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempdir().unwrap();
    let file = folder.path().join("tls.pem");
    let certificate = Certificate::kept_in(&file, &names()).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let public = folder.path().join("cert.pem");
    Certificate::read(&file, &file).unwrap().publish(&public).unwrap();
    let text = std::fs::read_to_string(public).unwrap();
    assert!(text.contains("BEGIN CERTIFICATE") && !text.contains("PRIVATE"), "{text}");
    assert!(!format!("{certificate:?}").contains("PRIVATE"));
}
