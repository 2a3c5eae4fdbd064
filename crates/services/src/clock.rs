//! The role that keeps the city's clock.

use types::{Core, Timestamp};
use wire::{BusInput, ClockChange, ClockState, Message, Reply, ReplyBody, RequestBody, Role, RoleName};

/// The city's clock: lives by the wall's, and tells everyone how the city's runs.
#[derive(Debug)]
pub struct ClockRole {
    state: ClockState,
}

impl ClockRole {
    /// A clock that shows `state`.
    pub fn new(state: ClockState) -> Self {
        Self { state }
    }

    fn change(&mut self, now: Timestamp, change: ClockChange) {
        self.state = ClockState {
            city: self.state.city_at(now),
            wall: now,
            speed: change.speed.unwrap_or(self.state.speed),
            paused: change.paused.unwrap_or(self.state.paused),
        };
    }
}

impl Core for ClockRole {
    type Input = BusInput;
    type Output = Message;

    fn handle(&mut self, now: Timestamp, bus: BusInput, out: &mut Vec<Message>) {
        match bus {
            BusInput::Connected => out.push(Message::Clock(self.state)),
            BusInput::Message(Message::Request(request)) => {
                let RequestBody::SetClock(change) = request.body else { return };
                self.change(now, change);
                let body = ReplyBody::Clock(self.state);
                out.push(Message::Clock(self.state));
                out.push(Message::Reply(Reply { to: request.reply_to, time: now, body }));
            }
            BusInput::Message(_) => {}
        }
    }

    fn handle_timeout(&mut self, _now: Timestamp, _out: &mut Vec<Message>) {}

    fn next_timeout(&self) -> Option<Timestamp> {
        None
    }
}

impl Role for ClockRole {
    fn name(&self) -> RoleName {
        RoleName::Clock
    }

    fn filters(&self) -> Vec<&'static str> {
        vec!["rpc/clock/#"]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paused_clock_stands_and_goes_on_from_there() {
        let at = Timestamp::from_millis;
        let mut clock = ClockRole::new(ClockState { city: at(0), wall: at(0), speed: 60, paused: false });
        clock.change(at(1_000), ClockChange { paused: Some(true), speed: None });
        assert_eq!(clock.state.city_at(at(9_000)), at(60_000));
        clock.change(at(9_000), ClockChange { paused: Some(false), speed: Some(600) });
        assert_eq!(clock.state.city_at(at(9_001)), at(60_600));
    }
}
