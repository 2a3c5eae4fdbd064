use std::num::NonZeroU8;

use types::{ProviderId, ResidentId, Seed};

use super::*;
use crate::adjudicate::DepositUse;
use crate::messages::{PresettleReply, Split, VisitRequest};
use crate::provider::Input;
use types::Core;

const H: ProviderId = ProviderId(1);

struct Ward {
    clinic: Clinic,
    now: Timestamp,
}

fn visit() -> ReplyTo {
    ReplyTo { path: "phone".into(), correlation: [1].as_slice().into() }
}

/// What the payer answers when all is well.
fn good(request: &PayRequest, known: &mut Bill) -> PayReply {
    match request.clone() {
        PayRequest::Admit { stay, provider, level, beneficiary } => {
            let (lines, total, care, date) = (Vec::new(), Fen::ZERO, Care::Inpatient, None);
            *known = Bill { id: stay, provider, level, beneficiary, lines, total, care, date };
            let policy = "emp_inpatient_demo@1".to_owned();
            PayReply::Admitted { stay, policy, deductible: Fen::ZERO, earlier: 0 }
        }
        PayRequest::Deposit { bill, amount, .. } => PayReply::Deposited { bill, balance: amount },
        PayRequest::Interim { stay, lines } => {
            known.lines.extend(lines);
            known.total = catalogue::total(&known.lines);
            PayReply::Interim { stay, split: Split::default(), deposit: DepositUse::default() }
        }
        PayRequest::Discharge { .. } => PayReply::Discharged { bill: Box::new(known.clone()) },
        other => panic!("{other:?}"),
    }
}

fn asked(out: &[Output]) -> (BillId, u8, PayRequest) {
    match out {
        [Output::Stay { stay, question, request }] => (*stay, *question, request.clone()),
        other => panic!("{other:?}"),
    }
}

fn refused(out: &[Output]) -> &PayRefusal {
    match out {
        [Output::VisitReply { reply: VisitReply::Refused(refusal), .. }] => refusal,
        other => panic!("{other:?}"),
    }
}

impl Ward {
    fn new() -> Self {
        let clinic = Clinic::new([ProviderConfig { id: H, level: 2 }], Seed(1).stream("clinic", 0));
        Self { clinic, now: Timestamp::from_millis(1_000_000) }
    }

    fn handle(&mut self, input: Input) -> Vec<Output> {
        let mut out = vec![];
        self.clinic.handle(self.now, input, &mut out);
        out
    }

    fn come(&mut self, nights: u8) -> Vec<Output> {
        let request = VisitRequest { nights: NonZeroU8::new(nights), ..VisitRequest::new(H, ResidentId(7)) };
        self.handle(Input::Visit { from: visit(), request })
    }

    fn wait(&mut self, millis: i64) -> Vec<Output> {
        self.now = self.now.plus_millis(millis);
        let mut out = vec![];
        self.clinic.handle_timeout(self.now, &mut out);
        out
    }

    fn answer(&mut self, (stay, question): (BillId, u8), reply: PayReply) -> Vec<Output> {
        self.handle(Input::StayReply { stay, question, reply })
    }

    /// Answers well whatever is asked, and lets nights go by, until something else comes out.
    fn until_done(&mut self, mut out: Vec<Output>, known: &mut Bill) -> (Vec<Output>, u32) {
        let mut questions = 0;
        loop {
            if out.is_empty() {
                out = self.wait(DAY_MS);
            }
            let [Output::Stay { stay, question, request }] = &out[..] else { return (out, questions) };
            let (about, reply) = ((*stay, *question), good(request, known));
            questions += 1;
            out = self.answer(about, reply);
        }
    }
}

fn nothing() -> Bill {
    let mut chance = Seed(1).stream("nothing", 0);
    let provider = ProviderConfig { id: H, level: 2 };
    catalogue::bill(BillId(uuid::Uuid::nil()), provider, ResidentId(7), &mut chance)
}

#[test]
fn more_nights_than_fit_on_a_bill_are_refused_and_nothing_is_asked() {
    assert_eq!(refused(&Ward::new().come(NIGHTS_MAX + 1)), &PayRefusal::AmountInvalid { line: 0 });
}

#[test]
fn who_is_not_admitted_is_told_why_and_has_no_bill() {
    let mut ward = Ward::new();
    let out = ward.come(1);
    let (stay, question, _) = asked(&out);
    let out = ward.answer((stay, question), PayReply::Refused(PayRefusal::CoverageInactive));
    assert_eq!((refused(&out), ward.clinic.open_count()), (&PayRefusal::CoverageInactive, 0));
}

#[test]
fn an_answer_that_comes_twice_late_or_to_another_question_is_ignored() {
    let mut ward = Ward::new();
    let mut known = nothing();
    let (stay, question, request) = asked(&ward.come(2));
    let admitted = good(&request, &mut known);
    assert!(ward.answer((stay, question + 1), admitted.clone()).is_empty());
    let (_, deposit, request) = asked(&ward.answer((stay, question), admitted.clone()));
    assert!(ward.answer((stay, question), admitted).is_empty());
    let deposited = good(&request, &mut known);
    assert!(ward.answer((stay, deposit), deposited.clone()).is_empty(), "a night goes by");
    assert!(ward.answer((stay, deposit + 1), deposited).is_empty());
    assert!(matches!(asked(&ward.wait(DAY_MS)), (_, _, PayRequest::Interim { .. })));
}

#[test]
fn a_silent_payer_is_asked_the_same_under_the_same_number_and_not_for_ever() {
    let mut ward = Ward::new();
    let first = asked(&ward.come(1));
    assert_eq!(asked(&ward.wait(PAYER_TIMEOUT_MS)), first);
    for _ in 1..RESOLVE_MAX {
        assert_eq!(asked(&ward.wait(RESOLVE_EVERY_MS)), first);
    }
    let out = ward.wait(RESOLVE_EVERY_MS);
    assert!(matches!(out[..], [Output::VisitReply { reply: VisitReply::PayerUnavailable, .. }]), "{out:?}");
    assert_eq!(ward.clinic.open_count(), 0);
}

#[test]
fn a_bill_that_is_not_the_one_made_here_is_not_presented() {
    let mut ward = Ward::new();
    let (mut out, mut known) = (ward.come(1), nothing());
    loop {
        if out.is_empty() {
            out = ward.wait(DAY_MS);
        }
        let (stay, question, request) = asked(&out);
        let mut reply = good(&request, &mut known);
        if let PayReply::Discharged { bill } = &mut reply {
            bill.lines.pop();
            assert_eq!(refused(&ward.answer((stay, question), reply)), &PayRefusal::BillConflict);
            return;
        }
        out = ward.answer((stay, question), reply);
    }
}

#[test]
fn the_longest_stay_is_asked_about_night_by_night_and_ends_with_one_bill() {
    for nights in [1, NIGHTS_MAX] {
        let mut ward = Ward::new();
        let (out, mut known) = (ward.come(nights), nothing());
        let begin = ward.now;
        let (out, questions) = ward.until_done(out, &mut known);
        assert_eq!(
            (questions, ward.now.millis_since(begin)),
            (3 + u32::from(nights), i64::from(nights) * DAY_MS)
        );
        let [Output::Presettle(request)] = &out[..] else { panic!("{out:?}") };
        assert_eq!(request.bill, known);
        assert_eq!(request.bill.care, Care::Inpatient);
        let split = Split { total: known.total, cash: known.total, ..Split::default() };
        let reply = PresettleReply::Presettled {
            bill: known.id,
            presettlement: uuid::Uuid::nil(),
            split,
            trace: vec![],
            expires: ward.now.plus_millis(DAY_MS),
        };
        let out = ward.handle(Input::PresettleReply { bill: known.id, reply });
        assert!(matches!(out[..], [Output::VisitReply { reply: VisitReply::Billed { .. }, .. }]), "{out:?}");
    }
}
