//! The citizen's phone, in a real browser.

use city_tests::browser::{CODE, Driver, click, fill, next_code, open_phone, press, until, until_text};
use city_tests::{City, wait_for};
use fantoccini::{Client, Locator};
use serde_json::{Value, json};

/// How often the page asked the city for anything.
const ASKED: &str = "return performance.getEntriesByType('resource').length";

#[test]
fn a_phone_makes_its_codes_by_itself_and_goes_on_in_airplane_mode() {
    let Some(driver) = Driver::start() else { return };
    let city = City::start(&["--luminaires", "300"]);
    tokio::runtime::Runtime::new().expect("threads").block_on(async {
        let page = driver.browser(&[], json!({})).await;
        open_phone(&page, &city.page, "r-0003").await;
        its_key_cannot_be_read(&page).await;
        what_is_on_the_screen_is_accepted_once(&page, &city).await;
        airplane_mode_asks_nobody_and_shows_codes_all_the_same(&page, &city).await;
        every_symbol_is_read_back(&page).await;
        page.close().await.expect("the session ends");
    });
}

#[test]
fn a_guardian_shows_the_code_of_a_child_until_the_counter_ends_that() {
    let Some(driver) = Driver::start() else { return };
    let city = City::start(&["--luminaires", "300"]);
    let (guardian, child) = (1..=20)
        .find_map(|n| {
            let guardian = format!("r-{n:04}");
            let wards = city.get(&format!("/api/phone/{guardian}/family"));
            let ward = wards.get(0)?.clone();
            Some((guardian, ward))
        })
        .expect("one of the first twenty has a child");
    let ward = child["id"].as_str().expect("an id").to_owned();
    tokio::runtime::Runtime::new().expect("threads").block_on(async {
        let page = driver.browser(&[], json!({})).await;
        let own = open_phone(&page, &city.page, &guardian).await;
        choose(&page, &format!("#family input[data-ward={ward}]")).await;
        let shown = next_code(&page, &own).await;
        assert!(is_of(&verdict(&city, &shown), &child), "{child}");

        counter(&city, &json!({ "end_grant": { "guardian": guardian, "ward": ward } }));
        // The phone has no credentials of this kind yet.
        choose(&page, "input[name=profile][value=photo]").await;
        until_text(&page, "#trouble", "guardian").await;
        choose(&page, "#family input[data-ward='']").await;
        choose(&page, "input[name=profile][value=name]").await;
        let verdict = verdict(&city, &next_code(&page, "").await);
        assert!(verdict["verdict"] == "accepted" && !is_of(&verdict, &child), "{verdict}");
        page.close().await.expect("the session ends");
    });
}

#[test]
fn a_bill_is_explained_line_by_line_and_paid_with_a_fresh_code_of_the_phone() {
    let Some(driver) = Driver::start() else { return };
    let city = City::start(&["--luminaires", "300"]);
    tokio::runtime::Runtime::new().expect("threads").block_on(async {
        let page = driver.browser(&[], json!({})).await;
        open_phone(&page, &city.page, "r-0004").await;
        click(&page, "#show-bills").await;
        until_text(&page, "#unpaid", "Nothing is to be paid").await;
        press(&page, "#visit button").await;
        until_text(&page, "#bill-state", "can be paid").await;
        nobody_pays_who_did_not_agree(&page).await;
        an_aunt_agrees_and_is_asked(&page, &city).await;

        let total = until_text(&page, ".split .sum.number", "¥").await;
        let reasons = "return document.querySelectorAll('.why li').length";
        until(&page, reasons, |count| count.as_u64() >= Some(2)).await;
        press(&page, "#bill-pay").await;
        until_text(&page, "#bill-state", "paid").await;
        until_text(&page, "#bill-sheet", "Receipt ").await;
        click(&page, "#bill-close").await;
        until_text(&page, "#paid", &total).await;
        until_text(&page, "#unpaid", "Nothing is to be paid").await;
        page.close().await.expect("the session ends");
    });
    let (code, bills) = city.ask(&["pay", "bills", "--resident", "r-0004", "--password", &city.password]);
    assert_eq!(code, Some(0), "{bills}");
    assert!(bills.contains("1 bills"), "{bills}");
}

async fn nobody_pays_who_did_not_agree(page: &Client) {
    fill(page, "#bill-family", "r-0005").await;
    until_text(page, "#bills-note", "a relative who agreed").await;
}

/// On a phone of her own.
async fn an_aunt_agrees_and_is_asked(page: &Client, city: &City) {
    let bill = page.window().await.expect("a window");
    let aunt = page.new_window(true).await.expect("a tab").handle;
    page.switch_to_window(aunt).await.expect("the tab");
    open_phone(page, &city.page, "r-0005").await;
    click(page, "#show-bills").await;
    page.execute("document.querySelector('#agree-to-pay').parentElement.open = true", Vec::new())
        .await
        .expect("open");
    fill(page, "#agree-for", "r-0004").await;
    press(page, "#agree-to-pay button").await;
    until_text(page, "#bills-note", "your account may pay for r-0004").await;
    page.close_window().await.expect("the tab closes");
    page.switch_to_window(bill).await.expect("the bill");
    fill(page, "#bill-family", "").await;
    fill(page, "#bill-family", "r-0005").await;
    until(page, "return document.querySelector('#bills-note').textContent", |note| note == "").await;
}

#[test]
fn a_broken_lamp_is_reported_from_the_street_and_the_operator_sees_it_until_it_is_repaired() {
    let Some(driver) = Driver::start() else { return };
    let city = City::start(&["--luminaires", "300"]);
    tokio::runtime::Runtime::new().expect("threads").block_on(async {
        let page = driver.browser(&[], json!({})).await;
        open_phone(&page, &city.page, "r-0006").await;
        click(&page, "#show-streets").await;
        until_text(&page, "#streets-lit", "lamps around home are lit").await;
        until_text(&page, "#streets-way", "on foot").await;
        let lamp =
            until(&page, "return document.querySelector('#report-lamp').value", |lamp| lamp != "").await;
        let lamp = lamp.as_str().expect("a lamp").to_owned();
        for _ in 0..2 {
            press(&page, "#report-button").await;
            until_text(
                &page,
                "#streets-note",
                &format!("{lamp} is reported; the lighting desk sees it. Residents who say so: 1"),
            )
            .await;
        }
        wait_for("the alarm", || is_reported(&city, &lamp).then_some(()));
        city.post(&format!("/api/lamps/{lamp}/repair"), &json!({}));
        wait_for("its end", || (!is_reported(&city, &lamp)).then_some(()));
        page.close().await.expect("the session ends");
    });
}

/// Whether the operator's list of alarms has a complaint about a lamp.
fn is_reported(city: &City, lamp: &str) -> bool {
    let alarms = city.get("/api/alarms");
    let is_it = |alarm: &Value| alarm["luminaire"] == lamp && alarm["kind"] == "complaint";
    alarms.as_array().expect("a list").iter().any(is_it)
}

#[test]
fn the_phone_installs_and_opens_without_the_city_and_goes_on_when_that_is_back() {
    let Some(driver) = Driver::start() else { return };
    let city = City::start(&["--luminaires", "200"]);
    tokio::runtime::Runtime::new().expect("threads").block_on(async {
        let page = driver.browser(&[], json!({})).await;
        open_phone(&page, &city.page, "r-0007").await;
        it_says_what_to_install(&page).await;
        // With this, everything is kept.
        until(&page, "return navigator.serviceWorker.controller !== null", |kept| *kept == true).await;
        let stock = "const { load } = await import('/assets/js/phone/store.js'); \
                     return Object.keys((await load('r-0007')).stock).length >= 5";
        while run(&page, stock).await != true {}

        city.process.pause();
        let code = open_phone(&page, &city.page, "r-0007").await;
        until_text(&page, "#standing", "does not answer. Codes go on without it").await;
        assert!(code.len() > 100);
        city.process.resume();
        until(&page, "return document.querySelector('#standing').textContent", |lines| lines == "").await;
        assert_eq!(verdict(&city, &next_code(&page, &code).await)["verdict"], "accepted");
        page.close().await.expect("the session ends");
    });
}

async fn it_says_what_to_install(page: &Client) {
    let script = "const manifest = await (await fetch(document.querySelector('link[rel=manifest]').href)).json(); \
                  const sizes = await Promise.all(manifest.icons.map(async ({ src }) => { \
                    const picture = new Image(); picture.src = src; await picture.decode(); return picture.naturalWidth; })); \
                  return [manifest.scope, manifest.display, sizes.slice(0, 2)]";
    assert_eq!(run(page, script).await, json!(["/phone", "standalone", [192, 512]]));
}

#[test]
fn what_goes_wrong_is_said_and_mends_itself() {
    let Some(driver) = Driver::start() else { return };
    let city = City::start(&["--luminaires", "200"]);
    tokio::runtime::Runtime::new().expect("threads").block_on(async {
        let page = driver.browser(&[], json!({})).await;
        page.goto(&format!("{}/phone?resident=r-9999", city.page)).await.expect("the phone");
        until_text(&page, "#standing", "Nobody in this city is r-9999").await;
        let code = open_phone(&page, &city.page, "r-0008").await;
        of_two_tabs_the_newest_shows_codes(&page, &city).await;
        a_suspended_resident_shows_none(&page, &city).await;
        a_clock_that_is_off_is_named_and_does_no_harm(&page, &city, &code).await;
        page.close().await.expect("the session ends");
    });
}

async fn of_two_tabs_the_newest_shows_codes(page: &Client, city: &City) {
    let first = page.window().await.expect("a window");
    let second = page.new_window(true).await.expect("a tab").handle;
    page.switch_to_window(second.clone()).await.expect("the tab");
    open_phone(page, &city.page, "r-0008").await;
    page.switch_to_window(first.clone()).await.expect("the first");
    until_text(page, "#standing", "open in another tab").await;
    until(page, CODE, |code| code == "").await;
    page.switch_to_window(second).await.expect("the second");
    page.close_window().await.expect("the tab closes");
    page.switch_to_window(first).await.expect("the first");
    next_code(page, "").await;
}

async fn a_suspended_resident_shows_none(page: &Client, city: &City) {
    counter(city, &json!({ "suspend": { "resident": "r-0008" } }));
    until_text(page, "#standing", "no longer stands by this identity").await;
    until(page, CODE, |code| code == "").await;
    counter(city, &json!({ "resume": { "resident": "r-0008" } }));
    next_code(page, "").await;
    until(page, "return document.querySelector('#card-valid').dataset.valid", |valid| valid == "true").await;
}

async fn a_clock_that_is_off_is_named_and_does_no_harm(page: &Client, city: &City, before: &str) {
    page.execute("const real = Date.now; Date.now = () => real() + 190_000", Vec::new())
        .await
        .expect("it is set");
    until_text(page, "#standing", "3 min 1").await;
    until_text(page, "#standing", "ahead of the city's").await;
    // Made by the city's time.
    press(page, "#refresh").await;
    let code = next_code(page, before).await;
    assert_eq!(verdict(city, &next_code(page, &code).await)["verdict"], "accepted");
}

/// What a clerk does at the issuer's counter.
fn counter(city: &City, order: &Value) {
    let (code, words) = city.ask(&["eid", "counter", &order.to_string(), "--password", &city.password]);
    assert_eq!(code, Some(0), "{words}");
}

/// Whether a verdict tells this resident's name.
fn is_of(verdict: &Value, resident: &Value) -> bool {
    let disclosed = verdict["disclosed"].as_object();
    disclosed.is_some_and(|told| {
        told.values().any(|value| *value == resident["name_zh"] || *value == resident["name_en"])
    })
}

/// Chooses one of several, as a click on its label does.
async fn choose(page: &Client, radio: &str) {
    let there = format!("return document.querySelector({}) !== null", json!(radio));
    until(page, &there, |there| there == true).await;
    let script = format!("document.querySelector({}).click()", json!(radio));
    page.execute(&script, Vec::new()).await.expect("a choice");
}

/// What an asynchronous script returns.
async fn run(page: &Client, script: &str) -> Value {
    let script = format!(
        "const done = arguments[arguments.length - 1]; \
         (async () => {{ {script} }})().then(done, (error) => done(`failed: ${{error}}`))"
    );
    page.execute_async(&script, Vec::new()).await.expect("the script runs")
}

async fn its_key_cannot_be_read(page: &Client) {
    let script = "const { load } = await import('/assets/js/phone/store.js'); \
                  const { privateKey } = (await load('r-0003')).pair; \
                  return [privateKey.extractable, await crypto.subtle.exportKey('jwk', privateKey).then(() => 'read', () => 'kept')]";
    assert_eq!(run(page, script).await, json!([false, "kept"]));
    let asked =
        "return performance.getEntriesByType('resource').filter(({ name }) => name.includes('/code')).length";
    assert_eq!(until(page, asked, Value::is_number).await, 0, "the issuer makes no code for it");
}

async fn what_is_on_the_screen_is_accepted_once(page: &Client, city: &City) {
    let (code, picture) = loop {
        let code = next_code(page, "").await;
        let screen =
            page.find(Locator::Css("#qr")).await.expect("a picture").screenshot().await.expect("a PNG");
        // Unless it changed meanwhile.
        if next_code(page, "").await == code {
            break (code, screen);
        }
    };
    assert_eq!(judged(city, &picture)["verdict"], "accepted");
    assert_eq!(verdict(city, &code)["reason"], "token_replayed");
}

async fn airplane_mode_asks_nobody_and_shows_codes_all_the_same(page: &Client, city: &City) {
    click(page, "#airplane").await;
    let asked = until(page, ASKED, Value::is_number).await;
    let before = page.execute(CODE, Vec::new()).await.expect("a code");
    // The next one comes by itself.
    let rotated = next_code(page, before.as_str().expect("text")).await;
    assert_eq!(verdict(city, &rotated)["verdict"], "accepted");
    press(page, "#refresh").await;
    assert_eq!(verdict(city, &next_code(page, &rotated).await)["verdict"], "accepted");
    assert_eq!(until(page, ASKED, Value::is_number).await, asked, "requests in airplane mode");
    click(page, "#airplane").await;
    until(page, ASKED, |now| now.as_u64() > asked.as_u64()).await;
}

/// By `rqrr`, in all versions that a code may have, both modes and both levels.
async fn every_symbol_is_read_back(page: &Client) {
    let texts: Vec<(String, &str)> = (1..=46)
        .flat_map(|n| {
            [("KITE +%/:".repeat(n * 3), "L"), ("kite 风筝 ".repeat(n), "M"), ("A1".repeat(n * 10), "M")]
        })
        .collect();
    let script = format!(
        "const {{ encodeQr }} = await import('/assets/js/phone/qr.js'); \
         return {}.map(([text, level]) => encodeQr(text, level).map((row) => row.map(Number)))",
        json!(texts)
    );
    let symbols: Vec<Vec<Vec<u8>>> =
        serde_json::from_value(run(page, &script).await).expect("rows of modules");
    for (rows, (text, level)) in symbols.iter().zip(&texts) {
        assert_eq!(read_back(rows).as_ref(), Some(text), "{} modules, level {level}", rows.len());
    }
    assert_eq!(symbols.iter().map(Vec::len).max(), Some(97), "modules of the largest one");
}

/// The text of a symbol, drawn with four pixels a module and a quiet zone.
fn read_back(rows: &[Vec<u8>]) -> Option<String> {
    const SCALE: usize = 4;
    const QUIET: usize = 4;
    let side = (rows.len() + 2 * QUIET) * SCALE;
    let light = |x: usize, y: usize| {
        let module = |at: usize| (at / SCALE).wrapping_sub(QUIET);
        if rows.get(module(y)).and_then(|row| row.get(module(x))) == Some(&1) { 0 } else { 255 }
    };
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(side, side, light);
    picture.detect_grids().first()?.decode().ok().map(|(_, text)| text)
}

fn verdict(city: &City, code: &str) -> Value {
    city.post("/api/kiosk/verify", &json!({ "code": code }))
}

/// What the kiosk makes of a picture.
fn judged(city: &City, picture: &[u8]) -> Value {
    let request = ureq::post(format!("{}/api/kiosk/frame", city.page)).content_type("image/png");
    request.send(picture).expect("an answer").body_mut().read_json().expect("JSON")
}
