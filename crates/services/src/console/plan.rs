//! `GET /api/city`: what stands where.

use axum::Json;
use axum::extract::State;
use city::{Area, Plan, Street};
use lighting::Fault;
use serde_json::{Value, json};

use super::App;

/// The plan, for the map.
pub(crate) async fn city(State(app): State<App>) -> Json<Value> {
    let plan = app.cast.plan();
    Json(json!({
        "run": app.run,
        "seed": app.seed,
        "simulated": true,
        "districts": plan.districts().iter()
            .map(|district| json!({ "id": district.id, "name_en": district.name_en, "name_zh": district.name_zh }))
            .collect::<Vec<_>>(),
        "streets": plan.streets().iter().map(street).collect::<Vec<_>>(),
        "water": plan.water().iter().map(area).collect::<Vec<_>>(),
        "lamps": lamps(plan),
        "faults": Fault::ALL.map(|fault| json!({ "name": fault.name(), "severities": fault.severities() })),
        "cabinets": plan.cabinets().iter().map(|cabinet| json!({
            "id": cabinet.id, "x": cabinet.x_m, "y": cabinet.y_m, "district": cabinet.district,
            "lamps": cabinet.luminaires().len(),
        })).collect::<Vec<_>>(),
        "clinics": plan.clinics().iter().map(|clinic| json!({
            "id": clinic.id, "name_en": clinic.name_en, "name_zh": clinic.name_zh, "x": clinic.x_m, "y": clinic.y_m,
        })).collect::<Vec<_>>(),
    }))
}

fn street(street: &Street) -> Value {
    json!({
        "class": street.class, "name_en": street.name_en, "name_zh": street.name_zh,
        "width_m": street.width_m, "points": street.points,
    })
}

fn area(area: &Area) -> Value {
    json!(area.points)
}

fn lamps(plan: &Plan) -> Value {
    let lamps = plan.luminaires();
    json!({
        "id": lamps.iter().map(|lamp| lamp.id).collect::<Vec<_>>(),
        "x": lamps.iter().map(|lamp| decimetres(lamp.x_m)).collect::<Vec<_>>(),
        "y": lamps.iter().map(|lamp| decimetres(lamp.y_m)).collect::<Vec<_>>(),
        "street": lamps.iter().map(|lamp| lamp.street).collect::<Vec<_>>(),
        "cabinet": lamps.iter().map(|lamp| lamp.cabinet).collect::<Vec<_>>(),
        "circuit": lamps.iter().map(|lamp| lamp.circuit).collect::<Vec<_>>(),
        "district": lamps.iter().map(|lamp| lamp.district).collect::<Vec<_>>(),
    })
}

/// Metres to the decimetre: enough for a map, a third of the bytes.
fn decimetres(metres: f64) -> f64 {
    (metres * 10.0).round() / 10.0
}
