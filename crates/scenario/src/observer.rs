use types::Timestamp;
use wire::Message;

use crate::Order;

/// Someone who sees every message that reaches the broker, and gives orders.
///
/// A driver calls [`observe`](Self::observe) in the order of the messages, and [`wake`](Self::wake) once its clock
/// shows [`wakes_at`](Self::wakes_at), before whatever else happens at that moment. `now` never goes backwards.
pub trait Observer {
    /// A message is on the bus.
    fn observe(&mut self, now: Timestamp, message: &Message);

    /// When it wants the time next. May move at each call.
    fn wakes_at(&self) -> Option<Timestamp>;

    /// Its moment has come.
    fn wake(&mut self, now: Timestamp, orders: &mut Vec<Order>);
}

/// Sees nothing, orders nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Observer for Nobody {
    fn observe(&mut self, _: Timestamp, _: &Message) {}

    fn wakes_at(&self) -> Option<Timestamp> {
        None
    }

    fn wake(&mut self, _: Timestamp, _: &mut Vec<Order>) {}
}
