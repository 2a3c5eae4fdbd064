//! What the embedded broker promises as the city sets it up, in MQTT 3.1.1 and 5, packet by packet.
//!
//! Not a test suite of the standard, and no claim of compliance: docs/bus.md has the table. Where the broker departs from
//! the standard, the test says what it does and why.

mod messages;
mod raw;
mod sessions;
mod subscriptions;
mod translate;
mod wills;
