//! A street loses its current.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use city::CabinetSite;
use lighting::{AlarmChange, CabinetEvent, Incident, IncidentKind, Phases};
use serde_json::json;
use tokio::sync::broadcast;
use tokio::time::timeout;
use wire::{Event, EventBody, Message};

use super::desk::{Desk, random};
use super::report::{End, Report};
use crate::http::Problem;

/// How long the lighting service may take to notice.
const NOTICED_WITHIN: Duration = Duration::from_secs(30);

/// All breakers of one circuit trip.
pub(super) async fn pulled_feeder(mut desk: Desk<'_>) -> Result<Report, Problem> {
    let plan = desk.app.cast.plan().clone();
    let cabinets = plan.cabinets();
    let cabinet = &cabinets[random() as usize % cabinets.len().max(1)];
    let first =
        plan.luminaire(cabinet.first).ok_or_else(|| Problem::not_found("no luminaire is fed here"))?;
    let (circuit, phases) = (first.leg().circuit, Phases::ALL);
    let mut events = desk.app.events.subscribe();
    let facts = json!({
        "cabinet": cabinet.id, "luminaires": cabinet.luminaires().count(),
        "street_en": plan.streets()[cabinet.street].name_en, "street_zh": plan.streets()[cabinet.street].name_zh,
    });
    desk.did("breakers_tripped", facts);
    let began = Instant::now();
    tell(&desk, cabinet, CabinetEvent::Trip { circuit, phases })?;
    let raised = incident(&mut events, cabinet, AlarmChange::Raised).await;
    let took_ms = began.elapsed().as_millis() as u64;
    // Put back whatever came of it.
    tell(&desk, cabinet, CabinetEvent::Reclose { circuit, phases })?;
    let raised = raised?;
    let facts = json!({
        "cabinet": raised.cabinet, "luminaires": raised.luminaires, "street_m": raised.street_m, "ms": took_ms,
    });
    desk.did("one_incident", facts);
    incident(&mut events, cabinet, AlarmChange::Cleared).await?;
    desk.left("reclosed", json!({ "cabinet": cabinet.id }));
    let code = serde_json::to_value(raised.kind).unwrap_or_default();
    let facts = json!({ "luminaires": raised.luminaires });
    Ok(desk.report(End::noticed("lighting", code.as_str().unwrap_or_default(), facts)))
}

fn tell(desk: &Desk<'_>, cabinet: &CabinetSite, event: CabinetEvent) -> Result<(), Problem> {
    let message = Message::CabinetEvent { district: cabinet.district, cabinet: cabinet.id, event };
    if desk.app.caller.tell(message) { Ok(()) } else { Err(Problem::silent("bus")) }
}

/// What the lighting service says about the breakers of this cabinet.
async fn incident(
    events: &mut broadcast::Receiver<Event>,
    cabinet: &CabinetSite,
    change: AlarmChange,
) -> Result<Incident, Problem> {
    let about = |incident: &Incident| {
        incident.cabinet == cabinet.id
            && incident.kind == IncidentKind::CircuitBreakerTripped
            && incident.change == change
    };
    let hearing = async {
        loop {
            match events.recv().await {
                Ok(Event { body: EventBody::Incident(incident), .. }) if about(&incident) => return incident,
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    };
    timeout(NOTICED_WITHIN, hearing).await.map_err(|_| {
        let detail = format!(
            "the lighting service said nothing about {} for {} s: does it run, and the city's clock?",
            cabinet.id,
            NOTICED_WITHIN.as_secs()
        );
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "service_silent", detail)
    })
}
