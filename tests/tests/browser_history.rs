//! What a resident's phone tells of who looked at their identity, in a real browser.

use city_tests::City;
use city_tests::browser::{Driver, PHONE, click, next_code, open_phone, picture, until, until_text};
use fantoccini::Client;
use serde_json::{Value, json};

#[test]
fn a_resident_reads_who_was_told_what_and_what_was_refused_also_when_the_city_is_not_asked() {
    let Some(driver) = Driver::start() else { return };
    let city = City::start(&["--luminaires", "60"]);
    tokio::runtime::Runtime::new().expect("threads").block_on(async {
        let page = driver.browser(&[], json!({})).await;
        let code = open_phone(&page, &city.page, "r-0003").await;
        click(&page, "#show-history").await;
        until_text(&page, "#history", "Nobody yet").await;

        assert_eq!(verdict(&city, &code, &json!({ "reader": "hospital" })), "accepted");
        let told = until_text(&page, "#history", "Was told: ").await;
        assert!(told.contains("Hospital registration") && told.contains("Date of birth"), "{told}");
        for _ in 0..2 {
            assert_eq!(verdict(&city, &code, &json!({})), "refused");
        }
        let told = until_text(&page, "#history", "2 times in a row").await;
        assert!(told.contains("A kiosk") && told.contains("Refused: "), "{told}");
        let newest = "return document.querySelector('#history li').dataset.verdict";
        until(&page, newest, |verdict| verdict == "refused").await;

        another_resident_reads_nothing_of_it(&page, &city).await;
        without_the_city_it_says_how_old_it_is(&page, &city).await;
        click(&page, "#language").await;
        until_text(&page, "#history", "连续 2 次").await;
        assert_eq!(driver.trouble(&page).await, [""; 0]);
        page.close().await.expect("the session ends");
    });
}

async fn another_resident_reads_nothing_of_it(page: &Client, city: &City) {
    open_phone(page, &city.page, "r-0005").await;
    click(page, "#show-history").await;
    until_text(page, "#history", "Nobody yet").await;
    let code = open_phone(page, &city.page, "r-0003").await;
    next_code(page, &code).await;
    picture(page, "phone", PHONE).await;
    click(page, "#show-history").await;
    until_text(page, "#history", "2 times in a row").await;
}

async fn without_the_city_it_says_how_old_it_is(page: &Client, city: &City) {
    let note = "return document.querySelector('#history-note').textContent";
    click(page, "#airplane").await;
    until_text(page, "#history-note", "Airplane mode: the city is not asked. What stands here was heard at")
        .await;
    until_text(page, "#history", "2 times in a row").await;
    click(page, "#airplane").await;
    until(page, note, |note| note == "").await;
    city.process.pause();
    until_text(page, "#history-note", "The city does not answer; this page asks again by itself. What").await;
    city.process.resume();
    until(page, note, |note| note == "").await;
}

fn verdict(city: &City, code: &str, asking: &Value) -> Value {
    city.post("/api/kiosk/verify", &json!({ "code": code, "asking": asking }))["verdict"].clone()
}
