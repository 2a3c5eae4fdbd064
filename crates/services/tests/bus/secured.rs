//! The embedded broker behind TLS.

use std::sync::atomic::Ordering;

use services::time::wall_now;
use services::tls::{Certificate, Trust};
use tempfile::{TempDir, tempdir};

use super::*;

/// A broker with TLS, and the address of those who trust it.
fn secured() -> (Broker, BusAddress, TempDir) {
    let names = ["127.0.0.1".to_owned()];
    let certificate = Certificate::self_signed(&names, wall_now()).unwrap();
    let folder = tempdir().unwrap();
    let file = folder.path().join("cert.pem");
    certificate.publish(&file).unwrap();
    let broker = start(0, false, Some(ServerTls::new(certificate, None).unwrap()));
    let trust = Some(Trust::of_file(&file, None).unwrap());
    let address = BusAddress { trust, ..address_of(&broker) };
    (broker, address, folder)
}

async fn disconnected(client: &mut Client) -> String {
    loop {
        match client.event().await {
            BusEvent::Disconnected { reason } => return reason,
            BusEvent::Connected => panic!("was let in"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn without_tls_or_without_trust_nobody_comes_in() {
    let (broker, address, _folder) = secured();
    let plain = BusAddress { trust: None, ..address.clone() };
    disconnected(&mut Client::spawn(user(&plain, "svc-payer", &[]))).await;
    let distrustful = BusAddress { trust: Some(Trust::of_system(None).unwrap()), ..address };
    let reason = disconnected(&mut Client::spawn(user(&distrustful, "svc-payer", &[]))).await;
    assert!(reason.contains("UnknownIssuer"), "{reason}");
    assert_eq!(broker.counters().messages.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn behind_tls_passwords_and_rules_are_the_same() {
    let (broker, address, _folder) = secured();
    let mut options = user(&address, "svc-payer", &[]);
    options.credentials = Some(("svc-payer".to_owned(), "guess".to_owned()));
    assert_eq!(Client::spawn(options).refused().await, "wrong user name or password");
    let reason = Client::spawn(user(&address, "l-0001", &["light/kuiwen/l-0002/down/+"])).refused().await;
    assert!(reason.contains("light/kuiwen/l-0002"), "{reason}");
    assert_eq!(broker.counters().refused_connects.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn clients_outside_and_the_citys_own_hear_each_other() {
    let (broker, address, _folder) = secured();
    let own = BusAddress::plain(broker.own_addr().ip().to_string(), broker.own_addr().port());
    assert_ne!(own.port, address.port);
    let mut lighting = Client::connected(user(&own, "svc-lighting", &["light/#"])).await;
    let lamp = Client::connected(user(&address, "l-0001", &[])).await;
    let long = "x".repeat(200_000);
    lamp.bus.publish(frame(&EVENT, "light/kuiwen/l-0001/up/alarm", &long)).unwrap();
    assert_eq!(lighting.heard().await, ("light/kuiwen/l-0001/up/alarm".to_owned(), long));
}
