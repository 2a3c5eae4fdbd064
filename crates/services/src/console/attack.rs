//! The attack desk: nine attacks on the running city, and what came of each.
//!
//! Each is really done, over the bus, by the means that the attacker would have. How it ends nobody here decides: the
//! end is what a service said. What an attack broke is put back, and what cannot be is told.

mod cable;
mod code;
mod desk;
mod feeder;
mod issuer;
mod money;
mod report;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as Unknown;

use self::desk::Desk;
use self::report::Report;
use super::App;
use crate::http::Problem;

/// What can be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Attack {
    Screenshot,
    Tamper,
    StaleClock,
    SecondPhone,
    RevokedCard,
    CompromisedKey,
    DoubleSpend,
    PulledFeeder,
    CutCable,
}

/// `POST /api/attacks/{attack}`
pub(crate) async fn perform(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Json<Report>, Problem> {
    let attack = Attack::deserialize(name.as_str().into_deserializer());
    let attack = attack.map_err(|error: Unknown| Problem::not_found(format!("no such attack: {error}")))?;
    let alone = app.attacking.clone().try_lock_owned().map_err(|_| {
        Problem::new(StatusCode::CONFLICT, "attack_in_progress", "one attack at a time: wait for its end")
    })?;
    // In a task of its own: what was broken is put back also if the browser goes away meanwhile.
    let attacking = tokio::spawn(async move {
        let report = attack.on(&app).await;
        drop(alone);
        report
    });
    match attacking.await {
        Ok(report) => report.map(Json),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The city is stopping.
            Err(_) => Err(Problem::silent("city")),
        },
    }
}

impl Attack {
    async fn on(self, app: &App) -> Result<Report, Problem> {
        let desk = Desk::new(app);
        match self {
            Self::Screenshot => code::screenshot(desk).await,
            Self::Tamper => code::tamper(desk).await,
            Self::StaleClock => code::stale_clock(desk).await,
            Self::SecondPhone => code::second_phone(desk).await,
            Self::RevokedCard => issuer::revoked_card(desk).await,
            Self::CompromisedKey => issuer::compromised_key(desk).await,
            Self::DoubleSpend => money::double_spend(desk).await,
            Self::PulledFeeder => feeder::pulled_feeder(desk).await,
            Self::CutCable => cable::cut_cable(desk).await,
        }
    }
}
