//! The roles beside the luminaires, and how they survive a crash.

use scenario::{Cast, CastError};
use types::{LuminaireId, Timestamp};
use wire::roles::LuminaireRole;
use wire::{BusInput, Light, Message, Role, RoleName};

use crate::books::BooksWatch;

/// A role, and everything it was told.
pub(crate) struct Service {
    pub(crate) role: Box<dyn Role>,
    journal: Option<Vec<(Timestamp, Told)>>,
    /// If it is the payer.
    books: Option<Box<BooksWatch>>,
    /// When it starts again, if it crashed.
    pub(crate) down_until: Option<Timestamp>,
}

/// What a role was told, as its journal keeps it.
enum Told {
    Input(BusInput),
    Timeout,
}

/// Inputs kept of one role. The CMS of a large city reaches this in minutes; a role that does keeps no journal any
/// more, and its state itself stands for what replaying all its inputs would make of it: the same, since a core is
/// its inputs (a test shows it).
const JOURNAL_INPUTS_MAX: usize = 65_536;

/// The roles of a city that run here.
pub(crate) const ROLES: [RoleName; 6] = [
    RoleName::Lighting,
    RoleName::Issuer,
    RoleName::Verifier,
    RoleName::Payer,
    RoleName::Clinic,
    RoleName::Residents,
];

impl Service {
    /// The role of this name; `None` if it does not run here.
    ///
    /// # Errors
    ///
    /// [`CastError`] if it cannot be made.
    pub(crate) fn new(cast: &Cast, name: RoleName) -> Result<Option<Self>, CastError> {
        let role = make(cast, name)?;
        let seed = cast.plan().spec().seed;
        Ok(role.map(|role| Self {
            books: role.payer().map(|_| Box::new(BooksWatch::new(seed))),
            role,
            journal: Some(Vec::new()),
            down_until: None,
        }))
    }

    /// A role that is not of the cast: nobody can make it anew.
    pub(crate) fn stranger(role: Box<dyn Role>) -> Self {
        Self { role, journal: None, books: None, down_until: None }
    }

    pub(crate) fn handle(&mut self, now: Timestamp, input: BusInput, out: &mut Vec<Message>) {
        self.note(now, || Told::Input(input.clone()));
        if let Some(books) = &mut self.books {
            books.note(&input);
        }
        let before = out.len();
        self.role.handle(now, input, out);
        self.check_books(now, &out[before..]);
    }

    /// The same with a message of a luminaire; its role is looked at only if need be, since it is far away
    /// in memory.
    pub(crate) fn handle_light(
        &mut self,
        now: Timestamp,
        (luminaire, role): (LuminaireId, &LuminaireRole),
        body: &Light,
        out: &mut Vec<Message>,
    ) {
        let whole = || {
            let body = body.clone();
            BusInput::Message(Message::Light { district: role.district(), luminaire, body })
        };
        self.note(now, || Told::Input(whole()));
        if !self.role.handle_light(now, luminaire, body, out) {
            self.role.handle(now, whole(), out);
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Message>) {
        self.note(now, || Told::Timeout);
        let before = out.len();
        self.role.handle_timeout(now, out);
        self.check_books(now, &out[before..]);
    }

    fn check_books(&mut self, now: Timestamp, said: &[Message]) {
        if let Some(books) = &mut self.books {
            books.check(now, self.role.as_mut(), said);
        }
    }

    /// Looks whether the books are right, if it keeps any and something happened since the last look.
    pub(crate) fn look_at_books(&mut self, now: Timestamp) {
        if let Some(books) = &mut self.books {
            books.look(now, self.role.as_ref());
        }
    }

    /// Makes the role anew and tells it again everything in its journal; what it says to that was said before.
    pub(crate) fn restart(&mut self, cast: &Cast) {
        self.down_until = None;
        let Some(journal) = &self.journal else { return };
        let anew = make(cast, self.role.name()).expect("it was made before");
        let mut role = anew.expect("it was made before");
        let mut said = Vec::new();
        for (at, told) in journal {
            match told {
                Told::Input(input) => role.handle(*at, input.clone(), &mut said),
                Told::Timeout => role.handle_timeout(*at, &mut said),
            }
            said.clear();
        }
        self.role = role;
        // What was told before the crash must be there after it.
        if let Some(books) = &mut self.books {
            books.doubt();
        }
    }

    /// Keeps no journal from now on.
    #[cfg(test)]
    pub(crate) fn forget_journal(&mut self) {
        self.journal = None;
    }

    fn note(&mut self, now: Timestamp, told: impl FnOnce() -> Told) {
        if let Some(journal) = &mut self.journal {
            if journal.len() < JOURNAL_INPUTS_MAX {
                journal.push((now, told()));
            } else {
                self.journal = None;
            }
        }
    }
}

fn make(cast: &Cast, name: RoleName) -> Result<Option<Box<dyn Role>>, CastError> {
    Ok(Some(match name {
        RoleName::Lighting => Box::new(cast.cms()?),
        RoleName::Issuer => Box::new(cast.issuer()),
        RoleName::Verifier => Box::new(cast.verifier()),
        RoleName::Payer => Box::new(cast.payer()?),
        RoleName::Clinic => Box::new(cast.clinic()),
        RoleName::Residents => Box::new(cast.residents_role()),
        RoleName::Clock
        | RoleName::Fleet
        | RoleName::Console
        | RoleName::Scenario
        | RoleName::Iotda
        | RoleName::Streetlights
        | RoleName::HomeAssistant => {
            return Ok(None);
        }
    }))
}

#[cfg(test)]
mod tests {
    use city::CitySpec;
    use scenario::{CastSpec, Observer, Order};
    use types::{HOUR_MS, MINUTE_MS, Seed};

    use super::*;
    use crate::Sim;

    /// Crashes every role once.
    struct Crashes(Vec<(Timestamp, RoleName)>);

    impl Observer for Crashes {
        fn observe(&mut self, _: Timestamp, _: &Message) {}

        fn wakes_at(&self) -> Option<Timestamp> {
            self.0.last().map(|(at, _)| *at)
        }

        fn wake(&mut self, now: Timestamp, orders: &mut Vec<Order>) {
            let (_, role) = self.0.pop().unwrap();
            orders.push(Order::Crash { role, until: now.plus_millis(700) });
        }
    }

    #[test]
    fn a_replayed_journal_makes_the_same_role_as_its_kept_state() {
        let city = CitySpec { seed: Seed(7), luminaires: 50, residents: 50, clinics: 2 };
        let policy = toml::from_str(include_str!("../../../config/policies/demo.toml")).unwrap();
        let cast = Cast::new(CastSpec::new(city, 2026, policy)).unwrap();
        let start = cast.astro().sunset(20_561);
        let digest = |journals: bool| {
            let mut sim = Sim::new(&cast, "sim".parse().unwrap(), start).unwrap();
            if !journals {
                sim.services.iter_mut().flatten().for_each(Service::forget_journal);
            }
            let at = |place| start.plus_millis(20 * MINUTE_MS * (1 + place as i64));
            let crashes = ROLES.iter().enumerate().map(|(place, role)| (at(place), *role)).rev();
            let mut crashes = Crashes(crashes.collect());
            sim.run_until(start.plus_millis(4 * HOUR_MS), &mut crashes);
            assert!(crashes.0.is_empty());
            (sim.digest(), sim.events())
        };
        assert_eq!(digest(true), digest(false));
    }
}
