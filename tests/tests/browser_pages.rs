//! What holds for every page: nobody is shut out, nothing fails, and nothing is asked of anyone but the city.

use std::io::Write as _;
use std::path::Path;

use city_tests::City;
use city_tests::browser::{Driver, click, press, until};
use fantoccini::Client;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// The other parts of the phone, and what is there once they have heard from the city.
const PARTS: [(&str, &str); 3] =
    [("bills", "#unpaid li"), ("streets", "#streets-map circle"), ("history", "#history *")];

/// Each page of this machine, and what is there once it has come to life.
const PAGES: [(&str, &str); 7] = [
    ("/", ".figures"),
    ("/bus", "main"),
    ("/scenarios", "main"),
    ("/phone?resident=r-0003", "#code-text"),
    ("/kiosk", "#verdict"),
    ("/till", "main"),
    ("/attack", "[data-attack=screenshot]"),
];

/// The engine that looks for what shuts people out: `npm install --no-save --prefix target/npm axe-core`.
fn axe() -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/npm/node_modules/axe-core/axe.min.js");
    let found = std::fs::read_to_string(path).ok();
    if found.is_none() {
        assert!(
            std::env::var_os("KITECITY_TEST_ALL").is_none(),
            "KITECITY_TEST_ALL is set and axe-core is missing"
        );
        // Written past the test harness, which would keep it to itself.
        let _ = writeln!(std::io::stderr(), "SKIPPED: this test needs axe-core, which is not installed");
    }
    found
}

#[test]
fn every_page_is_open_to_all_and_asks_nobody_but_the_city() {
    let (Some(driver), Some(axe)) = (Driver::start(), axe()) else { return };
    let city = City::start(&["--luminaires", "60", "--speed", "60", "--lan", "127.0.0.1:0"]);
    let printed = city.printed("lan ");
    let (network, _) = printed.split_once("/  PIN ").expect("where, and the PIN");
    let mut found = Vec::new();
    Runtime::new().expect("threads").block_on(async {
        for size in ["--window-size=1440,900", "--window-size=500,900"] {
            let page = driver.browser(&[size.to_owned()], json!({})).await;
            let mut look = async |place: &str, path: &str, alive: &str| {
                until_there(&page, alive).await;
                for seen in [
                    violations(&page, &axe).await,
                    strangers(&page, place).await,
                    json!(driver.trouble(&page).await),
                ] {
                    if seen != json!([]) {
                        found.push(format!("{path} with {size}: {seen:#}"));
                    }
                }
            };
            for (path, alive) in PAGES {
                page.goto(&format!("{}{path}", city.page)).await.expect("the page");
                look(&city.page, path, alive).await;
                if path.starts_with("/phone") {
                    press(&page, "#spoken-ask").await;
                    look(&city.page, "the spoken digits", "#spoken:not([hidden])").await;
                    for (part, alive) in PARTS {
                        click(&page, &format!("#show-{part}")).await;
                        look(&city.page, part, alive).await;
                    }
                }
            }
            page.goto(&format!("{network}/pair")).await.expect("the page");
            look(network, "/pair", "#pin").await;
            page.close().await.expect("the session ends");
        }
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}

async fn until_there(page: &Client, selector: &str) {
    let script = format!("return document.querySelector({}) !== null", json!(selector));
    until(page, &script, |there| there == true).await;
}

/// What the engine finds: each rule that is broken, and where.
async fn violations(page: &Client, axe: &str) -> Value {
    page.execute(axe, Vec::new()).await.expect("the engine loads");
    let script = "const done = arguments[arguments.length - 1]; \
                  axe.run().then((found) => done(found.violations.map((rule) => \
                  [rule.id, rule.help, rule.nodes.map((node) => node.html.slice(0, 200))])))";
    page.execute_async(script, Vec::new()).await.expect("the engine runs")
}

/// Requests that went elsewhere.
async fn strangers(page: &Client, city: &str) -> Value {
    let script = format!(
        "return performance.getEntriesByType('resource').map((entry) => entry.name) \
         .filter((name) => !name.startsWith({city}) && !name.startsWith('data:') && !name.startsWith('blob:'))",
        city = json!(city)
    );
    page.execute(&script, Vec::new()).await.expect("the script runs")
}
