//! What people expect to ask a payer's folder in SQL: tables beside the journal, filled in the same commit.
//!
//! They are made from what the payer tells everyone, and nothing is ever read back from them.

use medpay::{AccountUse, Entry as Moved, PayEvent};
use rusqlite::{Connection, params};
use types::Timestamp;
use uuid::Uuid;
use wire::{EventBody, Message};

/// The tables, all amounts in fen.
pub(super) const LAYOUT: &str = "
    CREATE TABLE IF NOT EXISTS settlements (
        settlement TEXT PRIMARY KEY, bill TEXT NOT NULL, provider TEXT NOT NULL, settled_ms INTEGER NOT NULL,
        total INTEGER NOT NULL, pool INTEGER NOT NULL, supplement INTEGER NOT NULL, account INTEGER NOT NULL,
        family INTEGER NOT NULL, cash INTEGER NOT NULL, reversal TEXT, reversed_ms INTEGER) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS account_entries (
        entry TEXT PRIMARY KEY, time_ms INTEGER NOT NULL, beneficiary TEXT NOT NULL, settlement TEXT NOT NULL,
        whose_bill TEXT NOT NULL, amount INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE VIEW IF NOT EXISTS accounts AS
        SELECT beneficiary, sum(amount) AS moved, count(*) AS entries FROM account_entries GROUP BY beneficiary;";

/// Something the payer told that stands in a table.
#[derive(Clone, Debug)]
pub struct Fact {
    id: Uuid,
    time: Timestamp,
    event: PayEvent,
}

/// Those of what a role said to one entry. Only what the payer says is asked for: a clinic tells of the same settlements.
pub(crate) fn facts(said: &[Message]) -> Vec<Fact> {
    let told = said.iter().filter_map(|message| match message {
        Message::Event(event) => match &event.body {
            EventBody::Pay(
                told @ (PayEvent::BillSettled { .. }
                | PayEvent::BillReversed { .. }
                | PayEvent::AccountDebited(_)
                | PayEvent::AccountCredited(_)),
            ) => Some(Fact { id: event.id, time: event.time, event: told.clone() }),
            _ => None,
        },
        _ => None,
    });
    told.collect()
}

/// Fills the tables.
pub(super) fn fill(transaction: &Connection, facts: &[Fact]) -> Result<(), rusqlite::Error> {
    facts.iter().try_for_each(|fact| match &fact.event {
        PayEvent::BillSettled { bill, provider, settlement, split } => transaction
            .prepare_cached(
                "INSERT INTO settlements VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, NULL, NULL)",
            )?
            .execute(params![
                settlement.to_string(),
                bill.to_string(),
                provider.to_string(),
                fact.time.as_millis(),
                split.total.get(),
                split.pool.get(),
                split.supplement.get(),
                split.account.get(),
                split.family.get(),
                split.cash.get(),
            ])
            .map(drop),
        PayEvent::BillReversed { settlement, reversal, .. } => transaction
            .prepare_cached("UPDATE settlements SET reversal = ?2, reversed_ms = ?3 WHERE settlement = ?1")?
            .execute(params![settlement.to_string(), reversal.to_string(), fact.time.as_millis()])
            .map(drop),
        PayEvent::AccountDebited(moved) => enter(transaction, fact, moved, -moved.amount.get()),
        PayEvent::AccountCredited(moved) => enter(transaction, fact, moved, moved.amount.get()),
        _ => Ok(()),
    })
}

fn enter(transaction: &Connection, fact: &Fact, moved: &Moved, amount: i64) -> Result<(), rusqlite::Error> {
    let whose_bill = match moved.account {
        AccountUse::Own => "own",
        AccountUse::Family => "family",
    };
    let (entry, settlement) = (fact.id.to_string(), moved.settlement.to_string());
    let (time_ms, beneficiary) = (fact.time.as_millis(), moved.beneficiary.to_string());
    transaction
        .prepare_cached("INSERT INTO account_entries VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![entry, time_ms, beneficiary, settlement, whose_bill, amount])
        .map(drop)
}
