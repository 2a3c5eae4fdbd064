//! What the journals say, against what clients were told. The services are not asked: their cores are told everything
//! once more, and what they say to it is what they said.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use eid::Verdict;
use medpay::{PayEvent, Payer, SettleReply, Unit};
use serde::Serialize;
use services::journal::Store;
use types::{BillId, ReplyTo, RunId};
use uuid::Uuid;
use wire::{Event, EventBody, Message, Reply, ReplyBody, Role};

use super::record::Record;
use crate::up::City;

/// What the journals hold.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Journals {
    /// Entries, of all roles.
    pub(super) entries: u64,
    /// Settlements.
    pub(super) settlements: u64,
    /// Codes that were accepted, of all askers.
    pub(super) codes: u64,
    /// What the ledger adds up to \[fen\].
    pub(super) imbalance: i128,
}

/// Reads the journals of a city that has ended. What is not as it should be goes into `record`.
pub(super) fn read(city: &City, record: &Record) -> Result<Journals> {
    let kept = city.kept.as_ref().context("the city keeps no journal")?;
    let (run, cast) = (city.config.city.run, city.cast.at_start(kept.start));
    let mut journals = Journals::default();
    let mut payer = cast.payer()?;
    let settled = settled(&kept.store, run, &mut payer, &mut journals)?;
    judge_settlements(&settled, payer.core(), record);
    journals.settlements = payer.core().settled_count() as u64;
    journals.imbalance =
        [Unit::Cny, Unit::Quota].map(|unit| payer.core().ledger().imbalance(unit)).into_iter().sum();
    let accepted = accepted(&kept.store, run, &mut cast.verifier(), &mut journals)?;
    judge_codes(&accepted, record);
    journals.codes = accepted.len() as u64;
    // Of these only that they are what they were: otherwise the replay ends with an error.
    for role in [&mut cast.issuer() as &mut dyn Role, &mut cast.clinic()] {
        replay(&kept.store, run, role, &mut journals, |_| {})?;
    }
    Ok(journals)
}

fn replay(
    store: &Store,
    run: RunId,
    role: &mut dyn Role,
    journals: &mut Journals,
    mut each: impl FnMut(Message),
) -> Result<()> {
    let name = role.name();
    store
        .replay(role, run, |_, _, said| {
            journals.entries += 1;
            said.for_each(&mut each);
        })
        .with_context(|| format!("the journal of {name} cannot be replayed"))?;
    Ok(())
}

/// What a journal says about a bill: as what it was settled, by events and by answers.
#[derive(Debug, Default)]
struct Settled {
    events: Vec<Uuid>,
    answers: BTreeSet<Uuid>,
}

fn settled(
    store: &Store,
    run: RunId,
    payer: &mut dyn Role,
    journals: &mut Journals,
) -> Result<BTreeMap<BillId, Settled>> {
    let mut settled: BTreeMap<BillId, Settled> = BTreeMap::new();
    replay(store, run, payer, journals, |message| match message {
        Message::Event(Event {
            body: EventBody::Pay(PayEvent::BillSettled { bill, settlement, .. }),
            ..
        }) => settled.entry(bill).or_default().events.push(settlement),
        Message::Reply(Reply {
            body: ReplyBody::Settle(SettleReply::Settled { bill, settlement, .. }),
            ..
        }) => {
            settled.entry(bill).or_default().answers.insert(settlement);
        }
        _ => {}
    })?;
    Ok(settled)
}

fn judge_settlements(settled: &BTreeMap<BillId, Settled>, payer: &Payer, record: &Record) {
    for (bill, Settled { events, answers }) in settled {
        if events.len() != 1 || answers.iter().any(|answer| !events.contains(answer)) {
            record.broken(format!("bill {bill} is settled as {events:?}, and answered as {answers:?}"));
        }
    }
    let names: BTreeSet<&Uuid> = settled.values().flat_map(|settled| &settled.events).collect();
    if names.len() != payer.settled_count() {
        let (events, count) = (names.len(), payer.settled_count());
        record.broken(format!("the payer has {count} settlements, and told of {events}"));
    }
    let promised = record.lock().settled.clone();
    for (bill, settlement) in promised {
        let kept = settled.get(&bill).map(|settled| settled.events.as_slice()).unwrap_or_default();
        if kept != [settlement] {
            record.broken(format!("bill {bill}: acknowledged as {settlement}, in the journal as {kept:?}"));
        }
    }
    for unit in [Unit::Cny, Unit::Quota] {
        let imbalance = payer.ledger().imbalance(unit);
        if imbalance != 0 {
            record.broken(format!("the ledger adds up to {imbalance} {unit:?}"));
        }
    }
}

/// Codes that were accepted, and by which questions.
fn accepted(
    store: &Store,
    run: RunId,
    verifier: &mut dyn Role,
    journals: &mut Journals,
) -> Result<BTreeMap<String, BTreeSet<ReplyTo>>> {
    let mut accepted: BTreeMap<String, BTreeSet<ReplyTo>> = BTreeMap::new();
    replay(store, run, verifier, journals, |message| {
        if let Message::Reply(Reply {
            to, body: ReplyBody::Verify(Verdict::Accepted { code_id, .. }), ..
        }) = message
        {
            accepted.entry(code_id).or_default().insert(to);
        }
    })?;
    Ok(accepted)
}

fn judge_codes(accepted: &BTreeMap<String, BTreeSet<ReplyTo>>, record: &Record) {
    for (code, askers) in accepted.iter().filter(|(_, askers)| askers.len() != 1) {
        record.broken(format!("code {code} is accepted for {} questions", askers.len()));
    }
    let promised = record.lock().accepted.clone();
    for (code, correlation) in promised {
        let kept = accepted
            .get(&code)
            .is_some_and(|askers| askers.iter().any(|asker| asker.correlation == correlation));
        if !kept {
            record.broken(format!("code {code} was accepted, and the journal does not know"));
        }
    }
}

#[cfg(test)]
mod tests {
    use types::{Fen, ResidentId, Seed};

    use super::*;

    fn judge(settled: Settled, acknowledged: Option<u128>) -> u64 {
        let record = Record::default();
        let bill = BillId(Uuid::from_u128(1));
        if let Some(settlement) = acknowledged {
            record.lock().settled.insert(bill, Uuid::from_u128(settlement));
        }
        let people = [(ResidentId(1), Fen::new(100))];
        let policies = crate::config::Config::load(None).unwrap().policy().unwrap();
        let payer = Payer::new(policies, Fen::new(1_000), people, Seed(7).stream("ids", 0)).unwrap();
        judge_settlements(&BTreeMap::from([(bill, settled)]), &payer, &record);
        // The payer here never settled anything, which is told too.
        record.lock().broken - 1
    }

    fn as_(names: &[u128]) -> Vec<Uuid> {
        names.iter().copied().map(Uuid::from_u128).collect()
    }

    #[test]
    fn an_acknowledged_settlement_that_is_missing_twice_or_another_is_noticed() {
        let settled = |events: &[u128]| Settled { events: as_(events), answers: BTreeSet::new() };
        assert_eq!(judge(settled(&[5]), Some(5)), 0);
        assert_eq!(judge(settled(&[6]), Some(5)), 1);
        assert_eq!(judge(settled(&[5, 6]), None), 1);
        let other = Settled { events: as_(&[5]), answers: as_(&[6]).into_iter().collect() };
        assert_eq!(judge(other, None), 1);
    }

    #[test]
    fn a_code_accepted_for_two_questions_or_unknown_to_the_journal_is_noticed() {
        let asker = |byte| ReplyTo { path: "x".into(), correlation: [byte].into() };
        let judge = |askers: &[u8], told: u8| {
            let record = Record::default();
            record.lock().accepted.insert("c1".to_owned(), [told].into());
            let askers = askers.iter().copied().map(asker).collect();
            judge_codes(&BTreeMap::from([("c1".to_owned(), askers)]), &record);
            record.lock().broken
        };
        assert_eq!(judge(&[1], 1), 0);
        assert_eq!(judge(&[1, 2], 1), 1);
        assert_eq!(judge(&[1], 2), 1);
    }
}
