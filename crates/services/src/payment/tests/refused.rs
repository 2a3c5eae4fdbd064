//! What is refused: by which status and code, with nothing changed and nothing held.

use medpay::offline::{Terminal, TerminalKey, Voucher};
use types::TerminalId;

use super::table::OPERATIONS;
use super::*;

fn bill(number: u64, fen: i64) -> Value {
    json!({
        "id": id(number), "provider": "h-0001", "level": 2, "beneficiary": "r-0001", "total": fen,
        "lines": [{ "item": "antibiotic", "category": "A", "unit_price": fen, "quantity_milli": 1000 }],
    })
}

fn id(number: u64) -> String {
    format!("019d9e2c-5b80-7000-8000-{number:012x}")
}

fn code(number: u64) -> String {
    format!("HC1:R-0001/{number}")
}

impl City {
    /// The presettlement of a bill that can be paid.
    async fn payable(&self, number: u64, fen: i64) -> Value {
        self.done(&format!("file-{number}"), "/v1/bills", &bill(number, fen)).await;
        let place = format!("/v1/bills/{}/presettle", id(number));
        self.done(&format!("presettle-{number}"), &place, &json!({})).await["presettlement"].clone()
    }

    /// The settlement of a bill that was paid.
    async fn settled(&self, number: u64, fen: i64) -> String {
        let presettlement = self.payable(number, fen).await;
        let (place, body) = payment(number, &presettlement, &code(number));
        let answer = self.done(&format!("settle-{number}"), &place, &body).await;
        answer["settlement"].as_str().unwrap().to_owned()
    }

    /// Posts what must be refused like this, and must change nothing; the problem.
    async fn refused(&self, key: &str, (place, body): (String, Value), expected: (u16, &str)) -> Value {
        let before = self.books();
        let (status, problem) = self.post(key, &place, &body.to_string()).await;
        assert_eq!((status, problem["code"].as_str().unwrap()), expected, "{problem}");
        assert_eq!(self.books(), before);
        problem
    }
}

fn payment(number: u64, presettlement: &Value, code: &str) -> (String, Value) {
    let body = json!({ "presettlement_id": presettlement, "eid_token": code });
    (format!("/v1/bills/{}/settle", id(number)), body)
}

fn filing(bill: Value) -> (String, Value) {
    ("/v1/bills".to_owned(), bill)
}

#[tokio::test]
async fn n1_any_post_without_a_key() {
    let city = City::new();
    city.settled(1, 700).await;
    let before = city.books();
    let posts = OPERATIONS.iter().filter(|operation| operation.method == "post");
    let mut asked = 0;
    for operation in posts {
        let request = Request::post(operation.example).header(header::CONTENT_TYPE, "application/json");
        let (status, problem) = city.ask(request.body(Body::from(operation.request)).unwrap()).await;
        assert_eq!(
            (status, &problem["code"]),
            (400, &json!("idempotency_key_missing")),
            "{}",
            operation.name
        );
        asked += 1;
    }
    assert!(asked > 15, "{asked} places to post to");
    assert_eq!(city.books(), before);
}

#[tokio::test]
async fn n2_a_key_of_another_request() {
    let city = City::new();
    city.done("a", "/v1/bills", &bill(1, 700)).await;
    city.refused("a", filing(bill(2, 700)), (422, "idempotency_key_reused")).await;
    city.refused("a", payment(1, &json!(id(9)), &code(1)), (422, "idempotency_key_reused")).await;
    city.done("a", "/v1/bills", &bill(1, 700)).await;
}

#[tokio::test]
async fn n3_the_same_request_while_it_is_worked_on() {
    let city = City::new();
    let presettlement = city.payable(1, 700).await;
    let (place, body) = payment(1, &presettlement, "HC1:WAIT");
    let request = Request::post(&place).header("Idempotency-Key", "a");
    let request = request.header(header::CONTENT_TYPE, "application/json");
    let first = city.router.clone().oneshot(request.body(Body::from(body.to_string())).unwrap());
    let first = tokio::spawn(first);
    while city.get(&format!("/v1/bills/{}", id(1))).await.1["state"].get("settling").is_none() {
        tokio::task::yield_now().await;
    }
    city.refused("a", (place, body), (409, "idempotency_in_progress")).await;
    let other = payment(1, &presettlement, &code(1));
    city.refused("b", other, (409, "settlement_in_progress")).await;
    first.abort();
}

#[tokio::test]
async fn n4_amounts_that_are_none() {
    let city = City::new();
    let large = 1_u64 << 63;
    for (number, wrong) in [json!(12.5), json!("100"), json!(-1), json!(large)].into_iter().enumerate() {
        let mut bill = bill(1, 700);
        bill["lines"][0]["unit_price"] = wrong;
        let problem = city.refused(&format!("a{number}"), filing(bill), (400, "amount_invalid")).await;
        assert_eq!(problem["param"], "/lines/0/unit_price");
    }
    let mut nothing = bill(1, 700);
    nothing["lines"][0]["quantity_milli"] = json!(0);
    let problem = city.refused("b", filing(nothing), (400, "amount_invalid")).await;
    assert_eq!((&problem["line"], &problem["param"]), (&json!(1), &json!("/lines/0")));
    let place = || "/v1/deposits".to_owned();
    city.payable(1, 700).await;
    for (number, wrong) in
        [json!(12.5), json!("100"), json!(-1), json!(0), json!(large)].into_iter().enumerate()
    {
        let deposit = json!({ "bill": id(1), "amount": wrong });
        city.refused(&format!("d{number}"), (place(), deposit), (400, "amount_invalid")).await;
    }
}

#[tokio::test]
async fn n5_n6_n7_bills_that_do_not_add_up_or_are_not_insured() {
    let city = City::new();
    let mut wrong = bill(1, 700);
    wrong["total"] = json!(701);
    let problem = city.refused("a", filing(wrong), (422, "bill_total_mismatch")).await;
    assert_eq!((&problem["expected"], &problem["got"]), (&json!(700), &json!(701)));
    let mut unknown = bill(1, 700);
    unknown["lines"][0]["item"] = json!("snake-oil");
    let problem = city.refused("b", filing(unknown), (422, "item_unknown")).await;
    assert_eq!(problem["line"], 1);
    let mut other = bill(1, 700);
    other["beneficiary"] = json!("r-0003");
    city.refused("c", filing(other), (422, "coverage_inactive")).await;
    let who = json!({ "beneficiary": "r-0003" });
    city.refused("d", ("/v1/eligibility".into(), who), (422, "coverage_inactive")).await;
}

#[tokio::test]
async fn n8_n9_n10_n11_codes_that_are_old_used_of_another_or_cannot_be_checked() {
    let city = City::new();
    let first = city.payable(1, 700).await;
    city.refused("a", payment(1, &first, "HC1:OLD/1"), (401, "eid_token_expired")).await;
    city.refused("b", payment(1, &first, "HC1:R-0002/2"), (403, "payer_not_authorized")).await;
    city.refused("c", payment(1, &first, "HC1:SILENT"), (503, "eid_unavailable")).await;
    let (_, known) = city.get(&format!("/v1/bills/{}", id(1))).await;
    assert!(known["state"]["presettled"].is_object(), "{known}");
    let (place, body) = payment(1, &first, &code(1));
    city.done("d", &place, &body).await;
    let second = city.payable(2, 700).await;
    city.refused("e", payment(2, &second, &code(1)), (401, "eid_token_replayed")).await;
}

#[tokio::test]
async fn n12_an_expired_presettlement() {
    let city = City::new();
    let presettlement = city.payable(1, 700).await;
    city.wait(900_000);
    city.refused("a", payment(1, &presettlement, &code(1)), (410, "presettlement_expired")).await;
}

#[tokio::test]
async fn n13_a_stale_presettlement_is_told_with_a_fresh_split() {
    let city = City::new();
    let first = city.payable(1, 30_000).await;
    let second = city.payable(2, 30_000).await;
    let (place, body) = payment(1, &first, &code(1));
    city.done("a", &place, &body).await;
    let problem = city.refused("b", payment(2, &second, &code(2)), (409, "presettlement_stale")).await;
    assert_eq!(
        (&problem["fresh"]["deductible"], &problem["fresh"]["pool"]),
        (&json!(10_000), &json!(14_000))
    );
}

#[tokio::test]
async fn n14_a_bill_that_is_paid() {
    let city = City::new();
    let settlement = city.settled(1, 700).await;
    let again = payment(1, &json!(id(9)), &code(2));
    let problem = city.refused("a", again, (409, "bill_already_settled")).await;
    assert_eq!(problem["settlement"], settlement.as_str());
}

#[tokio::test]
async fn n15_an_account_that_was_frozen_meanwhile() {
    let city = City::new();
    let presettlement = city.payable(1, 700).await;
    city.done("a", "/v1/accounts/r-0001/freeze", &json!({ "frozen": true })).await;
    let problem =
        city.refused("b", payment(1, &presettlement, &code(1)), (402, "account_insufficient")).await;
    assert_eq!(problem["available"], 0);
}

#[tokio::test]
async fn n16_n17_what_was_reversed_and_more_than_was_settled() {
    let city = City::new();
    let settlement = city.settled(1, 700).await;
    let refund = format!("/v1/settlements/{settlement}/refund");
    for (key, line, quantity) in [("a", 2, 1000), ("b", 1, 1001), ("c", 1, 0)] {
        let body = json!({ "lines": [{ "line": line, "quantity_milli": quantity }] });
        city.refused(key, (refund.clone(), body), (422, "refund_exceeds_settled")).await;
    }
    let reverse = format!("/v1/settlements/{settlement}/reverse");
    let reversal = city.done("d", &reverse, &Value::Null).await["reversal"].clone();
    let problem = city.refused("e", (reverse, Value::Null), (409, "already_reversed")).await;
    assert_eq!(problem["reversal"], reversal);
}

#[tokio::test]
async fn n18_a_day_that_is_closed() {
    let city = City::new();
    let presettlement = city.payable(1, 700).await;
    city.done("a", "/v1/recon/h-0001/2026-04-18/close", &Value::Null).await;
    city.refused("b", payment(1, &presettlement, &code(1)), (409, "day_closed")).await;
    city.refused("c", filing(bill(2, 700)), (409, "day_closed")).await;
    let close = ("/v1/recon/h-0001/2026-04-18/close".to_owned(), Value::Null);
    city.refused("d", close, (409, "day_closed")).await;
}

#[tokio::test]
async fn n19_vouchers_that_are_forged_have_a_gap_or_are_over_the_limit() {
    let city = City::new();
    let (terminal, key) = (TerminalId(1), TerminalKey::new([7; 32]));
    let allowance = json!({ "provider": "h-0001", "key": key, "per_payment": 500, "total": 900 });
    city.done("a", "/v1/offline/terminals/t-0001", &allowance).await;
    let (most, next) = (Fen::new(2_000), 1);
    let mut generous = Terminal::new(terminal, key, most, most, next);
    for (number, fen) in [(1, 500), (2, 501)] {
        generous.take(BEGIN, serde_json::from_value(bill(number, fen)).unwrap(), Fen::new(fen)).unwrap();
    }
    let batch = |vouchers: &[Voucher]| {
        ("/v1/offline/batches".to_owned(), json!({ "terminal": "t-0001", "vouchers": vouchers }))
    };
    let [first, second] = &generous.waiting()[..] else { panic!("two") };
    let forged = Voucher { account: Fen::new(499), ..first.clone() };
    let problem = city.refused("b", batch(&[forged]), (400, "offline_mac_invalid")).await;
    assert_eq!(problem["counter"], 1);
    let problem = city.refused("c", batch(std::slice::from_ref(second)), (409, "offline_sequence_gap")).await;
    assert_eq!((&problem["expected"], &problem["got"]), (&json!(1), &json!(2)));
    let both = batch(&[first.clone(), second.clone()]);
    let problem = city.refused("d", both, (403, "offline_limit_exceeded")).await;
    assert_eq!((&problem["counter"], &problem["limit"]), (&json!(2), &json!(400)));
    let (_, body) = batch(std::slice::from_ref(first));
    city.done("e", "/v1/offline/batches", &body).await;
    let before = city.books();
    let again = city.done("f", "/v1/offline/batches", &body).await;
    assert_eq!(again["vouchers"][0]["duplicate"], true);
    assert_eq!(city.books(), before);
}

#[tokio::test]
async fn n20_more_than_a_day_may_come_to() {
    let city = City::new();
    city.settled(1, 200_000).await;
    let presettlement = city.payable(2, 100_001).await;
    let problem =
        city.refused("a", payment(2, &presettlement, &code(2)), (403, "limit_daily_exceeded")).await;
    assert_eq!((&problem["limit"], &problem["used"]), (&json!(300_000), &json!(200_000)));
}

#[tokio::test]
async fn ids_and_days_that_are_none_and_things_that_nobody_knows() {
    let city = City::new();
    city.settled(1, 700).await;
    let paid = format!("/v1/bills/{}/qr", id(1));
    for (place, status, code) in [
        (paid.as_str(), 409, "bill_not_payable"),
        ("/v1/bills/seven", 400, "invalid"),
        ("/v1/accounts/seven/statement", 400, "invalid"),
        ("/v1/recon/h-0001/2026-02-30/diffs", 400, "invalid"),
        ("/v1/bills/00000000-0000-0000-0000-000000000000", 404, "bill_unknown"),
        ("/v1/trace/00000000-0000-0000-0000-000000000000", 404, "settlement_unknown"),
    ] {
        let (answered, problem) = city.get(place).await;
        assert_eq!((answered, &problem["code"]), (status, &json!(code)), "{place}");
    }
    let other = json!({ "beneficiary": "r-0001", "when": "now" });
    city.refused("a", ("/v1/eligibility".into(), other), (400, "invalid")).await;
}

#[tokio::test]
async fn stays_that_cannot_begin_and_stays_that_nobody_knows() {
    let city = City::new();
    let stay = |number, beneficiary: &str| {
        let body =
            json!({ "stay": id(number), "provider": "h-0002", "level": 3, "beneficiary": beneficiary });
        ("/v1/admissions".to_owned(), body)
    };
    city.refused("a", stay(1, "r-0003"), (422, "coverage_inactive")).await;
    let interim = || ("/v1/interim".to_owned(), json!({ "stay": id(1) }));
    city.refused("b", interim(), (404, "stay_unknown")).await;
    let discharge = (format!("/v1/admissions/{}/discharge", id(1)), json!({}));
    city.refused("c", discharge, (404, "stay_unknown")).await;
    let (place, body) = stay(1, "r-0001");
    city.done("d", &place, &body).await;
    let problem = city.refused("e", stay(2, "r-0001"), (409, "already_admitted")).await;
    assert_eq!(problem["stay"], id(1));
    city.refused("f", filing(bill(1, 700)), (409, "bill_conflict")).await;
}

#[tokio::test]
async fn means_of_payment_that_are_none_or_were_not_presettled() {
    let city = City::new();
    let presettlement = city.payable(1, 700).await;
    let with = |name: &str, value: Value| {
        let (place, mut body) = payment(1, &presettlement, &code(1));
        body[name] = value;
        (place, body)
    };
    city.refused("a", with("cash_channel", json!("barter")), (400, "invalid")).await;
    city.refused("b", with("use_account", json!("no")), (400, "invalid")).await;
    city.refused("c", with("family_payer", json!("r-0002")), (409, "presettlement_stale")).await;
    let (place, body) = with("use_account", json!(false));
    let paid = city.done("d", &place, &body).await;
    assert_eq!((&paid["split"]["account"], &paid["split"]["cash"]), (&json!(0), &json!(700)));
}
