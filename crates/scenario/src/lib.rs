//! The cast of a city: every role, made from one spec, ready for either driver.
//!
//! Read [`Cast`] first, then [`Residents`].

mod bind;
mod cast;
mod director;
mod expr;
mod facts;
mod file;
mod judge;
mod mistake;
mod observer;
mod order;
mod play;
mod record;
mod residents;
mod script;
mod time;

pub use cast::{Cast, CastError, CastSpec};
pub use facts::{KINDS, Kind};
pub use judge::{Failure, Outcome, Spread, Standing};
pub use mistake::Mistake;
pub use observer::{Nobody, Observer};
pub use order::{Clients, Direction, Disturbance, Effect, Luminaires, Order};
pub use play::{Play, Verdict};
pub use record::{AlarmRow, LedgerRow, Record, Sample, SettlementRow};
pub use residents::Residents;
pub use script::{RunOptions, Script, schema};
pub use time::{duration_ms, show as show_moment, show_duration};
