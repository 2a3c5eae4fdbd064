//! The operator's pages: console, bus view, scenarios.

use city_tests::browser::{DESK, Driver, click, fill, picture, until, until_text};
use city_tests::{City, Outsider};
use fantoccini::Client;
use serde_json::{Value, json};

#[test]
fn an_operator_commands_a_cabinet_sees_its_outage_looks_back_reads_the_bus_and_plays_a_scenario() {
    let Some(driver) = Driver::start() else { return };
    let city = City::start(&["--luminaires", "300", "--speed", "60"]);
    tokio::runtime::Runtime::new().expect("threads").block_on(async {
        let page = driver.browser(&[], json!({})).await;
        page.goto(&city.page).await.expect("the console");
        until(&page, "return window.kitecity ? window.kitecity.litCount() : 0", |lit| lit == 300).await;
        both_languages_have_the_same_words(&page).await;
        what_is_unknown_is_said_and_a_cabinet_is_found_and_dimmed(&page).await;
        a_fault_has_its_severities(&page).await;
        an_outage_is_one_incident_with_its_lamps_inside(&page, &city).await;
        a_step_ends_in_a_pause_to_the_minute(&page).await;
        the_past_is_marked_and_the_present_comes_back(&page).await;
        the_bus_can_be_read_and_what_nobody_understood_is_told(&page, &city).await;
        a_scenario_is_played_to_its_report(&page, &city).await;
        assert_eq!(driver.trouble(&page).await, [""; 0]);
        page.close().await.expect("the session ends");
    });
}

async fn both_languages_have_the_same_words(page: &Client) {
    let script = "const done = arguments[0]; \
                  Promise.all(['en', 'zh'].map((name) => import(`/assets/js/i18n/${name}.js`))).then(([en, zh]) => { \
                    const [a, b] = [Object.keys(en.default), Object.keys(zh.default)]; \
                    done([...a.filter((key) => !b.includes(key)), ...b.filter((key) => !a.includes(key))]); \
                  })";
    assert_eq!(page.execute_async(script, Vec::new()).await.expect("two dictionaries"), json!([]));
}

async fn what_is_unknown_is_said_and_a_cabinet_is_found_and_dimmed(page: &Client) {
    fill(page, "#search-id", "l-9999").await;
    click(page, "#search button").await;
    until_text(page, "#notice", "There is no “l-9999”").await;

    fill(page, "#search-id", "c-0002").await;
    click(page, "#search button").await;
    until_text(page, "#group-title", "Cabinet c-0002").await;
    until_text(page, "#group-counts", "lamps").await;
    fill(page, "#group-level", "40").await;
    click(page, "#group-dim [type=submit]").await;
    until_text(page, "#group-tally", "successful").await;
    until_text(page, "#group-mean", "40").await;
}

async fn a_fault_has_its_severities(page: &Client) {
    page.execute("window.kitecity.select('l-0001')", Vec::new()).await.expect("a lamp");
    until_text(page, "#lamp-title", "l-0001").await;
    let hidden = "return document.querySelector('#fault-severity-row').hidden";
    until(page, hidden, |hidden| hidden == true).await;
    fill(page, "#lamp-fault", "brownout").await;
    until(page, hidden, |hidden| hidden == false).await;
    fill(page, "#fault-severity", "90").await;
    click(page, "#lamp-break").await;
    until_text(page, "#notice", "expected 120 to 210").await;
    fill(page, "#fault-severity", "150").await;
    click(page, "#lamp-break").await;
    until_text(page, "#notice", "it is broken").await;
    until_text(page, "#alarms", "l-0001").await;
}

async fn an_outage_is_one_incident_with_its_lamps_inside(page: &Client, city: &City) {
    let cabinet = city.get("/api/city")["cabinets"][1].clone();
    let district = cabinet["district"].as_str().expect("a district").to_owned();
    let trip = json!({ "v": 1, "d": { "trip": { "circuit": 1, "phases": ["R", "S", "T"] } } });
    let topic = format!("kitecity/v1/demo/sim/fault/{district}/c-0002");
    publish(city, &topic, &trip.to_string());
    let incident = until_text(page, "#alarms", "Breaker tripped").await;
    assert!(incident.contains("c-0002 · Circuit 1 · RST"), "{incident}");
    click(page, ".incident button").await;
    until_text(page, "#group-title", "Circuit 1 of c-0002").await;
    until_text(page, "#group-circuits", "breaker tripped: RST").await;
    click(page, "#zoom-all").await;
    picture(page, "console", DESK).await;
}

async fn a_step_ends_in_a_pause_to_the_minute(page: &Client) {
    let stands = "return document.querySelector('#speeds [data-paused]').getAttribute('aria-pressed') === 'true' \
                  ? window.kitecity.now() : null";
    click(page, "#speeds [data-paused]").await;
    let before = until(page, stands, |now| !now.is_null()).await;
    let wanted = before.as_f64().expect("a moment") + 600_000.0;
    click(page, "#steps [data-step='10']").await;
    until(page, stands, |now| now.as_f64() == Some(wanted)).await;
}

async fn the_past_is_marked_and_the_present_comes_back(page: &Client) {
    let before_dusk = "const slide = document.querySelector('#timeline-at'); slide.value = slide.min; \
                       slide.dispatchEvent(new Event('input')); return Number(slide.max) > 1e9";
    until(page, before_dusk, |ready| ready == true).await;
    until_text(page, "#past", "The map shows").await;
    let lit = "return window.kitecity.litCount()";
    until(page, lit, |lit| lit.as_u64().is_some_and(|lit| lit < 250)).await;
    click(page, "#past-now").await;
    until(page, lit, |lit| lit.as_u64().is_some_and(|lit| lit >= 250)).await;
    until(page, "return document.querySelector('#past').hidden", |hidden| hidden == true).await;
}

async fn the_bus_can_be_read_and_what_nobody_understood_is_told(page: &Client, city: &City) {
    let topic = city.lamp_topic("l-0003", "down/cmd");
    publish(city, &topic, r#"{"v":1,"id":"x","d":{"level":400}}"#);
    page.goto(&format!("{}/bus", city.page)).await.expect("the bus view");
    until_text(page, "#dead", "l-0003/down/cmd").await;

    fill(page, "#filter", "light/#/up").await;
    click(page, "#filter-form [type=submit]").await;
    until_text(page, "#filter-problem", "`light/#/up` is no MQTT filter").await;
    fill(page, "#filter", "sim/clock").await;
    click(page, "#filter-form [type=submit]").await;
    until_text(page, "#messages", "sim/clock").await;
    click(page, "#messages button").await;
    until_text(page, "#message-payload", "\"speed\": 60").await;
    fill(page, "#filter", "light/#").await;
    click(page, "#filter-form [type=submit]").await;
    until_text(page, "#messages", "up/state").await;
    click(page, "#messages li:nth-child(3) button").await;
    until_text(page, "#message-payload", "\"d\"").await;
    picture(page, "bus", DESK).await;
}

async fn a_scenario_is_played_to_its_report(page: &Client, city: &City) {
    page.goto(&format!("{}/scenarios", city.page)).await.expect("the scenarios");
    click(page, "[data-row='copied-code.toml']").await;
    until_text(page, "#run-badge", "passed").await;
    let all_true =
        "return [...document.querySelectorAll('#expectations li')].map((line) => line.dataset.state)";
    let states = until(page, all_true, |states| *states != json!([])).await;
    assert!(states.as_array().expect("a list").iter().all(|state| state == "passed"), "{states}");
    picture(page, "scenarios", DESK).await;
    page.goto(&format!("{}/api/scenarios/run/report", city.page)).await.expect("the report");
    until_text(page, "h1", "A code shown twice").await;
}

/// On a thread of its own: an MQTT client that waits must not do so where the browser's answers come in.
fn publish(city: &City, topic: &str, payload: &str) {
    let (port, password) = (city.mqtt_port, city.password.as_str());
    let said = || Outsider::connect(port, "outage", Some(("operator", password))).publish(topic, payload);
    std::thread::scope(|scope| scope.spawn(said).join()).expect("published");
}

/// How fast the map of 20,000 lamps is drawn here. Prints, and judges nothing: it depends on the machine.
#[test]
#[ignore = "measures: cargo test -p city-tests --test browser_console -- --ignored --nocapture"]
fn frames_of_20000_lamps() {
    let Some(driver) = Driver::start() else { return };
    let city = City::start(&["--luminaires", "20000", "--speed", "60"]);
    tokio::runtime::Runtime::new().expect("threads").block_on(async {
        let page = driver.browser(&[], json!({})).await;
        page.goto(&city.page).await.expect("the console");
        until(&page, "return window.kitecity ? window.kitecity.litCount() : 0", |lit| {
            lit.as_u64().is_some_and(|lit| lit > 19_000)
        })
        .await;
        city.post("/api/clock", &json!({ "paused": true }));
        for work in ["still", "updates", "pan", "zoom"] {
            let frames = page.execute_async(FRAMES, vec![json!(work)]).await.expect("frames");
            eprintln!("{work}: {}", frames_in_words(&frames));
        }
    });
}

fn frames_in_words(frames: &Value) -> String {
    format!("{} frames/s, median {} ms, p95 {} ms", frames["per_s"], frames["p50_ms"], frames["p95_ms"])
}

/// Five seconds of frames while the map stands, while 2,000 lamps a second change, while it is moved, while it is zoomed.
const FRAMES: &str = r"
const [work, done] = arguments;
const [map, lamps] = [window.kitecity.map, window.kitecity.lampCount()];
const any = (count) => Math.floor(Math.random() * count);
const change = () => map.updateLamps(Array.from({ length: 200 }, () => [any(lamps), any(101), 50, 1]));
const changing = work === 'updates' ? setInterval(change, 100) : null;
const times = [];
const began = performance.now();
let last = began;
function frame(now) {
  times.push(now - last);
  last = now;
  const step = times.length;
  const key = step % 320 < 160 ? 'ArrowLeft' : 'ArrowRight';
  if (work === 'pan' && step % 8 === 0) document.querySelector('#map').dispatchEvent(new KeyboardEvent('keydown', { key }));
  if (work === 'zoom') map.zoom(step % 60 < 30 ? 1.03 : 1 / 1.03);
  if (now - began < 5000) return requestAnimationFrame(frame);
  clearInterval(changing);
  times.sort((a, b) => a - b);
  const at = (part) => Math.round(times[Math.floor(times.length * part)] * 10) / 10;
  done({ per_s: Math.round(times.length / 5), p50_ms: at(0.5), p95_ms: at(0.95) });
}
requestAnimationFrame(frame);
";
