//! A code that no camera reads: eight digits from the phone to a counter, in a real browser.

use city_tests::City;
use city_tests::browser::{Driver, click, fill, open_phone, press, until, until_text};
use fantoccini::Client;
use serde_json::json;

#[test]
fn digits_read_from_a_phone_are_accepted_once_at_the_kiosk_and_pay_at_the_till() {
    let Some(driver) = Driver::start() else { return };
    let city = City::start(&["--luminaires", "20", "--without", "residents"]);
    tokio::runtime::Runtime::new().expect("threads").block_on(async {
        let phone = driver.browser(&[], json!({})).await;
        let desk = driver.browser(&[], json!({})).await;
        open_phone(&phone, &city.page, "r-0042").await;
        in_airplane_mode_there_are_none(&phone).await;

        desk.goto(&format!("{}/kiosk", city.page)).await.expect("the kiosk");
        assert_eq!(judged(&desk, "0000 0000", "refused").await, "spoken_unknown");
        let digits = spoken(&phone).await;
        assert_eq!(judged(&desk, &digits, "accepted").await, "");
        assert_eq!(judged(&desk, &digits, "refused").await, "token_replayed");

        // What they stand for is what the phone shows: with another choice they are gone.
        phone
            .execute("document.querySelector('input[name=profile][value=age]').click()", Vec::new())
            .await
            .expect("a choice");
        until(&phone, "return document.querySelector('#spoken').hidden", |hidden| hidden == true).await;
        phone
            .execute("document.querySelector('input[name=profile][value=name]').click()", Vec::new())
            .await
            .expect("a choice");
        a_bill_is_paid(&desk, &city, &phone).await;
        for browser in [phone, desk] {
            assert_eq!(driver.trouble(&browser).await, [""; 0]);
            browser.close().await.expect("the session ends");
        }
    });
}

async fn in_airplane_mode_there_are_none(phone: &Client) {
    click(phone, "#airplane").await;
    press(phone, "#spoken-ask").await;
    until_text(phone, "#spoken-note", "This phone is in airplane mode").await;
    click(phone, "#airplane").await;
}

/// The digits that the phone shows, as they are grouped there.
async fn spoken(phone: &Client) -> String {
    press(phone, "#spoken-ask").await;
    until_text(phone, "#spoken-left", "good for").await;
    let digits = until_text(phone, "#spoken-digits", " ").await;
    let groups: Vec<_> = digits.split(' ').map(str::len).collect();
    assert_eq!(groups, [4, 4], "{digits}");
    digits
}

/// Types at the kiosk, and tells the reason that stands below the verdict.
async fn judged(kiosk: &Client, digits: &str, verdict: &str) -> String {
    fill(kiosk, "#paste-code", digits).await;
    click(kiosk, "#verify-button").await;
    until(kiosk, "return document.querySelector('#verdict').dataset.verdict", |told| told == verdict).await;
    let reason = "return document.querySelector('#verdict code')?.textContent ?? ''";
    until(kiosk, reason, |reason| reason.is_string()).await.as_str().expect("text").to_owned()
}

async fn a_bill_is_paid(till: &Client, city: &City, phone: &Client) {
    till.goto(&format!("{}/till", city.page)).await.expect("the till");
    until(till, "return document.querySelector('#provider').value", |it| it == "h-0001").await;
    fill(till, "#patient", "r-0042").await;
    click(till, "#treat").await;
    until_text(till, "#bill-state", "to be paid").await;
    fill(till, "#code", &spoken(phone).await).await;
    click(till, "#pay-button").await;
    until_text(till, "#outcome", "Paid: ¥").await;
}
