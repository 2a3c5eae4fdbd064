//! A city that ends and starts again, under every page that is open.

use city_tests::browser::{Driver, click, open_phone, until, until_text};
use city_tests::{City, free_port};
use fantoccini::Client;
use serde_json::json;

/// Every desk of this machine, and what is there once it has heard from the city.
const DESKS: [(&str, &str); 6] = [
    ("/", "return window.kitecity?.lampCount() === 60"),
    ("/bus", "return document.querySelectorAll('#topics tr').length > 3"),
    ("/scenarios", "return document.querySelectorAll('#scenarios li').length > 3"),
    ("/kiosk", "return document.querySelectorAll('#reader option').length > 1"),
    ("/till", "return document.querySelectorAll('#provider option').length > 1"),
    ("/attack", "return document.querySelectorAll('[data-attack]').length === 9"),
];

#[test]
fn every_page_says_that_the_city_is_lost_and_goes_on_by_itself_when_it_is_back() {
    let Some(driver) = Driver::start() else { return };
    let [here, network, bus] = [0; 3].map(|_| format!("127.0.0.1:{}", free_port()));
    let arguments = ["--luminaires", "60", "--http-listen", &here, "--lan", &network, "--mqtt-listen", &bus];
    let mut city = City::start(&arguments);
    tokio::runtime::Runtime::new().expect("threads").block_on(async {
        let page = driver.browser(&[], json!({})).await;
        for (path, alive) in DESKS {
            open_tab(&page, &format!("{}{path}", city.page)).await;
            until(&page, alive, |alive| alive == true).await;
        }
        open_tab(&page, &format!("http://{network}/pair")).await;
        open_tab(&page, "about:blank").await;
        let code = open_phone(&page, &city.page, "r-0003").await;

        assert!(city.process.interrupt().success());
        until_text(&page, "#standing", "The city does not answer").await;
        at_each_desk(&page, false).await;

        city = City::start(&arguments);
        at_each_desk(&page, true).await;
        until(&page, "return document.querySelector('#standing').textContent", |told| told == "").await;
        assert_ne!(city_tests::browser::next_code(&page, &code).await, code);
        what_was_open_before_works_again(&page).await;
        page.close().await.expect("the session ends");
    });
}

async fn open_tab(page: &Client, url: &str) {
    let tab = page.new_window(true).await.expect("a tab").handle;
    page.switch_to_window(tab).await.expect("the tab");
    page.goto(url).await.expect("the page");
}

/// Looks into every tab but the first, which is empty, and the last, which is the phone; that one is looked at again
/// in the end.
async fn at_each_desk(page: &Client, is_there: bool) {
    let tabs = page.windows().await.expect("tabs");
    let [_, desks @ .., phone] = &tabs[..] else { panic!("{} tabs", tabs.len()) };
    assert_eq!(desks.len(), DESKS.len() + 1, "and the page where a PIN is shown");
    for desk in desks {
        page.switch_to_window(desk.clone()).await.expect("the tab");
        until(page, "return document.querySelector('#lost').hidden", |hidden| *hidden == is_there).await;
    }
    page.switch_to_window(phone.clone()).await.expect("the phone");
}

/// Without a reload by hand: the kiosk asks as a reader, an attack is done.
async fn what_was_open_before_works_again(page: &Client) {
    let tabs = page.windows().await.expect("tabs");
    let at = |path: &str| 1 + DESKS.iter().position(|(desk, _)| *desk == path).expect("a desk");
    for (path, alive) in DESKS {
        page.switch_to_window(tabs[at(path)].clone()).await.expect("the tab");
        until(page, alive, |alive| alive == true).await;
    }
    click(page, "[data-attack=tamper]").await;
    until_text(page, "#story .end", "Refused by the e-ID verifier").await;
}
