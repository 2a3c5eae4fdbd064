//! The holder: the phone that shows a code and has the next one ready in time.

use types::{Core, ResidentId, SECOND_MS, Timestamp};

use crate::{Attribute, Identity, IssueReply, IssueRequest, Profile, QrText, decode_code};

/// How long before a code ends the next one is asked for \[ms\].
pub const REFRESH_BEFORE_MS: i64 = 2 * SECOND_MS;
/// How long the first answer is waited for \[ms\]. Doubles with every request that stays unanswered.
pub const ANSWER_WAIT_MS: i64 = 5 * SECOND_MS;
/// The longest wait between two requests \[ms\].
pub const ANSWER_WAIT_MS_MAX: i64 = 60 * SECOND_MS;
/// The shortest time between an answer and the next request \[ms\], however short the code's life.
const REQUEST_GAP_MS: i64 = SECOND_MS;

/// What can happen to a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Its owner wants to show a code. Doing so again asks for a fresh one.
    Show {
        /// Whose code.
        resident: ResidentId,
        /// What it discloses.
        profile: Profile,
    },
    /// Its owner puts it away.
    Hide,
    /// The issuer answered.
    Reply(IssueReply),
}

/// What a phone wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Ask the issuer.
    Request(IssueRequest),
    /// Show this code instead of whatever was shown.
    Display {
        /// The text of the symbol.
        code: QrText,
        /// When it is worthless.
        expires: Timestamp,
    },
    /// Show no code.
    Blank,
}

/// Keeps a current code on the screen for as long as its owner wants one there.
///
/// Goes on asking while it is shown, however long the issuer is silent, but ever less often. A resident who is not
/// enrolled is not asked for again.
#[derive(Debug, Default)]
pub struct Holder {
    shown: Option<Shown>,
}

#[derive(Debug)]
struct Shown {
    request: IssueRequest,
    /// When the code on the screen is worthless; `None` if there is none.
    displayed_until: Option<Timestamp>,
    /// When to ask next: for the next code, or again for this one.
    ask_at: Timestamp,
    /// Requests since the last answer.
    unanswered: u32,
}

impl Holder {
    /// A phone that shows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    fn show(&mut self, now: Timestamp, request: IssueRequest, out: &mut Vec<Output>) {
        // A code that discloses something else than its owner now wants must not stay.
        if self.shown.as_ref().is_some_and(|shown| shown.request != request) {
            self.hide(out);
        }
        let displayed_until = self.shown.as_ref().and_then(|shown| shown.displayed_until);
        let shown = self.shown.insert(Shown { request, displayed_until, ask_at: now, unanswered: 0 });
        shown.ask(now, out);
    }

    fn hide(&mut self, out: &mut Vec<Output>) {
        if self.shown.take().is_some_and(|shown| shown.displayed_until.is_some()) {
            out.push(Output::Blank);
        }
    }

    fn take(&mut self, now: Timestamp, reply: IssueReply, out: &mut Vec<Output>) {
        let Some(shown) = self.shown.as_mut().filter(|shown| shown.unanswered > 0) else { return };
        match reply {
            IssueReply::Issued { code, expires, .. } => shown.display(now, code, expires, out),
            IssueReply::NotEnrolled => self.hide(out),
        }
    }
}

impl Shown {
    fn ask(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        // Five doublings pass the maximum.
        let wait = (ANSWER_WAIT_MS << self.unanswered.min(5)).min(ANSWER_WAIT_MS_MAX);
        self.ask_at = now.plus_millis(wait);
        self.unanswered = self.unanswered.saturating_add(1);
        out.push(Output::Request(self.request));
    }

    /// An answer that came too late, or to an earlier wish of its owner, is no answer.
    fn display(&mut self, now: Timestamp, code: QrText, expires: Timestamp, out: &mut Vec<Output>) {
        if expires <= now || !answers(&code, self.request) {
            return;
        }
        self.unanswered = 0;
        self.displayed_until = Some(expires);
        self.ask_at = expires.plus_millis(-REFRESH_BEFORE_MS).max(now.plus_millis(REQUEST_GAP_MS));
        out.push(Output::Display { code, expires });
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.displayed_until.is_some_and(|until| until <= now)
    }
}

/// Whether a code discloses what was asked for, of whom it was asked for. A phone cannot check the signature and need
/// not; it must not show `Full` because an answer was delayed until `Anon` was wanted.
fn answers(code: &QrText, request: IssueRequest) -> bool {
    let identity =
        decode_code(&code.0).and_then(|code| code.claims()).ok().and_then(|claims| claims.identity);
    identity.is_some_and(|identity| {
        identity.resident == request.resident && discloses(&identity, request.profile)
    })
}

/// Whether an identity discloses exactly this.
pub(crate) fn discloses(identity: &Identity, profile: Profile) -> bool {
    let wanted = Attribute::disclosed_by(profile).iter().filter(|&&attribute| attribute != Attribute::Id);
    identity.disclosed.keys().eq(wanted)
}

impl Core for Holder {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Show { resident, profile } => self.show(now, IssueRequest { resident, profile }, out),
            Input::Hide => self.hide(out),
            Input::Reply(reply) => self.take(now, reply, out),
        }
    }

    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let Some(shown) = &mut self.shown else { return };
        if shown.is_over(now) {
            shown.displayed_until = None;
            out.push(Output::Blank);
        }
        if shown.ask_at <= now {
            shown.ask(now, out);
        }
    }

    fn next_timeout(&self) -> Option<Timestamp> {
        let shown = self.shown.as_ref()?;
        Some(shown.displayed_until.map_or(shown.ask_at, |until| until.min(shown.ask_at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{code_of, now};

    fn after(holder: &mut Holder, millis: i64, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        holder.handle(now().plus_millis(millis), input, &mut out);
        out
    }

    /// What the next timeout brings, and after how many milliseconds.
    fn next(holder: &mut Holder) -> (i64, Vec<Output>) {
        let at = holder.next_timeout().unwrap();
        let mut out = Vec::new();
        holder.handle_timeout(at, &mut out);
        (at.millis_since(now()), out)
    }

    fn show(n: u32, profile: Profile) -> Input {
        Input::Show { resident: ResidentId(n), profile }
    }

    fn request(n: u32, profile: Profile) -> Output {
        Output::Request(IssueRequest { resident: ResidentId(n), profile })
    }

    fn reply(n: u16, profile: Profile) -> Input {
        let (issued, expires) = (now(), now().plus_millis(60_000));
        Input::Reply(IssueReply::Issued { code: code_of(n, profile), issued, expires })
    }

    fn display(n: u16, profile: Profile) -> Output {
        Output::Display { code: code_of(n, profile), expires: now().plus_millis(60_000) }
    }

    #[test]
    fn a_code_nobody_asked_for_is_not_shown() {
        let mut holder = Holder::new();
        assert_eq!(after(&mut holder, 0, reply(1, Profile::Name)), []);
        after(&mut holder, 0, show(1, Profile::Name));
        after(&mut holder, 0, reply(1, Profile::Name));
        assert_eq!(after(&mut holder, 1, reply(1, Profile::Name)), [], "twice");
        after(&mut holder, 2, Input::Hide);
        assert_eq!(after(&mut holder, 3, reply(1, Profile::Name)), [], "put away");
        assert_eq!(holder.next_timeout(), None);
    }

    #[test]
    fn a_late_answer_to_an_earlier_wish_is_not_shown() {
        let mut holder = Holder::new();
        after(&mut holder, 0, show(1, Profile::Full));
        assert_eq!(after(&mut holder, 1, show(1, Profile::Anon)), [request(1, Profile::Anon)]);
        assert_eq!(after(&mut holder, 2, reply(1, Profile::Full)), []);
        assert_eq!(after(&mut holder, 3, reply(2, Profile::Anon)), [], "another resident's");
        assert_eq!(after(&mut holder, 4, reply(1, Profile::Anon)), [display(1, Profile::Anon)]);
    }

    #[test]
    fn an_expired_or_unreadable_answer_is_no_answer() {
        let mut holder = Holder::new();
        after(&mut holder, 0, show(1, Profile::Name));
        assert_eq!(after(&mut holder, 60_000, reply(1, Profile::Name)), []);
        let (issued, expires) = (now(), now().plus_millis(90_000));
        let garbage = IssueReply::Issued { code: QrText("KITE".into()), issued, expires };
        assert_eq!(after(&mut holder, 60_000, Input::Reply(garbage)), []);
        assert_eq!(next(&mut holder).1, [request(1, Profile::Name)]);
    }

    #[test]
    fn who_is_not_enrolled_is_not_asked_for_again() {
        let mut holder = Holder::new();
        after(&mut holder, 0, show(1, Profile::Name));
        assert_eq!(after(&mut holder, 1, Input::Reply(IssueReply::NotEnrolled)), []);
        assert_eq!(holder.next_timeout(), None);
        after(&mut holder, 2, show(1, Profile::Name));
        after(&mut holder, 2, reply(1, Profile::Name));
        assert_eq!(next(&mut holder), (58_000, vec![request(1, Profile::Name)]));
        assert_eq!(after(&mut holder, 58_001, Input::Reply(IssueReply::NotEnrolled)), [Output::Blank]);
    }

    #[test]
    fn a_silent_issuer_is_asked_ever_less_often() {
        let mut holder = Holder::new();
        after(&mut holder, 0, show(1, Profile::Name));
        let asked: Vec<i64> = (0..7).map(|_| next(&mut holder).0 / 1_000).collect();
        assert_eq!(asked, [5, 15, 35, 75, 135, 195, 255]);
    }

    #[test]
    fn the_next_code_is_asked_for_two_seconds_before_the_end() {
        let mut holder = Holder::new();
        assert_eq!(after(&mut holder, 0, show(1, Profile::Name)), [request(1, Profile::Name)]);
        assert_eq!(after(&mut holder, 50, reply(1, Profile::Name)), [display(1, Profile::Name)]);
        assert_eq!(next(&mut holder), (58_000, vec![request(1, Profile::Name)]));
        assert_eq!(
            next(&mut holder),
            (60_000, vec![Output::Blank]),
            "no answer: a worthless code is not shown"
        );
        assert_eq!(next(&mut holder), (63_000, vec![request(1, Profile::Name)]));
    }

    #[test]
    fn a_short_life_does_not_make_a_flood_of_requests() {
        let mut holder = Holder::new();
        after(&mut holder, 59_000, show(1, Profile::Name));
        assert_eq!(after(&mut holder, 59_500, reply(1, Profile::Name)), [display(1, Profile::Name)]);
        assert_eq!(next(&mut holder), (60_000, vec![Output::Blank]));
        assert_eq!(next(&mut holder), (60_500, vec![request(1, Profile::Name)]));
    }

    #[test]
    fn another_profile_takes_the_old_code_away_at_once_and_a_refresh_does_not() {
        let mut holder = Holder::new();
        after(&mut holder, 0, show(1, Profile::Full));
        after(&mut holder, 0, reply(1, Profile::Full));
        assert_eq!(after(&mut holder, 1, show(1, Profile::Full)), [request(1, Profile::Full)]);
        assert_eq!(after(&mut holder, 2, show(1, Profile::Anon)), [Output::Blank, request(1, Profile::Anon)]);
    }

    #[test]
    fn hiding_blanks_once() {
        let mut holder = Holder::new();
        assert_eq!(after(&mut holder, 0, Input::Hide), []);
        after(&mut holder, 0, show(1, Profile::Name));
        after(&mut holder, 0, reply(1, Profile::Name));
        assert_eq!(after(&mut holder, 1, Input::Hide), [Output::Blank]);
        assert_eq!(after(&mut holder, 2, Input::Hide), []);
        assert_eq!(holder.next_timeout(), None);
    }
}
