//! Scenarios: the cast of a city, what happens in it, and whether what must come of it does.
//!
//! ```text
//! file ─▶ Script ─▶ bind to a Cast ─▶ Play ◀── sees every message ── driver (sim or services)
//!                                       └───── gives orders ────────▶
//! ```
//!
//! Read [`Script`] and [`Play`] first, then [`Cast`], which makes every role from one spec. `docs/scenarios.md` is the
//! manual of the language. Does no I/O and reads no clock: drivers show it messages and the time.

mod bind;
mod cast;
mod compare;
mod director;
mod expr;
mod facts;
mod feeder;
mod file;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod invariants;
mod judge;
mod mistake;
mod observer;
mod order;
mod play;
mod policy;
mod record;
mod residents;
mod script;
mod sensors;
mod time;

pub use cast::{Cast, CastError, CastSpec};
pub use compare::{ClassFigures, Comparison, Figures, Minute};
pub use facts::{KINDS, Kind, lamp_field_names};
pub use judge::{Failure, Outcome, SoFar, Spread, Standing};
pub use mistake::Mistake;
pub use observer::{Nobody, Observer};
pub use order::{Clients, Direction, Disturbance, Effect, Luminaires, Order};
pub use play::{Play, Verdict};
pub use policy::LightingPolicy;
pub use record::{AlarmRow, LedgerRow, Record, Sample, SettlementRow};
pub use residents::Residents;
pub use script::{RunOptions, Script, schema};
pub use sensors::Sensors;
pub use time::{duration_ms, local_day, show as show_moment, show_duration};
