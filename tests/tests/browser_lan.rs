//! A phone of the network in a real browser: the PIN first, then codes, over plain HTTP.

use std::net::{IpAddr, TcpStream, UdpSocket};

use city_tests::City;
use city_tests::browser::{Driver, PHONE, click, fill, next_code, picture, press, until, until_text};
use fantoccini::Client;
use serde_json::json;

/// The address by which others reach this machine. Browsers trust a page of any 127.x.x.x like one behind TLS.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Sends nothing, and chooses by which address it would.
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback()).then_some(address)
}

#[test]
fn a_phone_of_the_network_shows_codes_after_the_right_pin_and_reaches_no_desk() {
    let Some(driver) = Driver::start() else { return };
    let Some(address) = own_address() else {
        eprintln!("SKIPPED: this test needs a network");
        return;
    };
    let city = City::start(&["--luminaires", "60", "--lan", &format!("{address}:0")]);
    let printed = city.printed("lan ");
    let (place, rest) = printed.split_once("/  PIN ").expect("where, and the PIN");
    let pin: String = rest.chars().take(9).collect();
    tokio::runtime::Runtime::new().expect("threads").block_on(async {
        let page = driver.browser(&[], json!({})).await;
        page.goto(&format!("{place}/")).await.expect("the network's page");
        a_wrong_pin_is_told_and_the_right_one_lets_in(&page, &pin).await;
        codes_are_made_by_the_issuer_and_accepted(&page, &city).await;
        a_bill_is_paid_without_what_only_safe_pages_have(&page).await;
        no_desk_is_served(&page, &city, place).await;
        the_pin_is_used_up(&driver, place, &pin).await;
        assert_eq!(driver.trouble(&page).await, [""; 0]);
        page.close().await.expect("the session ends");
    });
}

async fn a_wrong_pin_is_told_and_the_right_one_lets_in(page: &Client, pin: &str) {
    until_text(page, "h2", "Enter the PIN").await;
    let wrong = if pin == "4821 7730" { "4821 7731" } else { "4821 7730" };
    fill(page, "#pin", wrong).await;
    picture(page, "pair", PHONE).await;
    click(page, "#enter").await;
    until_text(page, "#trouble", "This is not the PIN in the terminal").await;
    fill(page, "#pin", pin).await;
    click(page, "#enter").await;
    until(page, "return location.pathname", |path| path == "/phone").await;
}

async fn codes_are_made_by_the_issuer_and_accepted(page: &Client, city: &City) {
    until(page, "return isSecureContext || 'subtle' in crypto", |safe| safe == false).await;
    click(page, "[data-resident=r-0003]").await;
    let code = next_code(page, "").await;
    until_text(page, "#standing", "Codes are made by the issuer: a browser keeps no key").await;
    let ask = || city.post("/api/kiosk/verify", &json!({ "code": code }))["verdict"].clone();
    assert_eq!((ask(), ask()), (json!("accepted"), json!("refused")));
    press(page, "#spoken-ask").await;
    let digits = until_text(page, "#spoken-digits", " ").await;
    assert_eq!(city.post("/api/kiosk/verify", &json!({ "code": digits }))["verdict"], "accepted");
}

async fn a_bill_is_paid_without_what_only_safe_pages_have(page: &Client) {
    click(page, "#show-bills").await;
    until_text(page, "#unpaid", "Nothing is to be paid").await;
    press(page, "#visit button").await;
    until_text(page, "#bill-state", "can be paid").await;
    press(page, "#bill-pay").await;
    until_text(page, "#bill-sheet", "Receipt ").await;
}

async fn no_desk_is_served(page: &Client, city: &City, place: &str) {
    for path in ["kiosk", "till", "attack", "bus", "scenarios", "api/city", "assets/js/console.js"] {
        let script = format!(
            "const done = arguments[0]; fetch('/{path}').then(({{ status }}) => done(status), (error) => done(`${{error}}`))"
        );
        let status = page.execute_async(&script, Vec::new()).await.expect("the script runs");
        assert_eq!(status, json!(404), "/{path}");
    }
    // And where the console is, the network does not get.
    let (host, _) = place.trim_start_matches("http://").rsplit_once(':').expect("host and port");
    let (_, port) = city.page.rsplit_once(':').expect("a port");
    let reached = TcpStream::connect((host, port.parse::<u16>().expect("a port")));
    assert!(reached.is_err(), "the console answers at {host}:{port}");
}

/// Another device that brings it along, as the QR code of the terminal does.
async fn the_pin_is_used_up(driver: &Driver, place: &str, pin: &str) {
    let other = driver.browser(&[], json!({})).await;
    other.goto(&format!("{place}/pair#{}", pin.replace(' ', ""))).await.expect("the page");
    until_text(&other, "#trouble", "This is not the PIN in the terminal").await;
    other.close().await.expect("the session ends");
}
