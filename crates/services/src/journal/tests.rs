use std::path::Path;

use tempfile::TempDir;
use types::{Core, RunId};
use wire::{BusInput, DeadLetter, Message, Role};

use super::sqlite::{FILE, Sqlite};
use super::store::digest;
use super::*;
use crate::access::Secret;

const ROLE: RoleName = RoleName::Payer;

fn run() -> RunId {
    "demo".parse().unwrap()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// Counts what it is told, and says so.
#[derive(Debug, Default)]
struct Counter {
    told: usize,
    step: usize,
}

impl Counter {
    fn say(&mut self, now: Timestamp, out: &mut Vec<Message>) {
        self.told += self.step.max(1);
        let letter =
            DeadLetter { topic: String::new(), offset: self.told, reason: now.as_millis().to_string() };
        out.push(Message::DeadLetter { consumer: ROLE.slug(), letter });
    }
}

impl Core for Counter {
    type Input = BusInput;
    type Output = Message;

    fn handle(&mut self, now: Timestamp, _: BusInput, out: &mut Vec<Message>) {
        self.say(now, out);
    }

    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Message>) {
        self.say(now, out);
    }

    fn next_timeout(&self) -> Option<Timestamp> {
        None
    }
}

impl Role for Counter {
    fn name(&self) -> RoleName {
        ROLE
    }

    fn filters(&self) -> Vec<&'static str> {
        vec![]
    }
}

/// What a counter is told at `seq`, with what it says to it: every kind of entry in turn.
fn entry(seq: u64) -> Entry {
    let time = at(seq.cast_signed() * 10);
    let topic = "kitecity/v1/demo/sim/presence".to_owned();
    let told = match seq % 3 {
        0 => Told::Connected,
        1 => Told::Message(Received::kept(topic, br#"{"v":1,"d":[]}"#.to_vec(), None, Some(vec![0, 255]))),
        _ => Told::Timeout,
    };
    let mut counter = Counter { told: seq as usize - 1, step: 1 };
    let mut out = vec![];
    counter.say(time, &mut out);
    Entry { time, told, said: digest(run(), &out), facts: vec![] }
}

fn batch(first: u64, count: u64) -> Batch {
    Batch { role: ROLE, first, entries: (first..first + count).map(entry).collect(), published: first - 1 }
}

/// How many entries can be read back, each as it was.
fn count(journal: &mut dyn Journal) -> Result<u64, JournalError> {
    let mut count = 0;
    journal.read(ROLE, &mut |seq, read| {
        assert_eq!(format!("{read:?}"), format!("{:?}", entry(seq)));
        count = seq;
        Ok(())
    })?;
    Ok(count)
}

fn identity(seed: u64) -> Identity {
    vec![("seed", seed.to_string()), ("policy", "demo 1".to_owned())]
}

fn founding(words: &str) -> Founding {
    Founding { start: 7, secret: Secret::from_words(words) }
}

#[test]
fn a_folder_that_cannot_be_used_is_refused_in_words() {
    let folder = folder();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let below_a_file = Sqlite::open(&file.join("data")).unwrap_err().to_string();
    assert!(below_a_file.contains("data folder") && below_a_file.contains("file"), "{below_a_file}");

    std::fs::write(folder.path().join(FILE), "no database, but long enough to be looked at".repeat(20))
        .unwrap();
    let rubbish = Sqlite::open(folder.path()).unwrap_err().to_string();
    assert!(rubbish.contains("not a database") && rubbish.contains("put back a copy"), "{rubbish}");
}

#[test]
fn a_folder_of_another_city_is_refused_in_words() {
    let folder = folder();
    let open = |seed, words, same_secret| {
        Store::open(folder.path(), &identity(seed), &founding(words), same_secret, &key(&folder))
            .map(|(_, kept)| kept)
    };
    open(7, "kite", false).unwrap();
    let refused = open(8, "kite", false).unwrap_err().to_string();
    assert!(refused.ends_with("belongs to another city: its `seed` is 7, here it is 8"), "{refused}");
    let refused = open(7, "other", true).unwrap_err().to_string();
    assert!(refused.contains("`secret`") && !refused.contains("kite"), "{refused}");

    let later = Founding { start: 99, ..founding("other") };
    let (_, kept) = Store::open(folder.path(), &identity(7), &later, false, &key(&folder)).unwrap();
    assert_eq!((kept.start, kept.secret.to_bytes()), (7, founding("kite").secret.to_bytes()));
}

/// Found by `kitecity chaos --seed 2`: processes that started held the file while they opened their key, and the others
/// gave up.
#[test]
fn a_city_that_is_there_is_opened_while_another_process_writes() {
    let folder = folder();
    drop(store(folder.path()));
    let mut other = Sqlite::open(folder.path()).unwrap();
    let writing = other.connection().unchecked_transaction().unwrap();
    writing.execute("INSERT INTO city VALUES ('x', 'y')", []).unwrap();
    let store = store(folder.path());
    assert_eq!(store.recover(&mut Counter::default(), run()).unwrap().entries, 0);
    writing.rollback().unwrap();
}

/// In the folder, so that it goes with it.
fn key(folder: &tempfile::TempDir) -> KeyFile {
    KeyFile::at(folder.path().join("city.key"))
}

#[test]
fn a_copy_of_the_folder_without_its_key_is_refused_and_shows_no_secret() {
    let (folder, keys) = (folder(), self::folder());
    let open = |key: &KeyFile| Store::open(folder.path(), &identity(7), &founding("kite"), false, key);
    drop(open(&key(&keys)).unwrap());
    let secret = founding("kite").secret.to_bytes();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        // The write-ahead log goes when the writer, a thread, has closed the file.
        let Ok(bytes) = std::fs::read(file.unwrap().path()) else { continue };
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!bytes.windows(32).any(|window| window == secret));
        assert!(!bytes.windows(64).any(|window| window == hex.as_bytes()));
    }
    let missing = open(&key(&folder)).unwrap_err().to_string();
    assert!(missing.contains("--key-file"), "{missing}");
    assert!(!folder.path().join("city.key").exists(), "no key is made for a folder that has one");
    std::fs::write(folder.path().join("city.key"), "the key of another house").unwrap();
    let wrong = open(&key(&folder)).unwrap_err().to_string();
    assert!(wrong.contains("not the key of this data folder"), "{wrong}");
    assert!(open(&key(&keys)).is_ok());
}

#[test]
fn a_full_disk_refuses_a_whole_batch_and_keeps_those_before() {
    let folder = folder();
    let mut journal = Sqlite::open(folder.path()).unwrap();
    journal.append(&[batch(1, 10)]).unwrap();
    journal.limit(12);
    assert_eq!(journal.append(&[batch(11, 5_000)]), Err(JournalError::Full));
    assert_eq!(count(&mut journal), Ok(10));
    drop(journal);
    let mut journal = Sqlite::open(folder.path()).unwrap();
    assert_eq!(count(&mut journal), Ok(10));
    journal.append(&[batch(11, 5)]).unwrap();
    assert_eq!(count(&mut journal), Ok(15));
}

#[test]
fn a_log_torn_at_any_place_leaves_whole_batches() {
    let folder = folder();
    let mut journal = Sqlite::open(folder.path()).unwrap();
    for first in [1, 8, 15, 22] {
        journal.append(&[batch(first, 7)]).unwrap();
    }
    let wal = format!("{FILE}-wal");
    let length = std::fs::metadata(folder.path().join(&wal)).unwrap().len();
    let mut seen = std::collections::BTreeSet::new();
    for left in (0..=length).step_by(397).chain([length]) {
        let torn = self::folder();
        for name in [FILE, &wal] {
            std::fs::copy(folder.path().join(name), torn.path().join(name)).unwrap();
        }
        std::fs::OpenOptions::new()
            .write(true)
            .open(torn.path().join(&wal))
            .and_then(|file| file.set_len(left))
            .unwrap();
        let read = count(&mut Sqlite::open(torn.path()).unwrap()).unwrap();
        assert_eq!(read % 7, 0, "{left} bytes leave half a batch");
        seen.insert(read);
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 7, 14, 21, 28]);
}

#[test]
fn a_second_writer_of_the_same_role_is_fenced_off() {
    let folder = folder();
    let mut first = Sqlite::open(folder.path()).unwrap();
    let mut second = Sqlite::open(folder.path()).unwrap();
    first.append(&[batch(1, 2)]).unwrap();
    assert_eq!(second.append(&[batch(1, 1)]), Err(JournalError::Fenced { role: ROLE, seq: 1 }));
    assert_eq!(count(&mut second), Ok(2));
}

#[test]
fn a_missing_entry_is_noticed() {
    let folder = folder();
    let mut journal = Sqlite::open(folder.path()).unwrap();
    journal.append(&[batch(1, 5)]).unwrap();
    journal.connection().execute("DELETE FROM journal_payer WHERE seq = 3", []).unwrap();
    let damaged = JournalError::Damaged { role: ROLE, seq: 3, reason: "it is missing".into() };
    assert_eq!(count(&mut journal), Err(damaged));
}

fn store(folder: &Path) -> Store {
    // In the folder, so that it goes with it.
    let key = KeyFile::at(folder.join("city.key"));
    Store::open(folder, &identity(7), &founding("kite"), false, &key).unwrap().0
}

#[test]
fn a_program_that_would_say_something_else_does_not_start() {
    let folder = folder();
    Sqlite::open(folder.path()).unwrap().append(&[batch(1, 5)]).unwrap();
    let mut other = Counter { told: 0, step: 2 };
    let refused = store(folder.path()).recover(&mut other, run()).unwrap_err();
    assert_eq!(refused, JournalError::Diverged { role: ROLE, seq: 1 });
}

#[tokio::test]
async fn a_batch_that_cannot_be_kept_does_not_take_others_with_it() {
    let folder = folder();
    let store = store(folder.path());
    let mut first = store.recover(&mut Counter::default(), run()).unwrap().journal;
    let mut second = store.recover(&mut Counter::default(), run()).unwrap().journal;
    let (one, other) =
        futures_util::future::join(first.append(vec![entry(1)]), second.append(vec![entry(1)])).await;
    assert_eq!([one, other].iter().filter(|kept| kept.is_ok()).count(), 1);
}

#[tokio::test]
async fn a_role_comes_back_as_it_was_and_says_again_what_may_be_lost() {
    let folder = folder();
    let mut journal = store(folder.path()).recover(&mut Counter::default(), run()).unwrap().journal;
    journal.append((1..=4).map(entry).collect()).await.unwrap();
    journal.published(3);
    journal.append((5..=6).map(entry).collect()).await.unwrap();
    drop(journal);

    let mut counter = Counter::default();
    let recovered = store(folder.path()).recover(&mut counter, run()).unwrap();
    assert_eq!((counter.told, recovered.entries, recovered.last), (6, 6, at(60)));
    let again: Vec<usize> = recovered
        .unpublished
        .iter()
        .map(|message| match message {
            Message::DeadLetter { letter, .. } => letter.offset,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(again, [4, 5, 6]);
    assert_eq!(recovered.journal.newest(), 6);
}

/// A settlement and the account that paid part of it, told at `seq`.
fn settled(seq: u64) -> Entry {
    let (id, time) = (uuid::Uuid::from_u128(seq.into()), at(seq.cast_signed()));
    let moved = medpay::Entry {
        beneficiary: types::ResidentId(42),
        account: medpay::AccountUse::Own,
        amount: types::Fen::new(250),
        settlement: id,
    };
    let split = medpay::Split { total: types::Fen::new(700), ..medpay::Split::default() };
    let (bill, provider) = (types::BillId(id), types::ProviderId(1));
    let told = [
        medpay::PayEvent::AccountDebited(moved),
        medpay::PayEvent::BillSettled { bill, provider, settlement: id, split },
        medpay::PayEvent::AccountCredited(medpay::Entry { amount: types::Fen::new(100), ..moved }),
        medpay::PayEvent::BillReversed {
            bill,
            provider,
            settlement: id,
            reversal: id,
            split,
            replacement: None,
        },
    ];
    let events = told.into_iter().zip(1..).map(|(body, number)| {
        let id = uuid::Uuid::from_u128(u128::from(seq) << 8 | number);
        Message::Event(wire::Event { id, time, body: wire::EventBody::Pay(body) })
    });
    Entry { facts: facts(&events.collect::<Vec<_>>()), ..entry(seq) }
}

#[test]
fn what_is_not_kept_does_not_stand_in_the_tables_and_what_is_kept_does() {
    let folder = folder();
    let mut journal = Sqlite::open(folder.path()).unwrap();
    let one = |seq| Batch { entries: vec![settled(seq)], ..batch(seq, 0) };
    journal.append(&[one(1)]).unwrap();
    // Another process has taken this number: the whole commit is refused.
    assert!(matches!(journal.append(&[one(2), one(1)]), Err(JournalError::Fenced { seq: 1, .. })));
    let asked = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    let numbers =
        |sql: &str| asked.query_row(sql, [], |row| Ok([row.get::<_, i64>(0)?, row.get(1)?])).unwrap();
    assert_eq!(numbers("SELECT count(*), sum(total) FROM settlements WHERE reversal IS NOT NULL"), [1, 700]);
    assert_eq!(numbers("SELECT moved, entries FROM accounts WHERE beneficiary = 'r-0042'"), [-150, 2]);
}
