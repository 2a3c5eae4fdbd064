//! A payer that is killed again and again: what it said it has done, it has done, and once.

use std::collections::BTreeMap;
use std::process::Stdio;

use city_tests::{City, Process, kitecity};
use serde_json::Value;

use self::till::{RESIDENTS, SETTINGS, Till, payer};

mod disks;
mod till;

/// How often the payer is killed; with `KITECITY_TEST_ALL`, see [`kills`].
const KILLS: u64 = 30;
/// How often in the full run.
const KILLS_ALL: u64 = 300;

fn kills() -> u64 {
    if std::env::var_os("KITECITY_TEST_ALL").is_some() { KILLS_ALL } else { KILLS }
}

#[test]
fn i12_what_a_killed_payer_acknowledged_is_paid_and_paid_once() {
    let city = City::start(&[&SETTINGS[..], &["--without", "payer", "--without", "residents"]].concat());
    let data = tempfile::tempdir().expect("a folder");
    let mut till = Till::new(&city);
    let mut opening = BTreeMap::new();
    for kill in 0..kills() {
        let payer = Process::spawn(&mut payer(&city, &data.path().join("city")));
        if kill == 0 {
            for number in 1..=RESIDENTS {
                let resident = format!("r-{number:04}");
                let balance = till.balance(&resident);
                opening.insert(resident, balance);
            }
        }
        till.open_bills();
        till.work(5 + kill * 7919 % 43);
        // Killed, not asked to end.
        drop(payer);
    }
    let _payer = Process::spawn(&mut payer(&city, &data.path().join("city")));
    till.work(u64::MAX);
    assert!(till.paid() > 20, "only {} bills were paid between the kills", till.paid());

    let settled = till.audit();
    // What can be asked in SQL was written together with it.
    let tables =
        rusqlite::Connection::open(data.path().join("city").join("city.sqlite")).expect("the folder");
    let mut rows = tables.prepare("SELECT bill, settlement FROM settlements ORDER BY bill").expect("a table");
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
    let rows: Vec<(String, String)> = rows.map(|row| row.expect("a row")).collect();
    assert!(rows.iter().map(|(bill, id)| (bill, id)).eq(settled.iter().map(|(bill, (id, _))| (bill, id))));
    // No half group, and nothing charged twice: every account has lost exactly its parts.
    for (resident, before) in opening {
        let parts = settled.iter().filter(|(bill, _)| self::till::resident(bill) == resident);
        let spent: i64 = parts.map(|(_, (_, split))| split["account"].as_i64().expect("fen")).sum();
        assert_eq!(till.balance(&resident), before - spent, "{resident}");
        let moved = "SELECT coalesce(sum(moved), 0) FROM accounts WHERE beneficiary = ?1";
        let moved: i64 = tables.query_row(moved, [&resident], |row| row.get(0)).expect("a sum");
        assert_eq!(moved, -spent, "{resident}");
    }
}

#[test]
fn a_folder_of_another_city_is_refused_before_anything_starts() {
    let data = tempfile::tempdir().expect("a folder");
    let start = |seed: &str| {
        let mut command = kitecity();
        command.args(["serve", "payer", "--broker", "mqtt://127.0.0.1:9", "--seed", seed, "--data"]);
        Process::spawn(command.arg(data.path().join("city")).args(SETTINGS).stderr(Stdio::piped()))
    };
    let mut first = start("7");
    city_tests::wait_for("the city to be founded", || {
        let log = std::fs::read(data.path().join("city/city.sqlite-wal")).ok()?;
        log.windows(9).any(|bytes| bytes == b"city.seed").then_some(())
    });
    first.interrupt();
    let mut second = start("8");
    let errors = second.errors();
    assert!(errors.contains("belongs to another city: its `city.seed` is 7, here it is 8"), "{errors}");
}

#[test]
fn a_city_that_was_killed_knows_its_bills_and_the_codes_that_were_used() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().join("city");
    let folder = folder.to_str().expect("UTF-8");
    // Without a secret: the first one is kept, and so are keys and passwords.
    let start = || City::start(&["--luminaires", "120", "--without", "residents", "--data", folder]);
    let run = |city: &City, arguments: &[&str]| {
        let mut command = kitecity();
        command.args(arguments).args(["--luminaires", "120", "--broker", &city.broker()]);
        command.args(["--password", &city.password]).stderr(Stdio::null());
        String::from_utf8(command.output().expect("the binary runs").stdout).expect("UTF-8")
    };
    let city = start();
    let password = city.password.clone();
    let visit = run(&city, &["pay", "visit", "--provider", "h-0001", "--resident", "r-0007", "--json"]);
    let visit: Value = serde_json::from_str(&visit).expect("a bill");
    let bill = visit["billed"]["bill"].as_str().expect("an id").to_owned();
    let code = run(&city, &["eid", "show", "--resident", "r-0007"]);
    let code = code.trim_end_matches('\n');
    let paid = run(&city, &["pay", "settle", &bill, code]);
    assert!(paid.starts_with("settled as "), "{paid}");
    let before = run(&city, &["pay", "bills"]);
    let statement = run(&city, &["pay", "statement", "r-0007"]);
    // Killed, not asked to end.
    drop(city);

    let (key, away) = (data.path().join("city.key"), data.path().join("away.key"));
    std::fs::rename(&key, &away).expect("the key is beside the folder");
    let without =
        kitecity().args(["up", "--luminaires", "120", "--data", folder]).stderr(Stdio::piped()).output();
    let without = without.expect("the binary runs");
    let errors = String::from_utf8_lossy(&without.stderr);
    assert_eq!(without.status.code(), Some(2), "{errors}");
    assert!(
        errors.contains("city.key: the data folder is sealed") && errors.contains("--key-file"),
        "{errors}"
    );
    std::fs::rename(&away, &key).expect("it is put back");

    let city = start();
    assert_eq!(city.password, password);
    assert_eq!(run(&city, &["pay", "bills"]), before);
    assert_eq!(run(&city, &["pay", "statement", "r-0007"]), statement);
    assert!(run(&city, &["eid", "verify", code]).contains("token_replayed"));
    assert!(run(&city, &["pay", "settle", &bill, code]).contains("already settled"));
    assert!(run(&city, &["pay", "reconcile", "h-0001"]).contains("the books agree"));
}
