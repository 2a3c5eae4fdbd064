//! The live driver: the broker, its clients, the wall's clock, and the pages.
//!
//! Read [`host`] first: it runs one role on the bus. The roles are the same that `sim` runs.

pub mod access;
pub mod bench;
pub mod bridge;
pub mod broker;
pub mod bus;
pub mod clock;
pub mod console;
pub mod fleet;
pub mod glance;
pub mod health;
pub mod host;
pub mod journal;
pub mod operator;
pub mod play;
pub mod proxy;
pub mod runner;
pub mod time;
pub mod tls;

mod caller;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod http;
mod identity;
mod link;
mod metrics;
mod payment;
mod ports;
mod trace;

pub use link::Link;
