//! A reader who asks from afar, and the phone that hears of it, in a real browser.

use std::cell::Cell;

use city_tests::browser::{Driver, click, open_phone, press, until_text};
use city_tests::{City, wait_for};
use fantoccini::Client;
use serde_json::{Value, json};

#[test]
fn a_phone_hears_who_asks_from_afar_and_tells_only_what_its_owner_agrees_to() {
    let Some(driver) = Driver::start() else { return };
    let city = City::start(&["--luminaires", "20", "--without", "residents"]);
    let reader = Reader::new(&city, "clinic-counter");
    tokio::runtime::Runtime::new().expect("threads").block_on(async {
        let page = driver.browser(&[], json!({})).await;
        open_phone(&page, &city.page, "r-0042").await;

        let denied = reader.asks("r-0042");
        look(&page).await;
        press(&page, "#challenge-deny").await;
        until_text(&page, "#consent-told", "Clinic counter was told that you do not agree").await;
        assert_eq!(reader.hears(&denied)["state"], "denied");

        let agreed = reader.asks("r-0042");
        look(&page).await;
        press(&page, "#challenge-agree").await;
        until_text(&page, "#consent-told", "Clinic counter was told what you agreed to").await;
        let answer = reader.hears(&agreed)["answer"].clone();
        assert_eq!((&answer["verdict"], &answer["resident"]), (&json!("valid"), &json!("r-0042")));

        in_airplane_mode_it_waits(&page, &reader).await;
        assert_eq!(driver.trouble(&page).await, [""; 0]);
        page.close().await.expect("the session ends");
    });
}

/// Whatever the owner looks at, the question is told; its button leads there.
async fn look(page: &Client) {
    click(page, "#show-streets").await;
    until_text(page, "#standing", "Clinic counter asks you for: Name.").await;
    click(page, "#standing [data-kind=asked] button").await;
    until_text(page, "#challenge-asks", "Clinic counter asks for: Name. Do you agree?").await;
}

async fn in_airplane_mode_it_waits(page: &Client, reader: &Reader<'_>) {
    click(page, "#airplane").await;
    reader.asks("r-0042");
    until_text(page, "#standing", "Airplane mode").await;
    let standing = "return document.querySelector('#standing').textContent.includes('asks you for')";
    assert_eq!(page.execute(standing, Vec::new()).await.expect("an answer"), json!(false));
    click(page, "#airplane").await;
    until_text(page, "#standing", "Clinic counter asks you for: Name.").await;
}

/// A reader with a token, as a program of its own would be.
struct Reader<'a> {
    city: &'a City,
    token: String,
    /// Requests so far: each has a key of its own.
    asked: Cell<u32>,
}

impl<'a> Reader<'a> {
    fn new(city: &'a City, name: &str) -> Self {
        let told = Self { city, token: city.password.clone(), asked: Cell::new(0) }.get("/v1/admin/readers");
        let readers = told["readers"].as_array().expect("readers");
        let own = readers.iter().find(|reader| reader["reader"] == name).expect("the reader");
        Self { city, token: own["token"].as_str().expect("a token").to_owned(), asked: Cell::new(0) }
    }

    /// Asks for a name; the id of the request.
    fn asks(&self, resident: &str) -> String {
        let request = ureq::post(format!("{}/v1/requests", self.city.page));
        let request = request
            .header("Idempotency-Key", format!("question-{}", self.asked.replace(self.asked.get() + 1)));
        let request = request.header("Authorization", format!("Bearer {}", self.token));
        let mut asked =
            request.send_json(json!({ "resident": resident, "profile": "name" })).expect("an answer");
        let asked: Value = asked.body_mut().read_json().expect("JSON");
        asked["request"].as_str().expect("an id").to_owned()
    }

    /// What became of a request.
    fn hears(&self, request: &str) -> Value {
        wait_for("an answer", || {
            let told = self.get(&format!("/v1/requests/{request}"));
            (told["state"] != "waiting").then_some(told)
        })
    }

    fn get(&self, path: &str) -> Value {
        let request = ureq::get(format!("{}{path}", self.city.page));
        let answer = request.header("Authorization", format!("Bearer {}", self.token)).call();
        answer.expect("an answer").body_mut().read_json().expect("JSON")
    }
}
