//! Complaints that are open: one for each luminaire, however many people say so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use types::{DAY_MS, HOUR_MS, LuminaireId, ReplyTo, ResidentId, Timestamp};

use super::judge::Change;
use super::{Cms, Output, tell_alarms};
use crate::{AlarmChange, AlarmKind, ComplaintRefusal, ComplaintReply, ComplaintRequest};

/// How long a complaint stays open that nobody sees to \[ms of the city's clock\].
const OPEN_MS: i64 = 7 * DAY_MS;
/// Complaints kept, open ones and those closed within [`OPEN_MS`].
const KEPT_MAX: usize = 10_000;
/// Residents counted for one luminaire.
const RESIDENTS_MAX: usize = 100;
/// Luminaires that one resident may complain of within [`LATELY_MS`].
const BY_ONE_MAX: usize = 5;
/// See [`BY_ONE_MAX`] \[ms of the city's clock\].
const LATELY_MS: i64 = HOUR_MS;
/// What all residents together may file within [`LATELY_MS`].
const LATELY_MAX: usize = 2_000;
/// When an alarm of these ends, the lamp was repaired, and what people saw is over.
const SEEN_BY_PEOPLE: [AlarmKind; 7] = [
    AlarmKind::LampFailure,
    AlarmKind::LampUnexpectedOn,
    AlarmKind::RelayFailure,
    AlarmKind::DimmingFailure,
    AlarmKind::CyclingFailure,
    AlarmKind::LampPowerTooLow,
    AlarmKind::ControlGearFailure,
];

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    open: BTreeMap<LuminaireId, Open>,
    /// When each is over that was ever opened, the oldest first; some were closed meanwhile.
    ends: VecDeque<(Timestamp, LuminaireId)>,
    /// What was filed lately, and by whom, the oldest first.
    lately: VecDeque<(Timestamp, ResidentId)>,
}

#[derive(Debug)]
struct Open {
    residents: BTreeSet<ResidentId>,
    until: Timestamp,
}

/// How a complaint was taken.
enum Filed {
    /// It is the first of its luminaire.
    First,
    /// There was one already; so many residents say so now.
    Another(usize),
}

impl Complaints {
    fn file(
        &mut self,
        now: Timestamp,
        luminaire: LuminaireId,
        resident: ResidentId,
    ) -> Result<Filed, ComplaintRefusal> {
        if let Some(open) = self.open.get(&luminaire)
            && (open.residents.contains(&resident) || open.residents.len() >= RESIDENTS_MAX)
        {
            return Ok(Filed::Another(open.residents.len()));
        }
        self.limit(now, resident)?;
        self.lately.push_back((now, resident));
        if let Some(open) = self.open.get_mut(&luminaire) {
            open.residents.insert(resident);
            return Ok(Filed::Another(open.residents.len()));
        }
        self.open(now, luminaire, BTreeSet::from([resident]));
        Ok(Filed::First)
    }

    fn open(&mut self, now: Timestamp, luminaire: LuminaireId, residents: BTreeSet<ResidentId>) {
        let until = now.plus_millis(OPEN_MS);
        self.open.insert(luminaire, Open { residents, until });
        self.ends.push_back((until, luminaire));
    }

    /// Takes over one that another CMS had open: who filed it, and when, is not known any more.
    pub(super) fn take_over(&mut self, now: Timestamp, luminaire: LuminaireId) {
        if self.ends.len() < KEPT_MAX && !self.is_open(luminaire) {
            self.open(now, luminaire, BTreeSet::new());
        }
    }

    pub(super) fn is_open(&self, luminaire: LuminaireId) -> bool {
        self.open.contains_key(&luminaire)
    }

    fn limit(&mut self, now: Timestamp, resident: ResidentId) -> Result<(), ComplaintRefusal> {
        while self.lately.front().is_some_and(|&(at, _)| now.millis_since(at) >= LATELY_MS) {
            self.lately.pop_front();
        }
        let mut own = self.lately.iter().filter(|&&(_, who)| who == resident);
        let first = own.next().map(|&(at, _)| at);
        if let Some(first) = first
            && own.count() + 1 >= BY_ONE_MAX
        {
            return Err(ComplaintRefusal::TooMany { retry_at: first.plus_millis(LATELY_MS) });
        }
        if self.lately.len() >= LATELY_MAX || self.ends.len() >= KEPT_MAX {
            return Err(ComplaintRefusal::Full);
        }
        Ok(())
    }

    fn close(&mut self, luminaire: LuminaireId) -> bool {
        self.open.remove(&luminaire).is_some()
    }

    /// One whose time is over.
    fn take_expired(&mut self, now: Timestamp) -> Option<LuminaireId> {
        while let Some(&(at, luminaire)) = self.ends.front().filter(|(at, _)| *at <= now) {
            self.ends.pop_front();
            // Closed and filed again, it has a later end.
            if self.open.get(&luminaire).is_some_and(|open| open.until == at) {
                self.open.remove(&luminaire);
                return Some(luminaire);
            }
        }
        None
    }

    pub(super) fn next_timeout(&self) -> Option<Timestamp> {
        self.ends.front().map(|&(at, _)| at)
    }
}

impl Cms {
    pub(super) fn on_complaint(
        &mut self,
        now: Timestamp,
        from: ReplyTo,
        request: ComplaintRequest,
        out: &mut Vec<Output>,
    ) {
        let luminaire = request.luminaire();
        let reply = self.answer_complaint(now, request, out);
        let reply = reply.unwrap_or_else(|reason| ComplaintReply::Refused { luminaire, reason });
        out.push(Output::ComplaintReply { to: from, reply });
    }

    fn answer_complaint(
        &mut self,
        now: Timestamp,
        request: ComplaintRequest,
        out: &mut Vec<Output>,
    ) -> Result<ComplaintReply, ComplaintRefusal> {
        let luminaire = request.luminaire();
        if self.position(luminaire).is_none() {
            return Err(ComplaintRefusal::UnknownLuminaire);
        }
        let ComplaintRequest::File { resident, .. } = request else {
            let closed = self.close_complaint(now, luminaire, out);
            return closed
                .then_some(ComplaintReply::Closed { luminaire })
                .ok_or(ComplaintRefusal::NothingOpen);
        };
        let residents = match self.complaints.file(now, luminaire, resident)? {
            Filed::First => {
                tell_alarms(now, luminaire, vec![(AlarmKind::Complaint, AlarmChange::Raised)], out);
                1
            }
            // At most RESIDENTS_MAX.
            Filed::Another(residents) => residents as u32,
        };
        Ok(ComplaintReply::Open { luminaire, residents })
    }

    /// Ends a complaint, if there is one; says whether there was.
    fn close_complaint(&mut self, now: Timestamp, luminaire: LuminaireId, out: &mut Vec<Output>) -> bool {
        let was_open = self.complaints.close(luminaire);
        if was_open {
            tell_alarms(now, luminaire, vec![(AlarmKind::Complaint, AlarmChange::Cleared)], out);
        }
        was_open
    }

    /// What people complained of is over with what the CMS found by itself.
    pub(super) fn close_complaint_with(
        &mut self,
        now: Timestamp,
        luminaire: LuminaireId,
        changes: &[Change],
        out: &mut Vec<Output>,
    ) {
        let is_over =
            |(kind, change): &Change| *change == AlarmChange::Cleared && SEEN_BY_PEOPLE.contains(kind);
        if changes.iter().any(is_over) {
            self.close_complaint(now, luminaire, out);
        }
    }

    pub(super) fn expire_complaints(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        while let Some(luminaire) = self.complaints.take_expired(now) {
            tell_alarms(now, luminaire, vec![(AlarmKind::Complaint, AlarmChange::Cleared)], out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAMP: LuminaireId = LuminaireId(1);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn count(filed: Result<Filed, ComplaintRefusal>) -> Result<usize, ComplaintRefusal> {
        filed.map(|filed| match filed {
            Filed::First => 1,
            Filed::Another(residents) => residents,
        })
    }

    #[test]
    fn who_complains_of_many_waits_for_an_hour_after_the_first() {
        let mut complaints = Complaints::default();
        for lamp in 1..=5 {
            assert_eq!(count(complaints.file(at(i64::from(lamp)), LuminaireId(lamp), ResidentId(1))), Ok(1));
        }
        let retry_at = at(LATELY_MS + 1);
        let refused = Err(ComplaintRefusal::TooMany { retry_at });
        assert_eq!(count(complaints.file(at(6), LuminaireId(6), ResidentId(1))), refused);
        assert_eq!(count(complaints.file(at(7), LuminaireId(6), ResidentId(2))), Ok(1), "another resident");
        assert_eq!(count(complaints.file(retry_at, LuminaireId(7), ResidentId(1))), Ok(1));
    }

    #[test]
    fn all_together_cannot_fill_the_memory() {
        let mut complaints = Complaints::default();
        for n in 1..=LATELY_MAX as u32 {
            assert_eq!(count(complaints.file(at(0), LuminaireId(n), ResidentId(n))), Ok(1));
        }
        assert_eq!(count(complaints.file(at(0), LuminaireId(1), ResidentId(0))), Err(ComplaintRefusal::Full));
        for round in 1..10 {
            for n in 1..=LATELY_MAX as u32 {
                let _ = complaints.file(
                    at(round * LATELY_MS),
                    LuminaireId(n + 10_000 * round as u32),
                    ResidentId(n),
                );
            }
        }
        assert_eq!(
            (complaints.ends.len(), complaints.lately.len()),
            (KEPT_MAX, LATELY_MAX.min(complaints.lately.len()))
        );
    }

    #[test]
    fn one_resident_counts_once_and_more_than_a_hundred_are_a_hundred() {
        let mut complaints = Complaints::default();
        for _ in 0..2 {
            assert_eq!(count(complaints.file(at(0), LAMP, ResidentId(1))), Ok(1));
        }
        for n in 2..=RESIDENTS_MAX as u32 + 9 {
            let _ = complaints.file(at(0), LAMP, ResidentId(n));
        }
        assert_eq!(count(complaints.file(at(0), LAMP, ResidentId(999))), Ok(RESIDENTS_MAX));
    }

    #[test]
    fn a_complaint_filed_again_after_it_was_closed_has_its_own_end() {
        let mut complaints = Complaints::default();
        let _ = complaints.file(at(0), LAMP, ResidentId(1));
        assert!(complaints.close(LAMP) && !complaints.close(LAMP));
        let _ = complaints.file(at(1_000), LAMP, ResidentId(1));
        assert_eq!(complaints.take_expired(at(OPEN_MS)), None);
        assert_eq!(complaints.take_expired(at(OPEN_MS + 1_000)), Some(LAMP));
        assert_eq!(complaints.next_timeout(), None);
    }
}
