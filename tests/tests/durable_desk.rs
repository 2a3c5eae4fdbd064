//! A payer that is killed between, and in the middle of, admissions, deposits, interim bills and vouchers of a terminal:
//! each of them happened once.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use city_tests::{City, Outsider, Process, kitecity};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// The settings of the city, which the payer shares.
const SETTINGS: [&str; 4] = ["--luminaires", "120", "--secret", "kite"];
/// How often the payer is killed; with `KITECITY_TEST_ALL`, ten times as often.
const KILLS: u64 = 8;
/// Stays, and vouchers, for each kill.
const ROUNDS: u64 = 2;
/// How long the bus may be quiet before something unanswered is asked again.
const RETRY: Duration = Duration::from_millis(300);
/// What is deposited for each stay \[fen\].
const DEPOSIT: i64 = 50_000;
/// What each voucher takes from an account \[fen\].
const TAKEN: i64 = 700;
/// What the terminal signs with.
const KEY: [u8; 32] = [7; 32];

fn payer(city: &City, data: &Path) -> Process {
    let mut command = kitecity();
    command.args(["serve", "payer", "--broker", &city.broker(), "--data"]).arg(data).args(SETTINGS);
    Process::spawn(command.stderr(Stdio::null()))
}

/// A back office of our own, with a plain MQTT client. It asks one thing after the other.
struct Office {
    bus: Outsider,
    asked: u64,
}

impl Office {
    fn new(city: &City) -> Self {
        let mut bus = city.operator();
        bus.subscribe("kitecity/v1/demo/rsp/office/#");
        Self { bus, asked: 0 }
    }

    fn send(&mut self, request: &Value) {
        let id = format!("019d9e2c-5b80-7000-8003-{:012x}", self.asked);
        let request = json!({
            "specversion": "1.0", "id": id, "source": "/office", "type": "city.kite.payer.pay.v1",
            "time": "2026-04-18T11:00:00Z", "replyto": "kitecity/v1/demo/rsp/office/1", "correlationid": id,
            "data": request,
        });
        self.bus.publish("kitecity/v1/demo/rpc/payer/s00/pay", request.to_string());
    }

    /// Asks under one key until it is answered; the first answer counts.
    fn answer(&mut self, request: &Value) -> Value {
        let id = format!("019d9e2c-5b80-7000-8003-{:012x}", self.asked);
        for _ in 0..200 {
            self.send(request);
            while let Some((_, message)) = self.bus.within(RETRY) {
                if message["correlationid"] == id.as_str() {
                    self.asked += 1;
                    return message["data"].clone();
                }
            }
        }
        panic!("the payer is silent about {request}")
    }

    /// The same for what must be done.
    fn done(&mut self, request: &Value, answer: &str) -> Value {
        let told = self.answer(request);
        assert!(told.get(answer).is_some(), "{request} was answered {told}");
        told[answer].clone()
    }
}

/// What happens in round `number`, in order, with the name of the answer to each.
fn deeds(number: u64) -> [(Value, &'static str); 4] {
    let (stay, resident) = (stay(number), resident(number));
    let bed = json!({ "item": "bed-day", "category": "A", "unit_price": 90_000, "quantity_milli": 2000 });
    [
        (
            json!({ "admit": { "stay": stay, "provider": "h-0001", "level": 3, "beneficiary": resident } }),
            "admitted",
        ),
        (json!({ "deposit": { "bill": stay, "amount": DEPOSIT, "cash_channel": "wechat" } }), "deposited"),
        (json!({ "interim": { "stay": stay, "lines": [bed] } }), "interim"),
        (json!({ "forward": { "terminal": "t-0001", "vouchers": [voucher(number)] } }), "forwarded"),
    ]
}

fn stay(number: u64) -> String {
    format!("019d9e2c-5b80-7000-8004-{number:012x}")
}

fn resident(number: u64) -> String {
    format!("r-{:04}", 1 + number)
}

/// What the terminal took in round `number`, signed as docs/medpay.md says.
fn voucher(number: u64) -> Value {
    let (bill, resident) = (format!("019d9e2c-5b80-7000-8005-{number:012x}"), resident(number));
    let (counter, taken) = (number + 1, 1_776_509_000_000_i64);
    let signed = format!(
        "kitecity-voucher-1\nt-0001\n{counter}\n{taken}\n{bill}\nh-0002\n{resident}\n{TAKEN}\n{TAKEN}\n"
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(&KEY).expect("keys may have any length");
    mac.update(signed.as_bytes());
    let mac: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let line =
        json!({ "item": "consultation", "category": "A", "unit_price": TAKEN, "quantity_milli": 1000 });
    json!({ "counter": counter, "taken": taken, "account": TAKEN, "mac": mac, "bill": {
        "id": bill, "provider": "h-0002", "level": 1, "beneficiary": resident, "lines": [line], "total": TAKEN,
    } })
}

#[test]
fn i12_what_a_killed_payer_was_told_of_stays_and_terminals_happened_once() {
    let city = City::start(&[&SETTINGS[..], &["--without", "payer", "--without", "residents"]].concat());
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().join("city");
    let mut office = Office::new(&city);
    let mut running = payer(&city, &folder);
    let key: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
    let allowance = json!({ "terminal": "t-0001", "provider": "h-0002", "key": key,
        "per_payment": TAKEN, "total": 10_000_000 });
    office.done(&json!({ "allow": allowance }), "allowed");
    let statement = |number| json!({ "statement": { "beneficiary": resident(number) } });
    let opening = office.done(&statement(0), "statement")["balance"].as_i64().expect("fen");

    let kills = if std::env::var_os("KITECITY_TEST_ALL").is_some() { 10 * KILLS } else { KILLS };
    let rounds = kills * ROUNDS;
    for number in 0..rounds {
        for (place, (request, answer)) in (0..).zip(deeds(number)) {
            if number % ROUNDS == 0 && place == number / ROUNDS % 4 {
                // In the middle of it: asked, perhaps done, never answered; and then asked again under the same key.
                office.send(&request);
                drop(running);
                running = payer(&city, &folder);
            }
            office.done(&request, answer);
        }
    }
    for number in 0..rounds {
        let state = office.done(&json!({ "bill": { "bill": stay(number) } }), "bill");
        assert_eq!(state["state"], json!({ "admitted": { "deposit": DEPOSIT } }), "stay {number}");
        assert_eq!(state["bill"]["lines"].as_array().expect("a list").len(), 1, "stay {number}");
        let told = office.done(&statement(number), "statement");
        assert_eq!((&told["balance"], &told["settled"]), (&json!(opening - TAKEN), &json!(1)), "{told}");
    }
}
