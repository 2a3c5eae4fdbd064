//! Scenarios: one at a time is played in virtual time beside the living city, and can be watched and broken off.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::App;
use crate::http::{JsonBody, Problem};
use crate::runner::{Listed, Played, Runner, Scene};

/// A report brings its style and pictures with it, and loads nothing.
const REPORT_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'";

/// The runner, and the run that it plays or played last.
#[derive(Debug)]
pub(crate) struct Scenarios {
    runner: Option<Arc<dyn Runner>>,
    run: Mutex<Option<Run>>,
}

#[derive(Debug)]
struct Run {
    file: String,
    title: String,
    scene: Scene,
    phase: Phase,
    broken_off: Arc<AtomicBool>,
}

/// How far a run is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "phase")]
enum Phase {
    Playing,
    Ended(Played),
    BrokenOff,
    Mistaken { mistake: String },
}

impl Scenarios {
    pub(crate) fn new(runner: Option<Arc<dyn Runner>>) -> Self {
        Self { runner, run: Mutex::new(None) }
    }

    fn runner(&self) -> Result<&Arc<dyn Runner>, Problem> {
        self.runner.as_ref().ok_or_else(|| {
            let detail = "this console plays no scenarios; use `kitecity run`";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_runner", detail)
        })
    }

    fn run(&self) -> MutexGuard<'_, Option<Run>> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the run that is now played; a problem if another one is.
    fn admit(&self, Listed { file, title, .. }: Listed) -> Result<Arc<AtomicBool>, Problem> {
        let mut run = self.run();
        if let Some(Run { title, phase: Phase::Playing, .. }) = &*run {
            let detail = format!("`{title}` is being played; wait for its end, or break it off");
            return Err(Problem::new(StatusCode::CONFLICT, "playing", detail));
        }
        let broken_off = Arc::new(AtomicBool::new(false));
        let (scene, phase) = (Scene::default(), Phase::Playing);
        *run = Some(Run { file, title, scene, phase, broken_off: broken_off.clone() });
        Ok(broken_off)
    }

    fn show(&self, scene: Scene) {
        if let Some(run) = &mut *self.run() {
            run.scene = scene;
        }
    }

    fn end(&self, outcome: Result<Option<Played>, String>) {
        if let Some(run) = &mut *self.run() {
            run.phase = match outcome {
                Ok(Some(played)) => Phase::Ended(played),
                Ok(None) => Phase::BrokenOff,
                Err(mistake) => Phase::Mistaken { mistake },
            };
        }
    }
}

impl Run {
    fn value(&self) -> Value {
        let mut value = json!({ "file": self.file, "title": self.title, "scene": self.scene });
        let phase = serde_json::to_value(&self.phase).unwrap_or_default();
        if let (Some(members), Value::Object(phase)) = (value.as_object_mut(), phase) {
            members.extend(phase);
        }
        value
    }
}

type Answer = Result<Json<Value>, Problem>;

/// `GET /api/scenarios`
pub(crate) async fn list(State(app): State<App>) -> Answer {
    Ok(Json(json!(listed(&app).await?)))
}

async fn listed(app: &App) -> Result<Vec<Listed>, Problem> {
    let runner = app.scenarios.runner()?.clone();
    let broken = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "broken", "the list of scenarios broke");
    spawn_blocking(move || runner.scenarios()).await.map_err(broken)
}

/// `GET /api/scenarios/run`: the run that is played or was played last; `null` before the first.
pub(crate) async fn run(State(app): State<App>) -> Json<Value> {
    Json(app.scenarios.run().as_ref().map_or(Value::Null, Run::value))
}

/// What `POST /api/scenarios/run` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Begin {
    file: String,
}

/// `POST /api/scenarios/run`
pub(crate) async fn begin(State(app): State<App>, JsonBody(Begin { file }): JsonBody<Begin>) -> Answer {
    let known = listed(&app).await?.into_iter().find(|listed| listed.file == file);
    let chosen = known.ok_or_else(|| {
        Problem::not_found(format!("no scenario `{file}`; GET /api/scenarios lists what can be played"))
    })?;
    if let Some(mistake) = chosen.mistake {
        return Err(Problem::invalid(mistake));
    }
    let runner = app.scenarios.runner()?.clone();
    let broken_off = app.scenarios.admit(chosen)?;
    let stage = app.scenarios.clone();
    tokio::spawn(async move {
        let watched = stage.clone();
        let playing = spawn_blocking(move || {
            runner.play(&file, &mut |scene| {
                watched.show(scene);
                if broken_off.load(Ordering::Relaxed) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
        });
        let broke = |_| Err("the run broke; the log of kitecity says more".to_owned());
        stage.end(playing.await.unwrap_or_else(broke));
    });
    Ok(run(State(app)).await)
}

/// `POST /api/scenarios/run/cancel`: breaks off what is being played; at the next look of its watcher it is over.
pub(crate) async fn cancel(State(app): State<App>) -> Answer {
    match &*app.scenarios.run() {
        Some(Run { phase: Phase::Playing, broken_off, .. }) => broken_off.store(true, Ordering::Relaxed),
        _ => {
            let detail = "nothing is being played that could be broken off";
            return Err(Problem::new(StatusCode::CONFLICT, "not_playing", detail));
        }
    }
    Ok(Json(json!({ "ok": true })))
}

/// `GET /api/scenarios/run/report`
pub(crate) async fn report(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    let run = app.scenarios.run();
    let Some(Run { phase: Phase::Ended(played), .. }) = &*run else {
        return Err(Problem::not_found("no scenario was played to its end, so there is no report"));
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, REPORT_POLICY),
    ];
    Ok((headers, played.report.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed() -> Listed {
        Listed { file: "a.toml".to_owned(), title: "A".to_owned(), about: String::new(), mistake: None }
    }

    #[test]
    fn a_second_run_is_refused_until_the_first_is_over() {
        let scenarios = Scenarios::new(None);
        scenarios.admit(listed()).unwrap();
        assert!(scenarios.admit(listed()).is_err());
        scenarios.end(Ok(None));
        assert!(scenarios.admit(listed()).is_ok());
    }

    #[test]
    fn a_mistake_found_late_is_told() {
        let scenarios = Scenarios::new(None);
        scenarios.admit(listed()).unwrap();
        scenarios.end(Err("a.toml:3: no".to_owned()));
        let value = scenarios.run().as_ref().unwrap().value();
        assert_eq!((&value["phase"], &value["mistake"]), (&json!("mistaken"), &json!("a.toml:3: no")));
    }
}
