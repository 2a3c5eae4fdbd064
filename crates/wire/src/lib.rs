//! The bus: one table of topics and payloads, and the roles that speak on it.
//!
//! ```text
//! core output ─▶ Message ─▶ encode ─▶ Frame ═══ MQTT ═══▶ decode ─▶ Message ─▶ core input
//!                   └────────────────── sim skips the bytes ───────────┘
//! ```
//!
//! Read [`Message`] and [`Role`] first. [`CHANNELS`] is the table; [`encode`] and [`decode`] are the only places
//! that turn topics into messages and back; what cannot be decoded is a [`DecodeError`] with topic, offset and reason.
//!
//! It does not connect to anything and holds no state of its own but ids.

pub mod asyncapi;
pub mod dialect;
pub mod iotda;
pub mod roles;

mod channels;
mod clock;
mod cloud_event;
mod codec;
mod device;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod message;
mod names;
mod role;
mod topic;

pub use channels::{CHANNELS, Channel};
pub use clock::{ClockChange, ClockState, SPEED_MAX, STEP_MIN_MAX};
pub use codec::{DecodeError, Delivery, Frame, PAYLOAD_BYTES_MAX, decode, encode};
pub use message::{
    DeadLetter, DimRefused, Event, EventBody, FaultOrder, Light, Message, Reply, ReplyBody, Request,
    RequestBody, Segment, WalkEvent, WalkReply, WalkRequest, Walker,
};
pub use role::{BusInput, Directory, Kept, MessageIds, Role, RoleName};
pub use topic::{Topic, filter_matches, prefix, shard_of};
