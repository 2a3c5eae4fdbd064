//! A day of codes: what is shown is good at every moment, and nothing grows.

use eid::{
    Holder, Phone, PhoneKey, Profile, QrText, RefusalReason, Verifier, holder, issuer, phone, verifier,
};
use types::{Core, DAY_MS, HOUR_MS, ResidentId, SECOND_MS, Seed, Stream, Timestamp};

use crate::pictures::{reason_of, verify};
use crate::town::{issuer_with, noon, reply_to};

/// Of these, two have phones with keys; the third asks the issuer for each code.
const OWNERS: u32 = 3;

/// What is on a screen.
struct Screen {
    owner: ResidentId,
    kind: Kind,
    /// The code and until when it is said to be good.
    shown: Option<(QrText, Timestamp)>,
}

enum Kind {
    Phone(Box<Phone>),
    Holder(Holder),
}

struct Day {
    issuer: eid::Issuer,
    screens: Vec<Screen>,
    verifier: Verifier,
    chance: Stream,
    shows: u32,
    seen_max: usize,
    /// A code of each moment, to be shown again when it is over.
    copies: Vec<(QrText, Timestamp)>,
}

impl Day {
    fn new() -> Self {
        let mut issuer = issuer_with(OWNERS);
        let mut verifier = Verifier::new(issuer.root());
        verifier.handle(noon(), verifier::Input::Keys(issuer.key_set(noon())), &mut Vec::new());
        let screen = |n: u32| {
            let kind = if n == 0 {
                Kind::Holder(Holder::new())
            } else {
                let nonces = Seed(4).stream("nonces", n.into());
                Kind::Phone(Box::new(Phone::new(ResidentId(n), PhoneKey::from_seed([n as u8; 32]), nonces)))
            };
            Screen { owner: ResidentId(n), kind, shown: None }
        };
        let (screens, chance) = ((0..OWNERS).map(screen).collect(), Seed(4).stream("day", 0));
        Self { issuer, screens, verifier, chance, shows: 0, seen_max: 0, copies: Vec::new() }
    }

    /// Whether the issuer can be reached: not from 22:00 to midnight.
    fn is_online(now: Timestamp) -> bool {
        !(10..12).contains(&(now.millis_since(noon()) / HOUR_MS))
    }

    fn tick(&mut self, now: Timestamp, is_first: bool) {
        if self.issuer.next_timeout().is_some_and(|due| due <= now) {
            let mut out = Vec::new();
            self.issuer.handle_timeout(now, &mut out);
            for output in out {
                if let issuer::Output::Keys(keys) = output {
                    self.verifier.handle(now, verifier::Input::Keys(keys), &mut Vec::new());
                }
            }
        }
        for screen in &mut self.screens {
            screen.tick(now, is_first, &mut self.issuer);
        }
    }

    /// Somebody holds their screen to a reader, where it may have been held before.
    fn show(&mut self, now: Timestamp) {
        let at = self.chance.below(u64::from(OWNERS)) as usize;
        let Some((code, until)) = self.screens[at].shown.clone() else {
            // A holder asks again after a minute at most.
            let is_excused = !Self::is_online(now.plus_millis(-holder::ANSWER_WAIT_MS_MAX));
            assert!(at == 0 && (is_excused || !Self::is_online(now)), "none is shown at {now}");
            return;
        };
        assert!(now < until, "a stale code is on the screen at {now}");
        self.shows += 1;
        let known = self.copies.iter().any(|(copy, _)| *copy == code);
        let reason = reason_of(&verify(&mut self.verifier, now, &code.0, self.shows));
        assert_eq!(reason, known.then_some(RefusalReason::TokenReplayed), "at {now}");
        self.copies.push((code, until));
        self.seen_max = self.seen_max.max(self.verifier.seen_len());
    }

    /// A copy of whatever was shown, when its time is over.
    fn show_old_copies(&mut self, now: Timestamp) {
        let is_over = |until: Timestamp| now >= until.plus_millis(verifier::SKEW_MS);
        while self.copies.first().is_some_and(|(_, until)| is_over(*until)) {
            let (code, _) = self.copies.remove(0);
            self.shows += 1;
            let reason = reason_of(&verify(&mut self.verifier, now, &code.0, self.shows));
            assert_eq!(reason, Some(RefusalReason::TokenExpired), "at {now}");
        }
    }
}

impl Screen {
    fn tick(&mut self, now: Timestamp, is_first: bool, issuer: &mut eid::Issuer) {
        let mut answers = Vec::new();
        match &mut self.kind {
            Kind::Phone(core) => {
                let show = phone::Input::Show { profile: Profile::Age, ward: None };
                let mut out = run(&mut **core, now, is_first.then_some(show));
                while let Some(output) = out.pop() {
                    match output {
                        phone::Output::Request(request) if Day::is_online(now) => {
                            let input = issuer::Input::Credentials { from: reply_to(0), request };
                            issuer.handle(now, input, &mut answers);
                            let issuer::Output::CredentialReply { reply, .. } = answers.remove(0) else {
                                panic!("an answer")
                            };
                            out.extend(run(&mut **core, now, Some(phone::Input::Reply(reply))));
                        }
                        phone::Output::Display { code, expires } => self.shown = Some((code, expires)),
                        phone::Output::Blank => self.shown = None,
                        _ => {}
                    }
                }
            }
            Kind::Holder(core) => {
                let show = holder::Input::Show { resident: self.owner, profile: Profile::Age };
                let mut out = run(core, now, is_first.then_some(show));
                while let Some(output) = out.pop() {
                    match output {
                        holder::Output::Request(request) if Day::is_online(now) => {
                            issuer.handle(
                                now,
                                issuer::Input::Issue { from: reply_to(0), request },
                                &mut answers,
                            );
                            let issuer::Output::IssueReply { reply, .. } = answers.remove(0) else {
                                panic!("an answer")
                            };
                            out.extend(run(core, now, Some(holder::Input::Reply(reply))));
                        }
                        holder::Output::Display { code, expires } => self.shown = Some((code, expires)),
                        holder::Output::Blank => self.shown = None,
                        holder::Output::Request(_) => {}
                    }
                }
            }
        }
    }
}

/// What a core says when it is told this, or that time went on. Last things first.
fn run<C: Core>(core: &mut C, now: Timestamp, input: Option<C::Input>) -> Vec<C::Output> {
    let mut out = Vec::new();
    match input {
        Some(input) => core.handle(now, input, &mut out),
        None if core.next_timeout().is_some_and(|due| due <= now) => core.handle_timeout(now, &mut out),
        None => {}
    }
    out.reverse();
    out
}

#[test]
fn for_a_day_no_code_is_stale_no_copy_is_good_and_the_memory_stays_small() {
    let mut day = Day::new();
    for second in 0..DAY_MS / SECOND_MS {
        let now = noon().plus_millis(second * SECOND_MS);
        day.tick(now, second == 0);
        if day.chance.below(10) == 0 {
            day.show(now);
        }
        day.show_old_copies(now);
    }
    eprintln!("{} showings in a day, at most {} codes remembered", day.shows, day.seen_max);
    assert!(day.shows > 10_000, "{}", day.shows);
    // Nothing is remembered for longer than a code lives and clocks differ, at a tenth of a showing per second.
    assert!(day.seen_max <= 20, "{}", day.seen_max);
    let end = noon().plus_millis(DAY_MS + 2 * 60 * SECOND_MS);
    day.verifier.handle_timeout(end, &mut Vec::new());
    assert_eq!(day.verifier.seen_len(), 0, "and in the end nothing");
}
