//! The virtual-time driver: the same roles as live, on a timing wheel instead of a broker and a wall's clock.
//!
//! ```text
//! sender ──up──▶ broker ──down──▶ each listener
//!                 │ observer sees it, digest takes it in, retained ones are kept
//! ```
//!
//! Read [`Sim`] first; [`energy()`] answers questions of seasons and years without playing out every message, and
//! [`interleave`] plays a scene in every order of its messages.
//!
//! Messages travel as values. Undisturbed, one is at the broker as it is sent and at each listener 20 ms later; an
//! [`Order`](scenario::Order) may have links lose, repeat, delay and reorder, the broker go away, a service crash, and
//! clocks go wrong. All order comes from the queues – by time, at one millisecond what was timed before what arrives,
//! and else the order of cause – and all chance from the seed, so that the same cast and orders give the same messages,
//! and the same [`Sim::digest`].
//!
//! The broker is modelled as the city uses it: one session per connection and none kept, the last message of a
//! retained topic for whoever subscribes later, the will of a luminaire that nothing was heard of for
//! [`KEEP_ALIVE_MS`]. What a link loses MQTT sends again, so that it comes later, unless its QoS is 0 or the
//! connection breaks; what a service said then waits for the next one, as live.

pub mod bench;
pub mod explore;
pub mod interleave;

mod books;
mod cabinets;
mod client;
mod clock;
mod delivery;
mod digest;
mod energy;
mod lamps;
mod network;
mod orders;
mod outbox;
mod retained;
mod routes;
mod service;
mod sim;
mod slab;
mod wheel;

pub use energy::{Energy, energy};
pub use orders::KEEP_ALIVE_MS;
pub use sim::Sim;
