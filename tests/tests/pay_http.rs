//! Medical payment over HTTP, against a city in another process.

use city_tests::{City, kitecity};
use serde_json::{Value, json};

const BILL: &str = "019d9e2c-5b80-7000-8003-000000000001";

fn city() -> City {
    City::start(&["--luminaires", "120", "--without", "residents"])
}

/// Posts under a key: status and answer.
fn post(city: &City, key: Option<&str>, path: &str, body: &Value) -> (u16, Value) {
    let request = ureq::post(format!("{}{path}", city.page)).config().http_status_as_error(false).build();
    let request = key.into_iter().fold(request, |request, key| request.header("Idempotency-Key", key));
    let mut response = request.send_json(body).unwrap_or_else(|error| panic!("{path}: {error}"));
    (response.status().as_u16(), response.body_mut().read_json().expect("JSON"))
}

fn done(city: &City, key: &str, path: &str, body: &Value) -> Value {
    let (status, answer) = post(city, Some(key), path, body);
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

#[test]
fn a_bill_is_filed_presettled_paid_explained_and_reversed_and_each_once() {
    let city = city();
    let line = json!({ "item": "antibiotic", "category": "A", "unit_price": 1280, "quantity_milli": 10_000 });
    let bill = json!({ "id": BILL, "provider": "h-0001", "level": 2, "beneficiary": "r-0005", "lines": [line],
        "total": 12_800 });
    let place = format!("/v1/bills/{BILL}");
    let (status, problem) = post(&city, None, "/v1/bills", &bill);
    assert_eq!((status, &problem["code"]), (400, &json!("idempotency_key_missing")));
    assert_eq!(done(&city, "a", "/v1/bills", &bill)["bill"], BILL);
    let (status, problem) = post(&city, Some("a"), &format!("{place}/presettle"), &json!({}));
    assert_eq!((status, &problem["code"]), (422, &json!("idempotency_key_reused")));
    let presettled = done(&city, "b", &format!("{place}/presettle"), &json!({}));
    assert_eq!(presettled["split"]["total"], 12_800);

    let code = city.get("/api/phone/r-0005/code")["code"].clone();
    let payment = json!({ "presettlement_id": presettled["presettlement"], "eid_token": code });
    let settled = done(&city, "c", &format!("{place}/settle"), &payment);
    assert_eq!(done(&city, "c", &format!("{place}/settle"), &payment), settled);
    let (status, problem) = post(&city, Some("d"), &format!("{place}/settle"), &payment);
    assert_eq!((status, &problem["code"]), (409, &json!("bill_already_settled")));
    assert_eq!(problem["settlement"], settled["settlement"]);

    let settlement = settled["settlement"].as_str().expect("an id");
    let trace = city.get(&format!("/v1/trace/{settlement}"));
    assert_eq!(trace["policy"], "emp_outpatient_demo@1");
    let reverse = format!("/v1/settlements/{settlement}/reverse");
    let reversed = done(&city, "e", &reverse, &Value::Null);
    assert_eq!(done(&city, "e", &reverse, &Value::Null), reversed);
    assert_eq!(city.get(&place)["state"]["reversed"]["reversal"], reversed["reversal"]);
}

#[test]
fn the_document_is_served_and_printed_and_is_the_same() {
    let city = city();
    let printed = kitecity().args(["schema", "openapi"]).output().expect("the binary runs");
    let printed: Value = serde_json::from_slice(&printed.stdout).expect("JSON");
    assert_eq!(city.get("/openapi.json"), printed);
    assert_eq!(printed["paths"]["/v1/bills"]["post"]["operationId"], "fileBill");
}
