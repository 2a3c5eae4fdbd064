//! The cast of a city: every role, made from one spec, ready for either driver.
//!
//! Read [`Cast`] first, then [`Residents`].

mod cast;
mod observer;
mod order;
mod residents;

pub use cast::{Cast, CastError, CastSpec};
pub use observer::{Nobody, Observer};
pub use order::{Clients, Direction, Disturbance, Effect, Luminaires, Order};
pub use residents::Residents;
