//! The attack desk in a real browser: nine attacks on a living city, and who says no to each.

use city_tests::City;
use city_tests::browser::{DESK, Driver, click, picture, until, until_text};
use fantoccini::Client;
use serde_json::json;
use tokio::runtime::Runtime;

/// Each attack, who must stop it, and by which code.
const ATTACKS: [(&str, &str, &str); 9] = [
    ("screenshot", "Refused by the e-ID verifier", "token_replayed"),
    ("tamper", "Refused by the e-ID verifier", ""),
    ("stale_clock", "Refused by the e-ID verifier", "token_expired"),
    ("second_phone", "Refused by the e-ID verifier", "holder_proof_invalid"),
    ("revoked_card", "Refused by the e-ID verifier", "credential_revoked"),
    ("compromised_key", "Refused by the e-ID verifier", "issuer_key_revoked"),
    ("double_spend", "Refused by the payer", "presettlement_stale"),
    ("pulled_feeder", "Noticed by the lighting service", "circuit_breaker_tripped"),
    ("cut_cable", "Nothing was lost", "nothing_lost"),
];

#[test]
fn nine_attacks_are_stopped_each_by_the_one_whose_business_it_is() {
    let Some(driver) = Driver::start() else { return };
    let city = City::start(&["--luminaires", "120", "--speed", "60", "--without", "residents"]);
    Runtime::new().expect("threads").block_on(async {
        let page = driver.browser(&[], json!({})).await;
        page.goto(&format!("{}/attack", city.page)).await.expect("the desk");
        for (attack, who, code) in ATTACKS {
            click(&page, &format!("[data-attack={attack}]")).await;
            until(&page, &result_of(attack), |result| result == "✓ The city held").await;
            let told = until_text(&page, "#story .end", who).await;
            assert!(told.contains(code), "{attack}: {told}");
            if attack == "pulled_feeder" {
                picture(&page, "attack", DESK).await;
            }
        }
        every_word_is_there_in_chinese(&page).await;
        assert_eq!(driver.trouble(&page).await, Vec::<String>::new());
        page.close().await.expect("the session ends");
    });
}

#[test]
fn an_attack_without_a_verifier_proves_nothing_and_says_so() {
    let Some(driver) = Driver::start() else { return };
    let city = City::start(&["--luminaires", "20", "--without", "verifier"]);
    Runtime::new().expect("threads").block_on(async {
        let page = driver.browser(&[], json!({})).await;
        page.goto(&format!("{}/attack", city.page)).await.expect("the desk");
        click(&page, "[data-attack=screenshot]").await;
        until_text(&page, "#story .end", "the e-ID verifier does not answer on the bus").await;
        until(&page, &result_of("screenshot"), |result| result == "– Not done").await;
        page.close().await.expect("the session ends");
    });
}

fn result_of(attack: &str) -> String {
    format!("return document.querySelector('[data-attack={attack}] .result')?.textContent ?? ''")
}

/// Also what was told of the last attack; and both languages have the same words, on all pages.
async fn every_word_is_there_in_chinese(page: &Client) {
    click(page, "#language").await;
    let told = until_text(page, "#story .end", "没有丢失任何东西").await;
    assert!(!told.contains("attack."), "{told}");
    let differing = "return Promise.all(['en', 'zh'].map((name) => import(`/assets/js/i18n/${name}.js`))) \
        .then(([en, zh]) => [en.default, zh.default].map((words) => Object.keys(words))) \
        .then(([en, zh]) => [...en.filter((key) => !zh.includes(key)), ...zh.filter((key) => !en.includes(key))])";
    until(page, differing, |keys| *keys == json!([])).await;
}
