//! A till of our own, with a plain MQTT client, that pays bills until they are paid.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use city_tests::{City, Outsider, kitecity};
use serde_json::{Value, json};

/// The settings of the city, which the payer shares.
pub(crate) const SETTINGS: [&str; 4] = ["--luminaires", "120", "--secret", "kite"];
/// New bills for each payer, besides those that earlier ones left open: what it is at when it is killed is left to
/// chance.
const WAVE: usize = 12;
/// What each bill comes to \[fen\].
const PRICE: i64 = 700;
/// Residents whose bills are paid, in turn.
pub(crate) const RESIDENTS: u64 = 40;
/// How long the bus may be quiet before everything unanswered is asked again.
const RETRY: Duration = Duration::from_millis(300);

/// A payer of this city that keeps its journal in `data`.
pub(crate) fn payer(city: &City, data: &Path) -> Command {
    let mut command = kitecity();
    command.args(["serve", "payer", "--broker", &city.broker(), "--data"]).arg(data).args(SETTINGS);
    command.stderr(Stdio::null());
    command
}

/// How far a bill is.
enum Stage {
    /// Not known to be presettled.
    New,
    /// Presettled; the code that is being tried, if one is.
    Payable(Option<String>),
    /// Told to be paid, as this settlement.
    Paid(String),
}

/// The till.
pub(crate) struct Till<'a> {
    city: &'a City,
    bus: Outsider,
    bills: BTreeMap<String, Stage>,
    /// What events say about each bill: its settlement, and how it was paid.
    events: BTreeMap<String, (String, Value)>,
    asked: u64,
}

impl<'a> Till<'a> {
    pub(crate) fn new(city: &'a City) -> Self {
        let mut bus = city.operator();
        bus.subscribe("kitecity/v1/demo/rsp/till/#");
        bus.subscribe("kitecity/v1/demo/evt/medpay/#");
        Self { city, bus, bills: BTreeMap::new(), events: BTreeMap::new(), asked: 0 }
    }

    /// Asks, and says under which id.
    fn ask(&mut self, method: &str, data: &Value) -> String {
        self.asked += 1;
        let id = format!("019d9e2c-5b80-7000-8001-{:012x}", self.asked);
        self.ask_as(&id, method, data);
        id
    }

    fn ask_as(&mut self, id: &str, method: &str, data: &Value) {
        let request = json!({
            "specversion": "1.0", "id": id, "source": "/till", "type": format!("city.kite.payer.{method}.v1"),
            "time": "2026-04-18T11:00:00Z", "replyto": "kitecity/v1/demo/rsp/till/1", "correlationid": id,
            "data": data,
        });
        self.bus.publish(&format!("kitecity/v1/demo/rpc/payer/s00/{method}"), request.to_string());
    }

    fn presettle(&mut self, bill: &str) {
        let resident = resident(bill);
        let line =
            json!({ "item": "consultation", "category": "A", "unit_price": PRICE, "quantity_milli": 1000 });
        self.ask(
            "presettle",
            &json!({ "bill": {
            "id": bill, "provider": "h-0001", "level": 1, "beneficiary": resident, "lines": [line],
            "total": PRICE,
        } }),
        );
    }

    /// Pays with a fresh code, or again with the one whose answer is still to come.
    fn settle(&mut self, bill: &str) {
        let Some(Stage::Payable(tried)) = self.bills.get(bill) else { return };
        let code = match tried {
            Some(code) => code.clone(),
            None => {
                let answer = self.city.get(&format!("/api/phone/{}/code", resident(bill)));
                answer["code"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
            }
        };
        self.bills.insert(bill.to_owned(), Stage::Payable(Some(code.clone())));
        self.ask("settle", &json!({ "bill": bill, "code": code }));
    }

    fn again(&mut self) {
        let open: Vec<(String, bool)> = self
            .bills
            .iter()
            .filter(|(_, stage)| !matches!(stage, Stage::Paid(_)))
            .map(|(bill, stage)| (bill.clone(), matches!(stage, Stage::New)))
            .collect();
        for (bill, new) in open {
            if new { self.presettle(&bill) } else { self.settle(&bill) }
        }
    }

    pub(crate) fn open_bills(&mut self) {
        for _ in 0..WAVE {
            let bill = format!("019d9e2c-5b80-7000-8002-{:012x}", self.bills.len());
            self.bills.insert(bill.clone(), Stage::New);
            self.presettle(&bill);
        }
    }

    fn take(&mut self, topic: &str, message: &Value) {
        let data = &message["data"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if topic.ends_with("/settled") {
            self.note_event(&text(&data["bill"]), &text(&data["settlement"]), &data["split"]);
        } else if let Some(presettled) = data.get("presettled") {
            let bill = text(&presettled["bill"]);
            if let Some(stage @ Stage::New) = self.bills.get_mut(&bill) {
                *stage = Stage::Payable(None);
                self.settle(&bill);
            }
        } else if let Some(settled) = data.get("settled") {
            self.note_paid(&text(&settled["bill"]), &text(&settled["settlement"]));
        } else if let Some(refused) = data.get("refused").filter(|refused| refused.get("bill").is_some()) {
            let (bill, refusal) = (text(&refused["bill"]), &refused["refusal"]);
            match refusal["code"].as_str() {
                Some("bill_already_settled") => self.note_paid(&bill, &text(&refusal["settlement"])),
                Some("settlement_in_progress") => {}
                Some("bill_unknown" | "presettlement_stale") => {
                    self.bills.insert(bill.clone(), Stage::New);
                    self.presettle(&bill);
                }
                // The code went with the payer that asked about it, or with the balance.
                _ => {
                    self.bills.insert(bill.clone(), Stage::Payable(None));
                    self.settle(&bill);
                }
            }
        }
    }

    fn note_event(&mut self, bill: &str, settlement: &str, split: &Value) {
        let told = (settlement.to_owned(), split.clone());
        let before = self.events.insert(bill.to_owned(), told.clone());
        assert!(before.is_none_or(|before| before == told), "bill {bill} is settled twice");
    }

    /// Asks the payer's desk, and waits for the answer of this name.
    fn desk(&mut self, request: &Value, answer: &str) -> Value {
        let id = self.ask("pay", request);
        loop {
            match self.bus.within(RETRY) {
                Some((_, message)) if message["correlationid"] == id.as_str() => {
                    return message["data"][answer].clone();
                }
                Some((topic, message)) => self.take(&topic, &message),
                // Nobody was there yet.
                None => self.ask_as(&id, "pay", request),
            }
        }
    }

    /// What is on the account of a resident \[fen\].
    pub(crate) fn balance(&mut self, resident: &str) -> i64 {
        let statement = self.desk(&json!({ "statement": { "beneficiary": resident } }), "statement");
        statement["balance"].as_i64().expect("fen")
    }

    /// What the payer has settled: the bill and the split of each settlement.
    fn settled(&mut self) -> BTreeMap<String, (String, Value)> {
        let mut all = BTreeMap::new();
        let mut after = Value::Null;
        loop {
            let page = self.desk(&json!({ "bills": { "after": after } }), "bills");
            for bill in page["bills"].as_array().expect("a list") {
                let text = |name: &str| bill[name].as_str().expect("a text").to_owned();
                let twice = all.insert(text("bill"), (text("settlement"), bill["split"].clone()));
                assert_eq!(twice, None, "{bill} is settled twice");
                after = bill["settlement"].clone();
            }
            if page["more"] == false {
                return all;
            }
        }
    }

    fn note_paid(&mut self, bill: &str, settlement: &str) {
        let before = self.bills.insert(bill.to_owned(), Stage::Paid(settlement.to_owned()));
        if let Some(Stage::Paid(before)) = before {
            assert_eq!(before, settlement, "bill {bill} is settled twice");
        }
    }

    pub(crate) fn paid(&self) -> usize {
        self.bills.values().filter(|stage| matches!(stage, Stage::Paid(_))).count()
    }

    /// Acknowledged = durable = told to everyone, by the same name and with the same parts. Everything must be paid.
    pub(crate) fn audit(&mut self) -> BTreeMap<String, (String, Value)> {
        let settled = self.settled();
        assert_eq!(settled, self.events);
        let told = self.bills.iter().map(|(bill, stage)| match stage {
            Stage::Paid(settlement) => (bill, settlement),
            Stage::New | Stage::Payable(_) => panic!("{bill} is not paid"),
        });
        assert!(told.eq(settled.iter().map(|(bill, (settlement, _))| (bill, settlement))));
        settled
    }

    /// Works until so many messages came, or all is paid.
    pub(crate) fn work(&mut self, messages: u64) {
        self.work_until(messages, || false);
    }

    /// The same, or until the payer has `ended`: then nobody answers.
    pub(crate) fn work_until(&mut self, mut messages: u64, mut ended: impl FnMut() -> bool) {
        let mut quiet = 0;
        while messages > 0 && self.paid() < self.bills.len() {
            match self.bus.within(RETRY) {
                Some((topic, message)) => {
                    self.take(&topic, &message);
                    (messages, quiet) = (messages - 1, 0);
                }
                None if ended() => return,
                None => {
                    quiet += 1;
                    assert!(quiet < 100, "the payer is silent");
                    self.again();
                }
            }
        }
    }
}

/// Whose bill it is.
pub(crate) fn resident(bill: &str) -> String {
    format!("r-{:04}", 1 + u64::from_str_radix(&bill[24..], 16).expect("hex") % RESIDENTS)
}
