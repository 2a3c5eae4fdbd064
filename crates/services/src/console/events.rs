//! Server-sent events: what the browsers see change.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream, StreamExt};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{App, Told};
use crate::http::Problem;
use crate::metrics::metrics;

/// Browsers that listen at once: each has a queue, and wakes for every change.
pub(super) const LISTENERS_MAX: usize = 64;
/// When it is worth trying again if there are too many \[s\].
const TRY_AGAIN_S: u32 = 10;

/// Room for so many listeners.
pub(super) fn room() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(LISTENERS_MAX))
}

/// `GET /api/events`: everything as it is, then everything as it changes.
pub(crate) async fn events(
    State(app): State<App>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let place = place(&app)?;
    let receiver = app.told.subscribe();
    let first = stream::iter(everything(&app));
    // The place is given back when the browser is gone, and this with it.
    let rest = stream::unfold((receiver, app, place), |(mut receiver, app, place)| async {
        let told = match receiver.recv().await {
            Ok(told) => vec![told],
            // A browser too slow for the changes gets everything anew.
            Err(RecvError::Lagged(_)) => {
                metrics().listeners_lagged.inc();
                everything(&app)
            }
            Err(RecvError::Closed) => return None,
        };
        Some((stream::iter(told), (receiver, app, place)))
    });
    let events =
        first.chain(rest.flatten()).map(|told| Ok(Event::default().event(told.event).data(told.data)));
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// Room for one more listener, until this is dropped.
pub(super) fn place(app: &App) -> Result<OwnedSemaphorePermit, Problem> {
    app.listeners.clone().try_acquire_owned().map_err(|_| {
        metrics().listeners_refused.inc();
        let detail = format!("{LISTENERS_MAX} browsers listen already; close one of them");
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_listeners", detail);
        problem.retry_after(TRY_AGAIN_S)
    })
}

fn everything(app: &App) -> Vec<Told> {
    let view = app.view();
    let clock = view.clock_event().map(|clock| Told { event: "clock", data: clock.to_string() });
    let lamps = Told { event: "lamps", data: view.snapshot() };
    let incidents = Told { event: "incidents", data: view.incidents().to_string() };
    clock.into_iter().chain([lamps, incidents]).collect()
}
