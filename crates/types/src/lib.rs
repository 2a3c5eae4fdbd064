//! What every part of Kitecity shares: ids, time, money, positions, seeds, and the shape of a core.
//!
//! Nothing here does I/O, reads a clock or draws ambient randomness. Read [`Core`] and [`Timestamp`] first:
//! every stateful thing in the city is a [`Core`], and it learns the time only from its arguments.

mod core;
mod hash;
mod ids;
mod money;
mod position;
mod reply;
mod seed;
mod time;

pub use crate::core::Core;
pub use hash::fnv1a;
pub use ids::{
    BillId, CabinetId, CommandId, DistrictId, GroupId, IdError, LuminaireId, ProviderId, ResidentId, RunId,
    Slug, TerminalId, VerifierId,
};
pub use money::{Fen, MoneyError};
pub use position::Position;
pub use reply::ReplyTo;
pub use seed::{Seed, Stream};
pub use time::{DAY_MS, HOUR_MS, LOCAL_OFFSET_MS, MINUTE_MS, SECOND_MS, Timestamp};
