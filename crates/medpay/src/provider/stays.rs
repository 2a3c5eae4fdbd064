//! Stays in hospital: admitted, paid ahead, billed night by night, and discharged with one bill.
//!
//! ```text
//! admit ─▶ deposit ─▶ a night ─▶ interim ─▶ … ─▶ discharge ─▶ presettled and paid like any other bill
//! ```
//!
//! Each arrow is a question to the payer, numbered: asked again until it is answered, and done once.

use types::{BillId, DAY_MS, Fen, ReplyTo, ResidentId, Timestamp};

use super::{
    Clinic, Open, Output, PAYER_TIMEOUT_MS, ProviderConfig, RESOLVE_EVERY_MS, RESOLVE_MAX, Stage, catalogue,
};
use crate::adjudicate::LINES_MAX;
use crate::fingerprint::fresh_id;
use crate::messages::{Bill, CashChannel, PayRefusal, PayReply, PayRequest, VisitReply};
use crate::policy::Care;

/// Nights of one stay, at most.
pub const NIGHTS_MAX: u8 = 14;
/// What is deposited at admission for each night \[fen\].
pub const DEPOSIT_PER_NIGHT: Fen = Fen::new(200_000);

// All its nights fit on one bill.
const _: () = assert!(NIGHTS_MAX as usize * catalogue::NIGHT_LINES_MAX <= LINES_MAX);

/// How far a stay is. Its bill has what the payer knows of.
#[derive(Debug)]
pub(super) struct Stay {
    /// Who waits for the bill.
    visit: ReplyTo,
    nights: u8,
    /// The number of the newest question.
    question: u8,
    /// The question that waits for its answer, and how often it was sent; none while a night goes by.
    asked: Option<(PayRequest, u32)>,
}

/// The numbers of the first questions; then one for each night, and the last for the discharge.
const ADMIT: u8 = 0;
const DEPOSIT: u8 = 1;
const FIRST_NIGHT: u8 = 2;

impl Clinic {
    pub(super) fn admit(
        &mut self,
        now: Timestamp,
        visit: ReplyTo,
        provider: ProviderConfig,
        (beneficiary, nights): (ResidentId, u8),
        out: &mut Vec<Output>,
    ) {
        if nights > NIGHTS_MAX {
            return self.answer_visit(visit, VisitReply::Refused(PayRefusal::AmountInvalid { line: 0 }), out);
        }
        let bill = Bill {
            id: BillId(fresh_id(now, &mut self.chance)),
            provider: provider.id,
            level: provider.level,
            beneficiary,
            lines: Vec::new(),
            total: Fen::ZERO,
            care: Care::Inpatient,
            date: None,
        };
        self.visits_waiting.insert(visit.clone());
        self.ask_about(now, bill, Stay { visit, nights, question: ADMIT, asked: None }, out);
    }

    /// Asks the question whose turn it is.
    fn ask_about(&mut self, now: Timestamp, bill: Bill, stay: Stay, out: &mut Vec<Output>) {
        let Bill { id, provider, level, beneficiary, .. } = bill;
        let request = match stay.question {
            ADMIT => PayRequest::Admit { stay: id, provider, level, beneficiary },
            DEPOSIT => PayRequest::Deposit {
                bill: id,
                amount: Fen::new(DEPOSIT_PER_NIGHT.get() * i64::from(stay.nights)),
                back: false,
                cash_channel: CashChannel::Counter,
            },
            question if question < FIRST_NIGHT + stay.nights => {
                let lines = catalogue::night(level, question == FIRST_NIGHT, &mut self.chance);
                PayRequest::Interim { stay: id, lines }
            }
            _ => PayRequest::Discharge { stay: id },
        };
        out.push(Output::Stay { stay: id, question: stay.question, request: request.clone() });
        let stay = Stay { asked: Some((request, 1)), ..stay };
        self.insert(bill, Stage::Staying(stay), now.plus_millis(PAYER_TIMEOUT_MS));
    }

    /// A night is over, or the payer was silent: then it is asked again, for an hour.
    pub(super) fn stay_due(&mut self, now: Timestamp, bill: Bill, stay: Stay, out: &mut Vec<Output>) {
        match stay.asked {
            None => self.ask_about(now, bill, stay, out),
            Some((request, sends)) if sends <= RESOLVE_MAX => {
                out.push(Output::Stay { stay: bill.id, question: stay.question, request: request.clone() });
                let stay = Stay { asked: Some((request, sends + 1)), ..stay };
                self.insert(bill, Stage::Staying(stay), now.plus_millis(RESOLVE_EVERY_MS));
            }
            Some(_) => self.answer_visit(stay.visit, VisitReply::PayerUnavailable, out),
        }
    }

    /// The payer answered. What is no answer to the newest question is ignored.
    pub(super) fn stay_reply(
        &mut self,
        now: Timestamp,
        id: BillId,
        question: u8,
        reply: PayReply,
        out: &mut Vec<Output>,
    ) {
        let newest = |open: &Open| matches!(&open.stage, Stage::Staying(stay) if stay.question == question && stay.asked.is_some());
        if !self.open.get(&id).is_some_and(newest) {
            return;
        }
        let Some(Open { mut bill, stage: Stage::Staying(mut stay), .. }) = self.remove(id) else { return };
        let asked = stay.asked.take();
        stay.question += 1;
        match (asked, reply) {
            (Some((PayRequest::Admit { .. }, _)), PayReply::Admitted { .. }) => {
                self.ask_about(now, bill, stay, out);
            }
            (Some((PayRequest::Deposit { .. }, _)), PayReply::Deposited { .. }) => self.rest(now, bill, stay),
            (Some((PayRequest::Interim { lines, .. }, _)), PayReply::Interim { .. }) => {
                bill.lines.extend(lines);
                bill.total = catalogue::total(&bill.lines);
                match question + 1 < FIRST_NIGHT + stay.nights {
                    true => self.rest(now, bill, stay),
                    false => self.ask_about(now, bill, stay, out),
                }
            }
            (Some((PayRequest::Discharge { .. }, _)), PayReply::Discharged { bill: known })
                if *known == bill =>
            {
                self.presettle(now, bill, Some(stay.visit), out);
            }
            (_, PayReply::Refused(refusal)) => {
                self.answer_visit(stay.visit, VisitReply::Refused(refusal), out);
            }
            // The payer knows another bill than the one that was made here.
            _ => self.answer_visit(stay.visit, VisitReply::Refused(PayRefusal::BillConflict), out),
        }
    }

    /// Lets a night go by.
    fn rest(&mut self, now: Timestamp, bill: Bill, stay: Stay) {
        self.insert(bill, Stage::Staying(stay), now.plus_millis(DAY_MS));
    }
}

#[cfg(test)]
mod tests;
