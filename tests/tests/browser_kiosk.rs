//! The kiosk and its camera, and the till of a hospital, in a real browser.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use city_tests::City;
use city_tests::browser::{DESK, Driver, click, fill, picture, until, until_text};
use eid::qr::{Level, Symbol};
use fantoccini::Client;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// What the fake camera sees \[pixels\].
const WIDTH: usize = 960;
const HEIGHT: usize = 720;
/// Pixels of one module before it.
const MODULE: usize = 8;

#[test]
fn a_kiosk_that_may_not_use_its_camera_says_so_takes_codes_by_hand_and_starts_it_once_allowed() {
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
        driver.allow_camera(&page).await;
        until_text(&page, "#camera-note", "Looking for a code").await;
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
        let page = driver.browser(&camera_that_plays(&film), json!({})).await;
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
        picture(&page, "kiosk", DESK).await;
        page.close().await.expect("the session ends");
    });
}

#[test]
fn a_code_before_the_camera_of_the_till_pays_the_bill_once() {
    let Some(driver) = Driver::start() else { return };
    let city = City::start(&["--luminaires", "20", "--without", "residents"]);
    let folder = tempfile::tempdir().expect("a folder");
    let film = folder.path().join("camera.y4m");
    Runtime::new().expect("threads").block_on(async {
        let symbol = |text: &str| Symbol::from_text(text, Level::Low).expect("it fits");
        show(&film, &symbol("https://kite.city/"), false);
        let page = driver.browser(&camera_that_plays(&film), json!({})).await;
        page.goto(&format!("{}/till", city.page)).await.expect("the till");
        until(&page, "return document.querySelector('#provider').value", |it| it == "h-0001").await;
        fill(&page, "#patient", "r-0042").await;
        click(&page, "#treat").await;
        until_text(&page, "#bill-state", "to be paid").await;
        click(&page, "#camera-toggle").await;
        until_text(&page, "#outcome", "This is the address of a web page").await;

        click(&page, "#camera-toggle").await;
        show(&film, &symbol(&code_of(&city, "r-0042")), false);
        click(&page, "#camera-toggle").await;
        until_text(&page, "#outcome", "Paid: ¥").await;
        until_text(&page, "#bill-state", "paid").await;
        picture(&page, "till", DESK).await;
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
        assert_eq!(driver.trouble(&page).await, Vec::<String>::new());
        page.close().await.expect("the session ends");
    });
}

#[test]
fn a_bill_is_paid_by_the_split_that_the_patient_saw_and_by_nobody_elses_code() {
    let Some(driver) = Driver::start() else { return };
    let city = City::start(&["--luminaires", "20", "--without", "residents"]);
    Runtime::new().expect("threads").block_on(async {
        let page = driver.browser(&[], json!({})).await;
        page.goto(&format!("{}/till", city.page)).await.expect("the till");
        until(&page, "return document.querySelectorAll('#provider option').length", |count| {
            count.as_u64() > Some(1)
        })
        .await;
        fill(&page, "#patient", "r-9999999").await;
        click(&page, "#treat").await;
        until_text(&page, "#outcome", "coverage_inactive").await;
        fill(&page, "#patient", "r-0042").await;
        click(&page, "#treat").await;
        until_text(&page, "#split", "Personal account").await;

        pay(&page, &code_of(&city, "r-0003")).await;
        until_text(&page, "#outcome", "payer_not_authorized").await;

        // At another till the deductible is paid meanwhile, so the fund pays here from now on.
        pay_deductible_at_another_till(&city, "r-0042");
        pay(&page, &code_of(&city, "r-0042")).await;
        until_text(&page, "#outcome", "presettlement_stale").await;
        until_text(&page, "#split", "Pooled fund").await;

        freeze(&city, "r-0042", true);
        pay(&page, &code_of(&city, "r-0042")).await;
        until_text(&page, "#outcome", "account_insufficient").await;
        until_text(&page, "#split", "was").await;
        until(&page, "return document.querySelector('#cash-qr').naturalWidth", |width| {
            width.as_u64() > Some(0)
        })
        .await;

        pay(&page, &code_of(&city, "r-0042")).await;
        until_text(&page, "#outcome", "Paid: ¥").await;
        until_text(&page, "#receipt-facts", "outpatient_demo").await;
        let steps = "return document.querySelectorAll('#trace li').length";
        until(&page, steps, |count| count.as_u64() >= Some(7)).await;
        taken_back(&page).await;
        assert_eq!(driver.trouble(&page).await, Vec::<String>::new());
        page.close().await.expect("the session ends");
    });
}

/// One line first, then all that is left.
async fn taken_back(page: &Client) {
    let lines = "return document.querySelectorAll('#lines tr').length";
    let before = until(page, lines, |count| count.as_u64() >= Some(1)).await;
    fill(page, "#lines input", "1000").await;
    click(page, "#refund").await;
    until_text(page, "#outcome", "refund_exceeds_settled").await;
    if before.as_u64() > Some(1) {
        // The first line is the one consultation.
        fill(page, "#lines input", "1").await;
        click(page, "#refund").await;
        until_text(page, "#outcome", "The lines were given back").await;
        until(page, lines, |count| *count != before).await;
    }
    click(page, "#reverse").await;
    until_text(page, "#reverse", "Press again").await;
    click(page, "#reverse").await;
    until_text(page, "#bill-state", "taken back").await;
    until_text(page, "#receipt-facts", "Taken back by").await;
}

/// Enters a code at the till.
async fn pay(page: &Client, code: &str) {
    fill(page, "#code", code).await;
    click(page, "#pay-button").await;
}

/// Pays a bill at another till in cash, so large that nothing is left of the deductible.
fn pay_deductible_at_another_till(city: &City, resident: &str) {
    freeze(city, resident, true);
    let bill = json!({
        "id": "019d9e2c-5b80-7000-8000-000000000001", "provider": "h-0001",
        "level": city.get("/api/till/providers")[0]["level"], "beneficiary": resident,
        "lines": [{ "item": "antibiotic", "category": "A", "unit_price": 1_280, "quantity_milli": 50_000 }],
        "total": 64_000,
    });
    once(city, "/v1/bills", &bill);
    let place = "/v1/bills/019d9e2c-5b80-7000-8000-000000000001";
    let presettled = once(city, &format!("{place}/presettle"), &json!({}));
    let code = code_of(city, resident);
    let settle = json!({ "presettlement_id": presettled["presettlement"], "eid_token": code });
    once(city, &format!("{place}/settle"), &settle);
    freeze(city, resident, false);
}

fn freeze(city: &City, resident: &str, frozen: bool) {
    once(city, &format!("/v1/accounts/{resident}/freeze"), &json!({ "frozen": frozen }));
}

/// `POST path` of the interface for programs.
fn once(city: &City, path: &str, body: &Value) -> Value {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let key = ASKED.fetch_add(1, Ordering::Relaxed).to_string();
    let request = ureq::post(format!("{}{path}", city.page)).header("Idempotency-Key", &key);
    let mut response = request.send_json(body).unwrap_or_else(|error| panic!("{path}: {error}"));
    response.body_mut().read_json().expect("JSON")
}

fn fake_camera() -> String {
    "--use-fake-device-for-media-stream".to_owned()
}

/// A camera that plays this film each time it is started, and whose use is allowed.
fn camera_that_plays(film: &Path) -> [String; 3] {
    let file = format!("--use-file-for-fake-video-capture={}", film.display());
    [fake_camera(), "--use-fake-ui-for-media-stream".to_owned(), file]
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
