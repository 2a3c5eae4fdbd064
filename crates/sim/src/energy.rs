//! What a city's luminaires take in a season or a year, without playing out every message.
//!
//! A [`Luminaire`](lighting::Luminaire) that is called late does everything it has missed, each at its own moment, and
//! its meter counts as if it had been called in time. So a question that only asks for energy calls each luminaire
//! once, at the end. What luminaires would have said on the way is not said; that this changes no reading is held by a
//! test against [`Sim`](crate::Sim).

use std::num::NonZeroUsize;

use city::calendar_of;
use lighting::{Programme, Telemetry};
use scenario::{Cast, CastError};
use types::{Core, Timestamp};
use wire::roles::LuminaireRole;
use wire::{BusInput, Light, Message};

/// What a city's luminaires took together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Energy {
    /// Energy \[mWh\].
    pub energy_mwh: u64,
    /// Time with light \[lamp-seconds\].
    pub burning_s: u64,
    /// Switch-ons.
    pub switch_count: u64,
}

/// What all luminaires of `cast` take from `from` to `until`, each by its own sun, keeping the programme at the place
/// of its road class in `programmes` ([`city::calendars`] are those a city begins with).
///
/// Works on `cores` threads; how many changes nothing but the time it takes.
///
/// # Errors
///
/// [`CastError`] if a luminaire cannot be made.
pub fn energy(
    cast: &Cast,
    programmes: &[Programme; 3],
    from: Timestamp,
    until: Timestamp,
    cores: NonZeroUsize,
) -> Result<Energy, CastError> {
    let mut roles = cast.luminaires(from)?;
    let share = roles.len().div_ceil(cores.get()).max(1);
    let sum = |roles: &mut [LuminaireRole], first: usize| {
        let sites = &cast.plan().luminaires()[first..];
        let readings = roles
            .iter_mut()
            .zip(sites)
            .filter_map(|(role, site)| readings(role, &programmes[calendar_of(site.class)], from, until));
        readings.fold(Energy::default(), Energy::plus)
    };
    let sum = &sum;
    let sums: Vec<Energy> = std::thread::scope(|scope| {
        let shares = roles.chunks_mut(share).enumerate();
        let threads: Vec<_> =
            shares.map(|(number, roles)| scope.spawn(move || sum(roles, number * share))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a sum does not panic")).collect()
    });
    Ok(sums.into_iter().fold(Energy::default(), |all, part| Energy {
        energy_mwh: all.energy_mwh + part.energy_mwh,
        burning_s: all.burning_s + part.burning_s,
        switch_count: all.switch_count + part.switch_count,
    }))
}

/// What one luminaire's meter shows at `until`; nothing if its clock does not get there.
fn readings(
    role: &mut LuminaireRole,
    programme: &Programme,
    from: Timestamp,
    until: Timestamp,
) -> Option<Telemetry> {
    let (district, luminaire, body) = (role.district(), role.id(), Light::Programme(programme.clone()));
    let mut said = Vec::new();
    role.handle(from, BusInput::Message(Message::Light { district, luminaire, body }), &mut said);
    // Connected, it tells its readings whether or not they are due.
    said.clear();
    role.handle(until, BusInput::Connected, &mut said);
    said.into_iter().rev().find_map(|message| match message {
        Message::Light { body: Light::Telemetry(report), .. } => Some(report.body),
        _ => None,
    })
}

impl Energy {
    fn plus(self, readings: Telemetry) -> Self {
        Self {
            energy_mwh: self.energy_mwh + readings.energy_mwh,
            burning_s: self.burning_s + readings.burning_s,
            switch_count: self.switch_count + u64::from(readings.switch_count),
        }
    }
}
