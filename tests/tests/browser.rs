//! The pages, in a real browser.

use city_tests::City;
use city_tests::browser::{Driver, click, until};
use fantoccini::{Client, Locator};
use serde_json::{Value, json};

#[test]
fn the_map_lights_up_and_a_code_of_the_phone_is_good_at_the_kiosk_once() {
    let Some(driver) = Driver::start() else { return };
    let city = City::start(&["--luminaires", "300", "--speed", "600"]);
    tokio::runtime::Runtime::new().expect("threads").block_on(async {
        let page = driver.browser(&[], json!({})).await;
        page.goto(&city.page).await.expect("the console");
        until(&page, "return window.kitecity ? window.kitecity.lampCount() : 0", |count| count == 300).await;
        until(&page, "return window.kitecity.litCount()", |count| count.as_u64() == Some(300)).await;

        page.goto(&format!("{}/phone?resident=r-0003", city.page)).await.expect("the phone");
        let script = "const code = document.querySelector('#code-text'); \
                      return code ? (code.value || code.textContent).trim() : ''";
        let code = until(&page, script, |code| code.as_str().is_some_and(|code| code.len() > 100)).await;

        page.goto(&format!("{}/kiosk", city.page)).await.expect("the kiosk");
        assert_eq!(verdict(&page, code.as_str().expect("text"), "accepted").await, "accepted");
        assert_eq!(verdict(&page, code.as_str().expect("text"), "refused").await, "refused");
        a_question_is_answered_if_its_owner_agrees(&page, &city).await;
        page.close().await.expect("the session ends");
    });
}

/// The kiosk asks as the museum; the phone puts the question to its owner, and the museum takes the answer.
async fn a_question_is_answered_if_its_owner_agrees(page: &Client, city: &City) {
    let choose = "const reader = document.querySelector('#reader'); reader.value = 'museum'; \
                  reader.dispatchEvent(new Event('change'))";
    page.execute(choose, Vec::new()).await.expect("a reader is chosen");
    let asked = "return document.querySelector('#challenge').hidden ? '' \
                 : document.querySelector('#challenge-text').textContent";
    let question =
        until(page, asked, |text| text.as_str().is_some_and(|text| text.starts_with("EIDC:"))).await;
    let question = question.as_str().expect("text").to_owned();
    let kiosk = page.window().await.expect("a window");
    let phone = page.new_window(true).await.expect("a tab");
    page.switch_to_window(phone.handle).await.expect("the tab");
    page.goto(&format!("{}/phone?resident=r-0003", city.page)).await.expect("the phone");
    let code = "return document.querySelector('#code-text').value";
    let before = until(page, code, |code| code.as_str().is_some_and(|code| code.len() > 100)).await;
    page.find(Locator::Css("#challenge-text"))
        .await
        .expect("a field")
        .send_keys(&question)
        .await
        .expect("keys");
    let asks = "return document.querySelector('#challenge-asks').textContent";
    until(page, asks, |text| text.as_str().is_some_and(|text| text.starts_with("Museum asks for: Age")))
        .await;
    click(page, "#challenge-agree").await;
    let is_answer = |code: &Value| *code != before && code.as_str().is_some_and(|code| code.len() > 100);
    let answer = until(page, code, is_answer).await;
    page.switch_to_window(kiosk).await.expect("the kiosk");
    assert_eq!(verdict(page, answer.as_str().expect("text"), "accepted").await, "accepted");
}

/// Pastes a code at the kiosk, and waits for the verdict.
async fn verdict(kiosk: &Client, code: &str, expected: &str) -> Value {
    let paste = format!("document.querySelector('#paste-code').value = {}", json!(code));
    kiosk.execute(&paste, Vec::new()).await.expect("the code is pasted");
    click(kiosk, "#verify-button").await;
    let script = "return document.querySelector('#verdict').dataset.verdict || ''";
    until(kiosk, script, |verdict| verdict == expected).await
}
