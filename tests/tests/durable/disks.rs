//! Disks that are full, read-only or damaged: a payer says so and ends, and what it acknowledged is there afterwards.

use std::io::{Seek, SeekFrom, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use city_tests::{City, Process, needs};

use super::till::{SETTINGS, Till, payer};

/// Room on the small disk: some for the journal, but not for long.
const SMALL: &str = "size=800k";
/// The same disk with room enough.
const LARGE: &str = "size=64m";
/// Bills that the small disk must not have room for, in waves.
const WAVES_MAX: usize = 400;

/// A disk of its own, for as long as the test lasts.
struct Disk(tempfile::TempDir);

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

impl Disk {
    /// Makes one; says so and gives none where this user may not mount, unless the full run demands it.
    fn mount(options: &str) -> Option<Self> {
        needs("mount")?;
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder.path()).stderr(Stdio::null());
        if command.status().is_ok_and(|status| status.success()) {
            return Some(Self(folder));
        }
        let _ = writeln!(std::io::stderr(), "SKIPPED: this test needs the right to mount a disk in memory");
        None
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        let status = Command::new("mount").args(["-o", &options]).arg(self.0.path()).status();
        assert!(status.is_ok_and(|status| status.success()), "{options}");
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

fn city() -> City {
    City::start(&[&SETTINGS[..], &["--without", "payer", "--without", "residents"]].concat())
}

/// Starts a payer on a folder that it cannot use: what it says when it ends.
fn refusal(city: &City, data: &Path) -> String {
    let mut payer = Process::spawn(payer(city, data).stderr(Stdio::piped()));
    let errors = payer.errors();
    assert!(errors.contains(data.to_str().expect("UTF-8")), "the folder is named: {errors}");
    errors
}

#[test]
fn a_payer_whose_disk_is_full_ends_and_loses_nothing() {
    let Some(disk) = Disk::mount(SMALL) else { return };
    let (city, data) = (city(), disk.path().join("city"));
    let mut first = Process::spawn(payer(&city, &data).stderr(Stdio::piped()));
    let mut till = Till::new(&city);
    let mut waves = 0;
    while !first.has_ended() {
        assert!(waves < WAVES_MAX, "the disk never filled up");
        waves += 1;
        till.open_bills();
        till.work_until(40, || first.has_ended());
    }
    let errors = first.errors();
    assert!(errors.contains("the disk is full: make room"), "{errors}");
    assert!(errors.contains(data.to_str().expect("UTF-8")), "{errors}");
    assert!(till.paid() > 0);

    disk.remount(LARGE);
    let _second = Process::spawn(&mut payer(&city, &data));
    till.work(u64::MAX);
    till.audit();
}

#[test]
fn a_payer_on_a_read_only_disk_is_refused_and_nothing_is_lost() {
    let Some(disk) = Disk::mount(LARGE) else { return };
    let (city, data) = (city(), disk.path().join("city"));
    let mut till = Till::new(&city);
    let mut first = Process::spawn(&mut payer(&city, &data));
    till.open_bills();
    till.work(u64::MAX);
    first.interrupt();
    disk.remount("ro");
    let errors = refusal(&city, &data);
    assert!(
        errors.contains("it is read-only, or on a read-only disk: let this user write there"),
        "{errors}"
    );
    disk.remount("rw");
    let _second = Process::spawn(&mut payer(&city, &data));
    till.open_bills();
    till.work(u64::MAX);
    till.audit();
}

#[test]
fn a_payer_with_a_damaged_journal_does_not_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let (city, data) = (city(), folder.path().join("city"));
    let mut till = Till::new(&city);
    let mut first = Process::spawn(&mut payer(&city, &data));
    till.open_bills();
    till.work(u64::MAX);
    first.interrupt();

    let log = std::fs::metadata(data.join("city.sqlite-wal"));
    if log.is_ok_and(|log| log.len() > 0) {
        eprintln!(
            "SKIPPED: the payer took too long to say goodbye, and what it knows is in its log, not in the file"
        );
        return;
    }
    let file = data.join("city.sqlite");
    let pages = std::fs::metadata(&file).expect("the journal").len() / 4_096;
    let mut bent = std::fs::OpenOptions::new().write(true).open(&file).expect("the journal");
    for page in 2..pages {
        bent.seek(SeekFrom::Start(page * 4_096)).expect("a place");
        bent.write_all(&[0x5a; 512]).expect("room");
    }
    let errors = refusal(&city, &data);
    assert!(errors.contains("is damaged") && errors.contains("put back a copy"), "{errors}");
}
