//! The provider: makes bills, has them presettled, takes the patient's code at the till, keeps its own books.

mod books;
mod catalogue;
mod door;
mod stays;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use types::{BillId, Core, HOUR_MS, ProviderId, ReplyTo, SECOND_MS, Stream, Timestamp};
use uuid::Uuid;

pub use self::books::Books;
use self::books::{DayBooks, adds_up};
pub use self::door::{Input, Output, Reversed};
use self::stays::Stay;
pub use self::stays::{DEPOSIT_PER_NIGHT, NIGHTS_MAX};
use crate::answers::Answers;
use crate::day::Day;
use crate::fingerprint::fresh_id;
use crate::messages::{
    Bill, BooksReply, BooksRequest, PayEvent, PayRefusal, PresettleReply, Replacement, SettleReply,
    SettleRequest, Split, TillReply, TillRequest, VisitReply, VisitRequest,
};
use crate::reconcile::Row;

/// Bills that are not settled and not forgotten, at most; then [`PayRefusal::Busy`].
pub const OPEN_MAX: usize = 10_000;
/// Settled bills remembered, at most; beyond that the oldest is forgotten. The [`Books`] count it all the same.
pub const SETTLED_MAX: usize = 100_000;
/// How long the payer may take for one answer \[ms\].
pub const PAYER_TIMEOUT_MS: i64 = 5 * SECOND_MS;
/// Sends of one request to the payer before it counts as unavailable.
pub const SENDS_MAX: u32 = 2;
/// How often the payer is asked what became of a payment it did not answer \[ms\].
pub const RESOLVE_EVERY_MS: i64 = 30 * SECOND_MS;
/// How often that is done, at most: for an hour.
pub const RESOLVE_MAX: u32 = 120;
/// Rows of a book on one page.
const ROWS_PAGE_MAX: usize = 100;
/// How long an unpaid bill is kept after it was last touched \[ms\].
pub const UNPAID_KEPT_MS: i64 = 24 * HOUR_MS;

/// One provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderConfig {
    /// Its id.
    pub id: ProviderId,
    /// Its level, 1 (community) to 3 (large hospital). Of another level, the payer refuses every bill.
    pub level: u8,
}

/// Reception, till and books of one or several providers.
///
/// A bill whose presettlement is stale, expired or lost at the payer is presettled again at once: the patient is told
/// why the payment failed, and can pay by the new split with the next code.
///
/// If the payer stays silent about a payment, the till stays silent too: every answer it has would claim to know
/// whether the bill is paid. The clinic asks again every half minute until it knows; a new attempt finds out sooner.
#[derive(Debug)]
pub struct Clinic {
    providers: BTreeMap<ProviderId, ProviderConfig>,
    books: BTreeMap<ProviderId, Books>,
    open: BTreeMap<BillId, Open>,
    settled: BTreeMap<BillId, Uuid>,
    day_books: DayBooks,
    /// Settlements that are known to be taken back; as many as settled ones, at most.
    reversed: BTreeSet<Uuid>,
    /// Visits that wait for the payer.
    visits_waiting: BTreeSet<ReplyTo>,
    visits: Answers<VisitReply>,
    tills: Answers<TillReply>,
    /// One for each open bill, at [`Open::due`].
    timers: BTreeSet<(Timestamp, BillId)>,
    chance: Stream,
}

/// A bill that is not settled, as far as the clinic knows.
#[derive(Debug)]
struct Open {
    bill: Bill,
    stage: Stage,
    due: Timestamp,
}

#[derive(Debug)]
enum Stage {
    /// The patient is in hospital.
    Staying(Stay),
    /// The payer is asked for the split, for the first time if there is a visit to answer.
    Presettling { visit: Option<ReplyTo>, sends: u32 },
    /// The payer did not answer when it was asked again. The next attempt at paying asks once more.
    Unpriced,
    /// The patient can pay.
    Payable { split: Split },
    /// The payer is asked to pay.
    Paying { split: Split, till: ReplyTo, request: Request, sends: u32 },
    /// The payer did not answer: the bill is paid, or it is not.
    Unknown { split: Split, till: ReplyTo, request: Request, asks: u32 },
}

/// What the payer was asked, kept to be asked again. The code in it is the patient's, so it is not shown.
struct Request(SettleRequest);

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Request(..)")
    }
}

impl Clinic {
    /// A clinic that serves `providers`; of two with the same id, the last counts. `chance` makes the bills and their
    /// ids: another stream for each start, or ids repeat and the payer refuses them.
    pub fn new(providers: impl IntoIterator<Item = ProviderConfig>, chance: Stream) -> Self {
        let providers: BTreeMap<_, _> =
            providers.into_iter().map(|provider| (provider.id, provider)).collect();
        Self {
            books: providers.keys().map(|&id| (id, Books::default())).collect(),
            providers,
            open: BTreeMap::new(),
            settled: BTreeMap::new(),
            day_books: DayBooks::default(),
            reversed: BTreeSet::new(),
            visits_waiting: BTreeSet::new(),
            visits: Answers::default(),
            tills: Answers::default(),
            timers: BTreeSet::new(),
            chance,
        }
    }

    /// What `provider` has been paid; `None` if it is not served here.
    pub fn books(&self, provider: ProviderId) -> Option<&Books> {
        self.books.get(&provider)
    }

    /// The settlement that paid `bill`; `None` if it is not known to be paid, or so old that it is forgotten.
    pub fn settlement(&self, bill: BillId) -> Option<Uuid> {
        self.settled.get(&bill).copied()
    }

    /// How many bills are not settled and not forgotten.
    pub fn open_count(&self) -> usize {
        self.open.len()
    }

    fn visit(&mut self, now: Timestamp, from: ReplyTo, request: VisitRequest, out: &mut Vec<Output>) {
        if let Some(reply) = self.visits.given_to(&from) {
            out.push(Output::VisitReply { to: from, reply: reply.clone() });
            return;
        }
        if self.visits_waiting.contains(&from) {
            return;
        }
        let Some(&provider) = self.providers.get(&request.provider) else {
            // A provider that nobody knows has no contract with the payer either.
            return self.answer_visit(from, VisitReply::Refused(PayRefusal::CoverageInactive), out);
        };
        if self.open.len() >= OPEN_MAX {
            return self.answer_visit(from, VisitReply::Refused(PayRefusal::Busy), out);
        }
        if let Some(nights) = request.nights {
            return self.admit(now, from, provider, (request.beneficiary, nights.get()), out);
        }
        let id = BillId(fresh_id(now, &mut self.chance));
        let bill = catalogue::bill(id, provider, request.beneficiary, &mut self.chance);
        out.push(Output::Event(PayEvent::BillCreated {
            bill: id,
            provider: bill.provider,
            total: bill.total,
        }));
        self.visits_waiting.insert(from.clone());
        self.presettle(now, bill, Some(from), out);
    }

    fn presettle_reply(&mut self, now: Timestamp, id: BillId, reply: PresettleReply, out: &mut Vec<Output>) {
        let Some(Open { stage: Stage::Presettling { visit, .. }, bill, .. }) = self.open.get(&id) else {
            return;
        };
        match &reply {
            PresettleReply::Presettled { bill: of, split, .. } if *of != id || !adds_up(split, bill) => {
                return;
            }
            // A payment that was given up has been made after all.
            PresettleReply::Refused(PayRefusal::BillAlreadySettled { settlement }) if visit.is_none() => {
                return self.book(now, id, *settlement, None, out);
            }
            PresettleReply::Presettled { .. } | PresettleReply::Refused(_) => {}
        }
        let Some(Open { bill, stage: Stage::Presettling { visit, .. }, .. }) = self.remove(id) else {
            return;
        };
        let answer = match reply {
            PresettleReply::Presettled { split, expires, .. } => {
                self.insert(bill, Stage::Payable { split }, now.plus_millis(UNPAID_KEPT_MS));
                VisitReply::Billed { bill: id, split, expires }
            }
            PresettleReply::Refused(refusal) => {
                if visit.is_none() {
                    self.insert(bill, Stage::Unpriced, now.plus_millis(UNPAID_KEPT_MS));
                }
                VisitReply::Refused(refusal)
            }
        };
        if let Some(visit) = visit {
            self.answer_visit(visit, answer, out);
        }
    }

    fn till(&mut self, now: Timestamp, from: ReplyTo, request: TillRequest, out: &mut Vec<Output>) {
        if let Some(reply) = self.tills.given_to(&from) {
            out.push(Output::TillReply { to: from, reply: reply.clone() });
            return;
        }
        let id = request.bill;
        let refusal = match (self.settled.get(&id), self.open.get(&id).map(|open| &open.stage)) {
            (Some(&settlement), _) => PayRefusal::BillAlreadySettled { settlement },
            (None, Some(Stage::Paying { till, .. })) if *till == from => return,
            (None, Some(Stage::Paying { .. })) => PayRefusal::SettlementInProgress,
            (None, Some(&(Stage::Payable { split } | Stage::Unknown { split, .. }))) => {
                return self.settle(now, from, request, split, out);
            }
            (None, None | Some(Stage::Staying(_) | Stage::Presettling { .. } | Stage::Unpriced)) => {
                PayRefusal::BillUnknown
            }
        };
        self.answer_till(from, TillReply::Refused { bill: id, refusal }, out);
        if let Some(Open { stage: Stage::Unpriced, .. }) = self.open.get(&id) {
            self.presettle_again(now, id, out);
        }
    }

    fn settle_reply(&mut self, now: Timestamp, id: BillId, reply: SettleReply, out: &mut Vec<Output>) {
        match reply {
            SettleReply::Settled { bill, settlement, split } if bill == id => {
                self.book(now, id, settlement, Some(split), out);
            }
            // An earlier attempt paid the bill, and its answer was lost.
            SettleReply::Refused { bill, refusal: PayRefusal::BillAlreadySettled { settlement } }
                if bill == id =>
            {
                self.book(now, id, settlement, None, out);
            }
            SettleReply::Refused { bill, refusal } if bill == id => self.refused(now, id, &refusal, out),
            // Cash is taken here and now; nothing is ever held for it.
            SettleReply::Held { .. } | SettleReply::Settled { .. } | SettleReply::Refused { .. } => {}
        }
    }

    /// The bill is paid, as `split` says, or as it was presettled, or nobody knows how.
    fn book(
        &mut self,
        now: Timestamp,
        id: BillId,
        settlement: Uuid,
        split: Option<Split>,
        out: &mut Vec<Output>,
    ) {
        let Some(Open { bill, stage, .. }) = self.open.get(&id) else { return };
        let split = split.or(match stage {
            Stage::Payable { split } | Stage::Paying { split, .. } | Stage::Unknown { split, .. } => {
                Some(*split)
            }
            Stage::Staying(_) | Stage::Presettling { .. } | Stage::Unpriced => None,
        });
        if split.is_some_and(|split| !adds_up(&split, bill)) {
            return;
        }
        self.books.entry(bill.provider).or_default().add(bill, split.as_ref());
        // If nobody knows how it was paid, reconciliation will find out.
        let known = split.unwrap_or(Split { total: bill.total, ..Split::default() });
        let day = bill.date.unwrap_or_else(|| Day::of(now));
        self.day_books.add(bill.provider, Row::of(settlement, false, id, day, &known));
        self.settled.insert(id, settlement);
        if self.settled.len() > SETTLED_MAX {
            // Ids sort by time.
            self.settled.pop_first();
        }
        let open = self.remove(id).map(|open| open.stage);
        if let (Some(Stage::Paying { till, .. } | Stage::Unknown { till, .. }), Some(split)) = (open, split) {
            self.answer_till(till, TillReply::Settled { bill: id, settlement, split }, out);
        }
    }

    fn refused(&mut self, now: Timestamp, id: BillId, refusal: &PayRefusal, out: &mut Vec<Output>) {
        let asked = |stage: &Stage| matches!(stage, Stage::Paying { .. } | Stage::Unknown { .. });
        if !self.open.get(&id).is_some_and(|open| asked(&open.stage)) {
            return;
        }
        let Some(Open {
            bill,
            stage: Stage::Paying { till, split, .. } | Stage::Unknown { till, split, .. },
            ..
        }) = self.remove(id)
        else {
            return;
        };
        self.answer_till(till, TillReply::Refused { bill: id, refusal: refusal.clone() }, out);
        match refusal {
            PayRefusal::PresettlementStale { .. }
            | PayRefusal::AccountInsufficient { .. }
            | PayRefusal::PresettlementExpired
            | PayRefusal::BillUnknown => {
                self.presettle(now, bill, None, out);
            }
            _ => self.insert(bill, Stage::Payable { split }, now.plus_millis(UNPAID_KEPT_MS)),
        }
    }

    /// The payer took a settlement back, whoever asked for that.
    fn take_back(&mut self, now: Timestamp, reversed: Reversed) {
        let Reversed { bill, provider, settlement, split, replacement } = reversed;
        if !self.providers.contains_key(&provider) || !self.reversed.insert(settlement) {
            return;
        }
        if self.reversed.len() > SETTLED_MAX {
            // Ids sort by time.
            self.reversed.pop_first();
        }
        let left = replacement.as_ref().map(|replacement| &replacement.split);
        self.books.entry(provider).or_default().take_back(&split, left);
        let day = Day::of(now);
        self.day_books.add(provider, Row::of(settlement, true, bill, day, &split));
        if let Some(Replacement { settlement, split }) = replacement.as_deref() {
            self.day_books.add(provider, Row::of(*settlement, false, bill, day, split));
        }
    }

    fn show_book(&self, to: ReplyTo, request: BooksRequest, out: &mut Vec<Output>) {
        let BooksRequest { provider, day, after } = request;
        let mut rest = self.day_books.rows(provider, day).iter().skip(after as usize);
        let rows = rest.by_ref().take(ROWS_PAGE_MAX).copied().collect();
        out.push(Output::BooksReply { to, reply: BooksReply { rows, more: rest.next().is_some() } });
    }

    fn presettle(&mut self, now: Timestamp, bill: Bill, visit: Option<ReplyTo>, out: &mut Vec<Output>) {
        out.push(Output::Presettle(bill.clone().into()));
        self.insert(bill, Stage::Presettling { visit, sends: 1 }, now.plus_millis(PAYER_TIMEOUT_MS));
    }

    fn presettle_again(&mut self, now: Timestamp, id: BillId, out: &mut Vec<Output>) {
        if let Some(Open { bill, .. }) = self.remove(id) {
            self.presettle(now, bill, None, out);
        }
    }

    fn settle(
        &mut self,
        now: Timestamp,
        till: ReplyTo,
        request: TillRequest,
        split: Split,
        out: &mut Vec<Output>,
    ) {
        let Some(Open { bill, .. }) = self.remove(request.bill) else { return };
        out.push(Output::Settle(request.clone()));
        let stage = Stage::Paying { split, till, request: Request(request), sends: 1 };
        self.insert(bill, stage, now.plus_millis(PAYER_TIMEOUT_MS));
    }

    /// The payer was silent, or the bill is too old.
    fn time_out(&mut self, now: Timestamp, id: BillId, out: &mut Vec<Output>) {
        let Some(Open { bill, stage, .. }) = self.remove(id) else { return };
        let (again, kept) = (now.plus_millis(PAYER_TIMEOUT_MS), now.plus_millis(UNPAID_KEPT_MS));
        match stage {
            Stage::Staying(stay) => self.stay_due(now, bill, stay, out),
            Stage::Presettling { visit, sends } if sends < SENDS_MAX => {
                out.push(Output::Presettle(bill.clone().into()));
                self.insert(bill, Stage::Presettling { visit, sends: sends + 1 }, again);
            }
            Stage::Presettling { visit: Some(visit), .. } => {
                self.answer_visit(visit, VisitReply::PayerUnavailable, out);
            }
            Stage::Presettling { visit: None, .. } => self.insert(bill, Stage::Unpriced, kept),
            Stage::Paying { split, till, request, sends } if sends < SENDS_MAX => {
                out.push(Output::Settle(request.0.clone()));
                self.insert(bill, Stage::Paying { split, till, request, sends: sends + 1 }, again);
            }
            Stage::Paying { split, till, request, .. } => {
                let asked = now.plus_millis(RESOLVE_EVERY_MS);
                self.insert(bill, Stage::Unknown { split, till, request, asks: 0 }, asked);
            }
            Stage::Unknown { split, till, request, asks } if asks < RESOLVE_MAX => {
                out.push(Output::Settle(request.0.clone()));
                let asked = now.plus_millis(RESOLVE_EVERY_MS);
                self.insert(bill, Stage::Unknown { split, till, request, asks: asks + 1 }, asked);
            }
            Stage::Unknown { split, .. } => self.insert(bill, Stage::Payable { split }, kept),
            Stage::Payable { .. } | Stage::Unpriced => {}
        }
    }

    fn answer_visit(&mut self, to: ReplyTo, reply: VisitReply, out: &mut Vec<Output>) {
        self.visits_waiting.remove(&to);
        self.visits.remember(to.clone(), 0, reply.clone());
        out.push(Output::VisitReply { to, reply });
    }

    fn answer_till(&mut self, to: ReplyTo, reply: TillReply, out: &mut Vec<Output>) {
        self.tills.remember(to.clone(), 0, reply.clone());
        out.push(Output::TillReply { to, reply });
    }

    /// Bills change by being taken out and put back, which keeps each one's timer at [`Open::due`].
    fn insert(&mut self, bill: Bill, stage: Stage, due: Timestamp) {
        self.timers.insert((due, bill.id));
        self.open.insert(bill.id, Open { bill, stage, due });
    }

    fn remove(&mut self, id: BillId) -> Option<Open> {
        let open = self.open.remove(&id)?;
        self.timers.remove(&(open.due, id));
        Some(open)
    }
}

impl Core for Clinic {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Visit { from, request } => self.visit(now, from, request, out),
            Input::PresettleReply { bill, reply } => self.presettle_reply(now, bill, reply, out),
            Input::StayReply { stay, question, reply } => self.stay_reply(now, stay, question, reply, out),
            Input::Till { from, request } => self.till(now, from, request, out),
            Input::SettleReply { bill, reply } => self.settle_reply(now, bill, reply, out),
            Input::Books { from, request } => self.show_book(from, request, out),
            Input::Reversed(reversed) => self.take_back(now, reversed),
        }
    }

    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        while let Some(&(due, id)) = self.timers.first() {
            if due > now {
                return;
            }
            self.time_out(now, id, out);
        }
    }

    fn next_timeout(&self) -> Option<Timestamp> {
        self.timers.first().map(|&(due, _)| due)
    }
}

#[cfg(test)]
mod tests;
