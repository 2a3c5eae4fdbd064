//! The examples of the document, told as one story: each request is sent as it is written, and answered as it is written.

use super::table::OPERATIONS;
use super::*;
use crate::http::openapi::Operation;

/// What happens beside the examples: a second bill, whose cash is paid elsewhere.
async fn hold(city: &City) {
    let id = "019d9e2c-5b80-7000-8000-000000000002";
    let line = json!({ "item": "antibiotic", "category": "A", "unit_price": 1280, "quantity_milli": 1000 });
    let bill = json!({ "id": id, "provider": "h-0001", "level": 1, "beneficiary": "r-0002", "lines": [line],
        "total": 1280 });
    city.done("hold-1", "/v1/bills", &bill).await;
    let place = format!("/v1/bills/{id}");
    let split = city.done("hold-2", &format!("{place}/presettle"), &json!({})).await;
    let body =
        json!({ "presettlement_id": split["presettlement"], "eid_token": "HC1:R-0002/3", "hold": true });
    city.done("hold-3", &format!("{place}/settle"), &body).await;
}

/// The bill of a stay.
async fn admit(city: &City) {
    let line = json!({ "item": "bed-day", "category": "A", "unit_price": 90_000, "quantity_milli": 1000 });
    let bill = json!({ "id": "019d9e2c-5b80-7000-8000-000000000004", "provider": "h-0002", "level": 3,
        "care": "inpatient", "beneficiary": "r-0001", "lines": [line], "total": 90_000 });
    city.done("admit", "/v1/bills", &bill).await;
}

/// The rows whose answers are written down: an image is not.
fn told() -> impl Iterator<Item = &'static Operation<Caller>> {
    OPERATIONS.iter().filter(|row| !row.answer.is_empty())
}

async fn tell(city: &City, row: &Operation<Caller>) -> Value {
    if row.name == "confirm" {
        hold(city).await;
    }
    if row.name == "deposit" {
        admit(city).await;
    }
    let (status, answer) = match row.method {
        "get" => city.get(row.example).await,
        _ => city.post(row.name, row.example, row.request).await,
    };
    assert_eq!(status, 200, "{}: {answer}", row.name);
    answer
}

#[tokio::test]
async fn every_example_of_the_document_is_answered_as_it_says() {
    let city = City::new();
    for row in told() {
        let answer = tell(&city, row).await;
        let example: Value = serde_json::from_str(row.answer).unwrap();
        assert_eq!(answer, example, "{}: {answer}", row.name);
    }
}

#[tokio::test]
async fn every_request_sent_again_under_its_key_gets_the_same_answer_and_changes_nothing() {
    let city = City::new();
    let mut answers = Vec::new();
    for row in told() {
        answers.push(tell(&city, row).await);
    }
    let before = city.books();
    for (row, answer) in told().zip(answers).filter(|(row, _)| row.method == "post") {
        // What only looks says how it is now.
        if !["eligibility", "compareTotals", "compareBooks"].contains(&row.name) {
            let (status, again) = city.post(row.name, row.example, row.request).await;
            assert_eq!((status, again), (200, answer), "{}", row.name);
        }
    }
    assert_eq!(city.books(), before);
}

#[tokio::test]
async fn the_code_of_a_bill_is_shown_as_an_image_only_while_it_can_be_paid() {
    let city = City::new();
    let image = OPERATIONS.iter().find(|row| row.name == "billSymbol").unwrap();
    let (status, problem) = city.get(image.example).await;
    assert_eq!((status, &problem["code"]), (404, &json!("bill_unknown")));
    for row in told().take_while(|row| row.name != "settleBill") {
        tell(&city, row).await;
    }
    let request = Request::get(image.example).body(Body::empty()).unwrap();
    let response = city.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "image/svg+xml");
    let body = to_bytes(response.into_body(), 1_000_000).await.unwrap();
    assert!(body.starts_with(b"<svg "));
    let row = OPERATIONS.iter().find(|row| row.name == "settleBill").unwrap();
    tell(&city, row).await;
    let (status, problem) = city.get(image.example).await;
    assert_eq!((status, &problem["code"]), (409, &json!("bill_not_payable")));
}

#[test]
fn the_document_has_every_row_and_names_every_parameter() {
    let document = crate::console::openapi();
    for row in OPERATIONS {
        let operation = &document["paths"][row.path][row.method];
        assert_eq!(operation["operationId"], row.name);
        let named = operation["parameters"].as_array().unwrap().iter().filter(|one| one["in"] == "path");
        assert_eq!(named.count(), row.path.matches('{').count(), "{}", row.name);
        let filled = row.path.split('/').zip(row.example.split('/'));
        let mut fixed = filled.filter(|(name, _)| !name.starts_with('{'));
        assert!(fixed.all(|(name, example)| name == example), "{}", row.name);
    }
    let problem = &document["components"]["responses"]["Problem"]["description"];
    assert!(problem.as_str().unwrap().contains("409 `day_closed`"), "{problem}");
}
