//! The live driver: the broker, its clients, the wall's clock, and the pages.
//!
//! Read [`city`] first: it starts everything else. The cores it drives are the same that `sim` drives.

pub mod access;
pub mod broker;
pub mod bus;
