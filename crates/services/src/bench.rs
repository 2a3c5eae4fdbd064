//! What a machine can do: durable settlements, beside the time of its disk.
//!
//! The path is the one of [`host`](crate::host), without a broker between: bytes are decoded, the role is told, its
//! outputs are hashed and encoded, everything is committed, and only then answered. Clients and verifier run on the same
//! thread, at the payer's cost.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use eid::{Freshness, PseudonymKey, Shown, Verdict};
use medpay::{Bill, BillLine, Care, Category, PresettleReply, SettleReply, SettleRequest};
use types::{BillId, Fen, ProviderId, ReplyTo, ResidentId, RunId};
use uuid::Uuid;
use wire::{BusInput, Frame, Message, Reply, ReplyBody, Request, RequestBody, Role, decode, encode};

use crate::bus::Received;
use crate::journal::{Entry, JournalError, RoleJournal, Told, digest, facts};
use crate::time::wall_now;

/// Inputs of one commit, at most: as in the host.
const BATCH_MAX: usize = 256;
/// People the bills are spread over, numbered from 1: the role must insure them.
pub const BENEFICIARIES: u32 = 20_000;
/// Writes that are timed.
const SYNCS: usize = 500;

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Bills that were settled, each with three inputs: presettle, settle, the verifier's answer.
    pub settlements: usize,
    /// In this time.
    pub elapsed: Duration,
    /// Commits, each with at least one sync.
    pub commits: usize,
    /// Half of the settlements took no longer, from the first request to the last answer.
    pub p50: Duration,
    /// 99 of 100 took no longer.
    pub p99: Duration,
}

/// The time of an overwrite of 4 KiB and `fdatasync` in `folder`: the middle one, and that of 99 in 100.
///
/// # Errors
///
/// What the disk says.
pub fn sync_time(folder: &Path) -> std::io::Result<(Duration, Duration)> {
    let path = folder.join("sync-time");
    let mut file = File::create(&path)?;
    let mut times = Vec::with_capacity(SYNCS);
    for number in 0..SYNCS {
        let began = Instant::now();
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&[number as u8; 4_096])?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    std::fs::remove_file(path)?;
    Ok(percentiles(times))
}

fn percentiles(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    (at(50), at(99))
}

/// Lets `clients` pay one bill after the other at `role`, for `time`.
///
/// # Errors
///
/// [`JournalError`] if something cannot be kept.
pub async fn settle(
    role: &mut dyn Role,
    journal: &mut RoleJournal,
    run: RunId,
    clients: u32,
    time: Duration,
) -> Result<Figures, JournalError> {
    let mut till = Till { run, bills: 0, asked: 0, began: BTreeMap::new(), took: Vec::new() };
    let mut waiting: Vec<Received> = (0..clients).map(|client| till.presettle(client)).collect();
    let (began, mut commits) = (Instant::now(), 0);
    while began.elapsed() < time {
        let rest = waiting.split_off(waiting.len().min(BATCH_MAX));
        let mut said = Vec::new();
        let mut entries = Vec::with_capacity(waiting.len());
        for received in std::mem::replace(&mut waiting, rest) {
            let (now, first) = (wall_now(), said.len());
            let Ok(message) = decode(run, received.delivery()) else { continue };
            role.handle(now, BusInput::Message(message), &mut said);
            entries.push(Entry {
                time: now,
                told: Told::Message(received),
                said: digest(run, &said[first..]),
                facts: facts(&said[first..]),
            });
        }
        journal.append(entries).await?;
        commits += 1;
        for message in said {
            // As it would leave for the bus.
            std::hint::black_box(encode(run, &message));
            waiting.extend(till.answer(message));
        }
    }
    let (elapsed, settlements) = (began.elapsed(), till.took.len());
    let (p50, p99) = percentiles(till.took);
    Ok(Figures { settlements, elapsed, commits, p50, p99 })
}

fn whose(bill: u32) -> ResidentId {
    ResidentId(1 + bill % BENEFICIARIES)
}

/// A good code of whose bill it is; the code is the number of the bill.
fn accepted(code: String, reference: String) -> Option<Verdict> {
    let resident = whose(code.parse().ok()?);
    let disclosed = BTreeMap::new();
    Some(Verdict::Accepted {
        pseudonym: PseudonymKey::of_issuer([7; 32]).pseudonym(resident, "payment".parse().ok()?),
        resident: Some(resident),
        disclosed,
        code_id: code,
        issued: wall_now(),
        reference,
        shown: Shown::Code,
        guardian: None,
        unconfirmed: false,
        freshness: Freshness::default(),
    })
}

/// All clients, and the verifier.
struct Till {
    run: RunId,
    bills: u32,
    asked: u64,
    began: BTreeMap<BillId, (u32, Instant)>,
    took: Vec<Duration>,
}

impl Till {
    /// The next bill of a client: each is somebody else's, so that no split goes stale.
    fn presettle(&mut self, client: u32) -> Received {
        self.bills += 1;
        let id = BillId(Uuid::from_u128(u128::from(self.bills)));
        self.began.insert(id, (client, Instant::now()));
        let line = |item: &str, category, fen, preself_bp| BillLine {
            item: item.into(),
            category,
            unit_price: Fen::new(fen),
            quantity_milli: 2_000,
            price_limit: None,
            preself_bp,
        };
        let lines = vec![
            line("consultation", Category::A, 1_800, 0),
            line("blood-count", Category::B, 2_500, 1_000),
            line("vitamins", Category::C, 3_600, 0),
        ];
        let bill = Bill {
            id,
            provider: ProviderId(1 + client % 6),
            level: 2,
            beneficiary: whose(self.bills),
            lines,
            total: Fen::new(2 * (1_800 + 2_500 + 3_600)),
            care: Care::Outpatient,
            date: None,
        };
        self.ask(RequestBody::Presettle(bill.into()))
    }

    fn ask(&mut self, body: RequestBody) -> Received {
        self.asked += 1;
        let id = Uuid::from_u128(u128::from(self.asked));
        let reply_to = ReplyTo { path: "bench".into(), correlation: id.as_bytes()[..].into() };
        self.frame(&Message::Request(Request { id, time: wall_now(), reply_to, body }))
    }

    fn frame(&self, message: &Message) -> Received {
        let Frame { topic, payload, response_topic, correlation, .. } = encode(self.run, message);
        Received::kept(topic, payload, response_topic, correlation)
    }

    /// What is said next to an output of the payer.
    fn answer(&mut self, message: Message) -> Option<Received> {
        match message {
            Message::Request(Request { reply_to, body: RequestBody::Verify(asked), .. }) => {
                let body = ReplyBody::Verify(accepted(asked.code.0, asked.reference)?);
                Some(self.frame(&Message::Reply(Reply { to: reply_to, time: wall_now(), body })))
            }
            Message::Reply(Reply {
                body: ReplyBody::Presettle(PresettleReply::Presettled { bill, .. }),
                ..
            }) => {
                let code = bill.0.as_u128().to_string();
                Some(self.ask(RequestBody::Settle(SettleRequest::new(bill, code))))
            }
            Message::Reply(Reply { body: ReplyBody::Settle(SettleReply::Settled { bill, .. }), .. }) => {
                let (client, began) = self.began.remove(&bill)?;
                self.took.push(began.elapsed());
                Some(self.presettle(client))
            }
            _ => None,
        }
    }
}
