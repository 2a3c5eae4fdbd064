//! The kiosk and its camera, in a real browser.

use std::path::Path;

use city_tests::City;
use city_tests::browser::{Driver, click, fill, until, until_text};
use eid::qr::{Level, Symbol};
use fantoccini::Client;
use serde_json::json;
use tokio::runtime::Runtime;

/// What the fake camera sees \[pixels\].
const WIDTH: usize = 960;
const HEIGHT: usize = 720;
/// Pixels of one module before it.
const MODULE: usize = 8;

#[test]
fn a_kiosk_that_may_not_use_its_camera_says_so_and_takes_codes_by_hand() {
    let Some(driver) = Driver::start() else { return };
    let city = City::start(&["--luminaires", "20"]);
    Runtime::new().expect("threads").block_on(async {
        let denied = json!({ "profile.default_content_setting_values.media_stream_camera": 2 });
        let page = driver.browser(&[fake_camera()], denied).await;
        page.goto(&format!("{}/kiosk", city.page)).await.expect("the kiosk");
        click(&page, "#camera-toggle").await;
        until_text(&page, "#camera-note", "The camera was not allowed").await;
        scan(&page, "https://kite.city/").await;
        until_text(&page, "#verdict", "This is the address of a web page").await;
        scan(&page, "EIDC:MUSEUM:0011223344556677:AGE").await;
        until_text(&page, "#verdict", "own_question").await;
        scan(&page, &code_of(&city, "r-0003")).await;
        until_text(&page, "#verdict", "Disclosed to this kiosk").await;
        page.close().await.expect("the session ends");
    });
}

#[test]
fn the_camera_tells_a_blurred_code_from_a_foreign_one_and_takes_a_living_one() {
    let Some(driver) = Driver::start() else { return };
    let city = City::start(&["--luminaires", "20"]);
    let folder = tempfile::tempdir().expect("a folder");
    let film = folder.path().join("camera.y4m");
    Runtime::new().expect("threads").block_on(async {
        let symbol = |text: &str| Symbol::from_text(text, Level::Low).expect("it fits");
        show(&film, &symbol(&"KITECITY ".repeat(20)), true);
        let arguments = [
            fake_camera(),
            "--use-fake-ui-for-media-stream".to_owned(),
            format!("--use-file-for-fake-video-capture={}", film.display()),
        ];
        let page = driver.browser(&arguments, json!({})).await;
        page.goto(&format!("{}/kiosk", city.page)).await.expect("the kiosk");
        click(&page, "#camera-toggle").await;
        until_text(&page, "#camera-note", "A code is in view but not sharp").await;

        click(&page, "#camera-toggle").await;
        show(&film, &symbol("00020101021226"), false);
        click(&page, "#camera-toggle").await;
        until_text(&page, "#verdict", "This is a payment code").await;

        click(&page, "#camera-toggle").await;
        show(&film, &symbol(&code_of(&city, "r-0003")), false);
        click(&page, "#camera-toggle").await;
        until(&page, "return document.querySelector('#verdict').dataset.verdict", |it| it == "accepted")
            .await;
        page.close().await.expect("the session ends");
    });
}

#[test]
fn without_a_network_the_kiosk_judges_by_itself_and_tells_how_old_its_keys_are() {
    let Some(driver) = Driver::start() else { return };
    let city = City::start(&["--luminaires", "20"]);
    Runtime::new().expect("threads").block_on(async {
        let page = driver.browser(&[], json!({})).await;
        page.goto(&format!("{}/kiosk", city.page)).await.expect("the kiosk");
        until_text(&page, "#keys-age", " old").await;
        let code = code_of(&city, "r-0003");
        click(&page, "#network").await;
        until_text(&page, "#network-about", "Nobody is asked").await;
        scan(&page, &code).await;
        until_text(&page, "#verdict", "Judged by this kiosk alone").await;
        let told = until_text(&page, "#verdict", "Known then: the issuer's keys").await;
        assert!(told.contains("Accepted"), "{told}");
        until(&page, "return document.querySelector('#remembered').textContent", |count| count == "1").await;
        scan(&page, &code).await;
        until_text(&page, "#verdict", "token_replayed").await;

        // The city's verifier has never seen it; the kiosk has.
        click(&page, "#network").await;
        until_text(&page, "#network-about", "The city's verifier is asked").await;
        scan(&page, &code).await;
        let told = until_text(&page, "#verdict", "token_replayed").await;
        assert!(!told.contains("Judged by this kiosk alone"), "{told}");
        scan(&page, &code_of(&city, "r-0003")).await;
        until_text(&page, "#verdict", "Accepted").await;
        page.close().await.expect("the session ends");
    });
}

fn fake_camera() -> String {
    "--use-fake-device-for-media-stream".to_owned()
}

fn code_of(city: &City, resident: &str) -> String {
    let shown = city.get(&format!("/api/phone/{resident}/code?by=issuer&profile=age"));
    shown["code"].as_str().expect("a code").to_owned()
}

/// As a hand scanner: the text, then Enter.
async fn scan(page: &Client, code: &str) {
    fill(page, "#paste-code", code).await;
    click(page, "#verify-button").await;
    let still = "return document.querySelector('#verdict').dataset.verdict";
    until(page, still, |verdict| verdict != "checking").await;
}

/// Films a symbol, in YUV4MPEG2; on demand with its middle hidden, as by a thumb.
fn show(film: &Path, symbol: &Symbol, hidden: bool) {
    let side = symbol.side() * MODULE;
    let (left, top) = ((WIDTH - side) / 2, (HEIGHT - side) / 2);
    let is_hidden = |x: usize, y: usize| {
        hidden && (side / 3..side * 4 / 5).contains(&x) && (side / 3..side * 4 / 5).contains(&y)
    };
    let luma = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y))).map(|(x, y)| {
        let (x, y) = (x.wrapping_sub(left), y.wrapping_sub(top));
        match (symbol.is_dark(x / MODULE, y / MODULE), is_hidden(x, y)) {
            (_, true) => 128,
            (true, false) => 16,
            (false, false) => 235,
        }
    });
    let mut bytes = format!("YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n").into_bytes();
    let frame: Vec<u8> = luma.chain(std::iter::repeat_n(128, WIDTH * HEIGHT / 2)).collect();
    for _ in 0..2 {
        bytes.extend(b"FRAME\n");
        bytes.extend(&frame);
    }
    std::fs::write(film, bytes).expect("a film");
}
