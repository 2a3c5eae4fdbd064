//! The role that keeps the city's clock.

use types::{Core, DAY_MS, MINUTE_MS, SECOND_MS, Timestamp};
use wire::{BusInput, ClockChange, ClockState, Message, Reply, ReplyBody, RequestBody, Role, RoleName};

/// How fast a step is \[city seconds per wall second\], unless the city is faster anyway.
const STEP_SPEED: u32 = 600;
/// How long a clock that joins a city listens whether time runs there already \[ms\].
const LISTEN_MS: i64 = SECOND_MS;
/// How far ahead a clock may be that is taken for the one of this city \[ms\]: its sun is known for a year.
const AHEAD_MS_MAX: i64 = 366 * DAY_MS;

/// The city's clock: lives by the wall's, and tells everyone how the city's runs.
#[derive(Debug)]
pub struct ClockRole {
    state: ClockState,
    /// The speed to go back to after a step.
    usual_speed: u32,
    phase: Phase,
}

/// Whether it has told the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not yet, and it will not listen first.
    New,
    /// Not yet: it will listen as soon as it is on the bus.
    Joining,
    /// It listens until then.
    Listening(Timestamp),
    /// It is the clock.
    Telling,
}

impl ClockRole {
    /// A clock that shows `state`.
    pub fn new(state: ClockState) -> Self {
        Self { usual_speed: state.speed, state, phase: Phase::New }
    }

    /// A clock that goes on from what the bus says, so that time does not jump back when a clock starts again; if
    /// nothing is said there, it shows `state`.
    pub fn joining(state: ClockState) -> Self {
        Self { phase: Phase::Joining, ..Self::new(state) }
    }

    fn connected(&mut self, now: Timestamp, out: &mut Vec<Message>) {
        match self.phase {
            Phase::Joining | Phase::Listening(_) => {
                self.phase = Phase::Listening(now.plus_millis(LISTEN_MS));
            }
            Phase::New | Phase::Telling => self.tell(out),
        }
    }

    fn tell(&mut self, out: &mut Vec<Message>) {
        self.phase = Phase::Telling;
        out.push(Message::Clock(self.state));
    }

    /// Another clock's word, kept by the broker. One that is behind is of an earlier city, or another year's.
    fn hear(&mut self, now: Timestamp, state: ClockState, out: &mut Vec<Message>) {
        let ahead_ms = state.city_at(now).millis_since(self.state.city_at(now));
        if matches!(self.phase, Phase::Joining | Phase::Listening(_)) && (0..AHEAD_MS_MAX).contains(&ahead_ms)
        {
            (self.state, self.usual_speed) = (state, state.speed);
            self.tell(out);
        }
    }

    fn change(&mut self, now: Timestamp, change: ClockChange) {
        let city = self.state.city_at(now);
        self.usual_speed = change.speed.unwrap_or(self.usual_speed);
        if let Some(minutes) = change.step_min {
            let stop = city.plus_millis(i64::from(minutes) * MINUTE_MS);
            let running = ClockState::running(city, now, self.usual_speed.max(STEP_SPEED));
            self.state = ClockState { stands_at: Some(stop), ..running };
            return;
        }
        // A step that is broken off was to end in a pause.
        let paused = change.paused.unwrap_or(self.state.paused || self.state.stands_at.is_some());
        self.state = ClockState { paused, ..ClockState::running(city, now, self.usual_speed) };
    }
}

impl Core for ClockRole {
    type Input = BusInput;
    type Output = Message;

    fn handle(&mut self, now: Timestamp, bus: BusInput, out: &mut Vec<Message>) {
        match bus {
            BusInput::Connected => self.connected(now, out),
            BusInput::Message(Message::Clock(state)) => self.hear(now, state, out),
            BusInput::Message(Message::Request(request)) => {
                let RequestBody::SetClock(change) = request.body else { return };
                self.change(now, change);
                let body = ReplyBody::Clock(self.state);
                self.tell(out);
                out.push(Message::Reply(Reply { to: request.reply_to, time: now, body }));
            }
            BusInput::Message(_) => {}
        }
    }

    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Message>) {
        if matches!(self.phase, Phase::Listening(until) if until <= now) {
            self.tell(out);
        } else if self.state.stands_at.is_some_and(|stop| stop <= self.state.city_at(now)) {
            self.change(now, ClockChange { paused: Some(true), ..ClockChange::default() });
            out.push(Message::Clock(self.state));
        }
    }

    fn next_timeout(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Listening(until) => Some(until),
            _ => {
                let wait_ms = self.state.wall_ms_until(self.state.stands_at?, self.state.wall)?;
                Some(self.state.wall.plus_millis(wait_ms))
            }
        }
    }
}

impl Role for ClockRole {
    fn name(&self) -> RoleName {
        RoleName::Clock
    }

    fn filters(&self) -> Vec<&'static str> {
        vec!["rpc/clock/#", "sim/clock"]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn state(city_ms: i64, wall_ms: i64) -> ClockState {
        ClockState::running(at(city_ms), at(wall_ms), 60)
    }

    fn told(clock: &mut ClockRole, now_ms: i64, input: BusInput) -> Vec<Message> {
        let mut out = Vec::new();
        clock.handle(at(now_ms), input, &mut out);
        out
    }

    #[test]
    fn a_clock_that_starts_again_does_not_set_time_back() {
        let mut clock = ClockRole::joining(state(0, 9_000));
        assert_eq!(told(&mut clock, 9_000, BusInput::Connected), []);
        let before = state(5_000, 1_000);
        let heard = told(&mut clock, 9_100, BusInput::Message(Message::Clock(before)));
        assert_eq!(heard, [Message::Clock(before)]);
        assert_eq!(clock.next_timeout(), None);
        assert_eq!(told(&mut clock, 9_200, BusInput::Message(Message::Clock(state(7_000, 9_200)))), []);
    }

    #[test]
    fn a_clock_that_hears_nothing_or_another_years_time_shows_its_own() {
        let own = state(400 * DAY_MS, 9_000);
        let mut clock = ClockRole::joining(own);
        told(&mut clock, 9_000, BusInput::Connected);
        for other in [state(399 * DAY_MS, 9_000), state(800 * DAY_MS, 9_000)] {
            assert_eq!(told(&mut clock, 9_100, BusInput::Message(Message::Clock(other))), []);
        }
        let mut out = Vec::new();
        clock.handle_timeout(at(9_000 + LISTEN_MS), &mut out);
        assert_eq!(out, [Message::Clock(own)]);
        assert_eq!(
            told(&mut clock, 20_000, BusInput::Connected),
            [Message::Clock(own)],
            "after a new broker"
        );
    }

    #[test]
    fn a_new_citys_clock_tells_at_once() {
        let own = state(0, 9_000);
        assert_eq!(told(&mut ClockRole::new(own), 9_000, BusInput::Connected), [Message::Clock(own)]);
    }

    fn paused() -> ClockRole {
        let mut clock = ClockRole::new(ClockState::running(at(0), at(0), 60));
        clock.change(at(1_000), ClockChange { paused: Some(true), ..ClockChange::default() });
        clock
    }

    #[test]
    fn a_paused_clock_stands_and_goes_on_from_there() {
        let mut clock = paused();
        assert_eq!(clock.state.city_at(at(9_000)), at(60_000));
        let faster = ClockChange { paused: Some(false), speed: Some(600), ..ClockChange::default() };
        clock.change(at(9_000), faster);
        assert_eq!(clock.state.city_at(at(9_001)), at(60_600));
    }

    #[test]
    fn a_step_ends_where_it_should_and_the_speed_is_as_before() {
        let mut clock = paused();
        clock.change(at(2_000), ClockChange { step_min: Some(10), ..ClockChange::default() });
        assert_eq!(clock.next_timeout(), Some(at(3_000)), "600 s at 600 times the speed");
        let mut out = Vec::new();
        clock.handle_timeout(at(2_999), &mut out);
        assert_eq!(out, [], "not yet");
        // Late, as live timeouts are: nobody's clock goes back.
        clock.handle_timeout(at(3_007), &mut out);
        let stands = ClockState { paused: true, ..ClockState::running(at(660_000), at(3_007), 60) };
        assert_eq!(out, [Message::Clock(stands)]);
        assert_eq!(clock.next_timeout(), None);
    }

    #[test]
    fn a_step_that_is_broken_off_stands_where_it_is_and_one_that_is_let_run_runs_on() {
        let mut clock = paused();
        let step = ClockChange { step_min: Some(10), ..ClockChange::default() };
        clock.change(at(2_000), step);
        clock.change(at(2_500), ClockChange { paused: Some(true), ..ClockChange::default() });
        assert_eq!(clock.state.city_at(at(9_000)), at(360_000));
        clock.change(at(9_000), step);
        clock.change(at(9_100), ClockChange { paused: Some(false), ..ClockChange::default() });
        assert_eq!((clock.state.speed, clock.state.stands_at), (60, None));
    }
}
