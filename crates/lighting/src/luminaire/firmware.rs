//! The firmware of one luminaire: download, verify, install, start again; or back to the one before.

use types::{CommandId, SECOND_MS, Timestamp};

use crate::Fault;
use crate::firmware::{
    FirmwareAction, FirmwareImage, FirmwareOrder, FirmwarePhase, FirmwareState, FirmwareVersion, UpdateResult,
};

/// How fast an image comes \[bytes/s\].
const DOWNLOAD_BYTES_PER_S: i64 = 2_000;
/// How long an image is verified \[ms\].
const VERIFY_MS: i64 = 5 * SECOND_MS;
/// How long it is written \[ms\].
const INSTALL_MS: i64 = 40 * SECOND_MS;
/// How long the controller takes to start \[ms\].
const REBOOT_MS: i64 = 15 * SECOND_MS;
/// The end of time.
const NEVER: Timestamp = Timestamp::from_millis(i64::MAX);

/// The firmware of one luminaire. Takes memory from the first order or defect on: most luminaires never get either.
#[derive(Debug, Default)]
pub(super) struct Firmware(Option<Box<Updater>>);

#[derive(Debug)]
struct Updater {
    running: FirmwareVersion,
    /// What the other slot holds.
    before: Option<FirmwareVersion>,
    phase: FirmwarePhase,
    /// When the phase ends.
    until: Timestamp,
    /// The last order, and what it asked for.
    order: Option<FirmwareOrder>,
    result: Option<UpdateResult>,
    trouble: Option<Trouble>,
}

/// What is wrong with updates of a luminaire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// What it downloads is not what was sent.
    BadImage,
    /// A download never ends, and nothing is said about it.
    Hang,
}

impl Trouble {
    /// What a fault does to updates; `None` if it is a fault of the lamp.
    pub(super) fn from_fault(fault: Fault) -> Option<Self> {
        match fault {
            Fault::FirmwareBadImage => Some(Self::BadImage),
            Fault::FirmwareHang => Some(Self::Hang),
            _ => None,
        }
    }
}

/// What a step of an update means to the luminaire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There is something to tell.
    Tell,
    /// The controller has started again.
    Restarted,
}

impl Firmware {
    /// Breaks.
    pub(super) fn break_by(&mut self, trouble: Trouble) {
        self.updater().trouble = Some(trouble);
    }

    /// Works again; an update that hung is given up. Whether there is something to tell.
    pub(super) fn repair(&mut self) -> bool {
        let Some(updater) = &mut self.0 else { return false };
        let hung = updater.phase != FirmwarePhase::Idle && updater.until == NEVER;
        updater.trouble = None;
        if hung {
            updater.end(UpdateResult::Internal);
        }
        hung
    }

    /// Takes an order. One that came before is only answered again; one that comes during another is refused.
    pub(super) fn take(&mut self, order: FirmwareOrder, now: Timestamp) -> FirmwareState {
        let updater = self.updater();
        if updater.order.as_ref().is_some_and(|known| known.id == order.id) {
            return updater.state(order.id);
        }
        if updater.phase != FirmwarePhase::Idle {
            let busy = Some(UpdateResult::Busy);
            return FirmwareState { result: busy, ..updater.state(order.id) };
        }
        let id = order.id.clone();
        updater.begin(order, now);
        updater.state(id)
    }

    /// What there is to tell, if there was ever an order.
    pub(super) fn state(&self) -> Option<FirmwareState> {
        let updater = self.0.as_ref()?;
        updater.order.as_ref().map(|order| updater.state(order.id.clone()))
    }

    /// When the next step is.
    #[inline]
    pub(super) fn next_step(&self) -> Timestamp {
        self.0.as_ref().map_or(NEVER, |updater| updater.until)
    }

    /// Goes on, if a step is due.
    pub(super) fn step(&mut self, now: Timestamp) -> Option<Step> {
        let updater = self.0.as_mut().filter(|updater| updater.until <= now)?;
        Some(updater.step(now))
    }

    /// What it takes from the luminaire now.
    #[inline]
    pub(super) fn outage(&self) -> Outage {
        let Some(updater) = &self.0 else { return Outage::None };
        match (updater.phase, updater.order.as_ref().map(|order| order.action)) {
            (FirmwarePhase::Installing | FirmwarePhase::Rebooting, Some(action)) => match action {
                FirmwareAction::Install(FirmwareImage { goes_dark: false, .. }) => Outage::Deaf,
                _ => Outage::Dark,
            },
            _ => Outage::None,
        }
    }

    /// The same by a clock that was set `by_ms` forward.
    pub(super) fn shift(&mut self, by_ms: i64) {
        if let Some(updater) = self.0.as_mut().filter(|updater| updater.until != NEVER) {
            updater.until = updater.until.plus_millis(by_ms);
        }
    }

    fn updater(&mut self) -> &mut Updater {
        self.0.get_or_insert_with(|| {
            Box::new(Updater {
                running: FirmwareVersion::DELIVERED,
                before: None,
                phase: FirmwarePhase::Idle,
                until: NEVER,
                order: None,
                result: None,
                trouble: None,
            })
        })
    }
}

/// What an update takes from the luminaire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outage {
    /// Nothing.
    None,
    /// It takes no commands.
    Deaf,
    /// It takes no commands and gives no light.
    Dark,
}

impl Updater {
    fn begin(&mut self, order: FirmwareOrder, now: Timestamp) {
        let action = order.action;
        (self.order, self.result) = (Some(order), None);
        match action {
            FirmwareAction::Install(image) if image.version == self.running => {
                self.end(UpdateResult::AlreadyLatest);
            }
            FirmwareAction::Install(image) => {
                let download_ms = i64::from(image.bytes) * SECOND_MS / DOWNLOAD_BYTES_PER_S;
                self.enter(FirmwarePhase::Downloading, download_ms.max(1), now);
                if self.trouble == Some(Trouble::Hang) {
                    self.until = NEVER;
                }
            }
            FirmwareAction::RollBack if self.before.is_none() => self.end(UpdateResult::Unsupported),
            FirmwareAction::RollBack => self.enter(FirmwarePhase::Installing, INSTALL_MS, now),
        }
    }

    fn step(&mut self, now: Timestamp) -> Step {
        match self.phase {
            FirmwarePhase::Idle => self.until = NEVER,
            FirmwarePhase::Downloading => self.enter(FirmwarePhase::Verifying, VERIFY_MS, now),
            FirmwarePhase::Verifying if self.trouble == Some(Trouble::BadImage) => {
                self.end(UpdateResult::VerificationFailed);
            }
            FirmwarePhase::Verifying => self.enter(FirmwarePhase::Installing, INSTALL_MS, now),
            FirmwarePhase::Installing => self.enter(FirmwarePhase::Rebooting, REBOOT_MS, now),
            FirmwarePhase::Rebooting => {
                self.start_other();
                return Step::Restarted;
            }
        }
        Step::Tell
    }

    /// What was written runs now; what ran before stays in the other slot.
    fn start_other(&mut self) {
        let next = match self.order.as_ref().map(|order| order.action) {
            Some(FirmwareAction::Install(image)) => Some(image.version),
            _ => self.before,
        };
        if let Some(next) = next {
            self.before = Some(std::mem::replace(&mut self.running, next));
        }
        self.end(UpdateResult::Done);
    }

    fn enter(&mut self, phase: FirmwarePhase, lasts_ms: i64, now: Timestamp) {
        (self.phase, self.until) = (phase, now.plus_millis(lasts_ms));
    }

    fn end(&mut self, result: UpdateResult) {
        (self.phase, self.until, self.result) = (FirmwarePhase::Idle, NEVER, Some(result));
    }

    fn state(&self, order: CommandId) -> FirmwareState {
        FirmwareState { version: self.running, phase: self.phase, order, result: self.result }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: FirmwareImage =
        FirmwareImage { version: FirmwareVersion(1, 1, 0), bytes: 120_000, goes_dark: true };

    fn order(id: &str, action: FirmwareAction) -> FirmwareOrder {
        FirmwareOrder { id: id.parse().unwrap(), action }
    }

    /// Lets time pass until nothing is due; gives each phase, and whether the controller started again.
    fn pass(firmware: &mut Firmware) -> (Vec<FirmwarePhase>, bool) {
        let (mut phases, mut restarted) = (vec![], false);
        while firmware.next_step() != NEVER {
            let step = firmware.step(firmware.next_step());
            restarted |= step == Some(Step::Restarted);
            phases.push(firmware.state().unwrap().phase);
        }
        (phases, restarted)
    }

    fn end(firmware: &Firmware) -> (FirmwareVersion, Option<UpdateResult>) {
        let state = firmware.state().unwrap();
        (state.version, state.result)
    }

    #[test]
    fn a_bad_image_is_not_installed() {
        let mut firmware = Firmware::default();
        firmware.break_by(Trouble::BadImage);
        firmware.take(order("a", FirmwareAction::Install(IMAGE)), Timestamp::default());
        assert_eq!(pass(&mut firmware), (vec![FirmwarePhase::Verifying, FirmwarePhase::Idle], false));
        assert_eq!(end(&firmware), (FirmwareVersion::DELIVERED, Some(UpdateResult::VerificationFailed)));
    }

    #[test]
    fn a_download_that_hangs_ends_only_by_repair() {
        let mut firmware = Firmware::default();
        firmware.break_by(Trouble::Hang);
        firmware.take(order("a", FirmwareAction::Install(IMAGE)), Timestamp::default());
        assert_eq!(pass(&mut firmware), (vec![], false));
        let other = firmware.take(order("b", FirmwareAction::Install(IMAGE)), Timestamp::default());
        assert_eq!(other.result, Some(UpdateResult::Busy));
        assert!(firmware.repair());
        assert_eq!(end(&firmware), (FirmwareVersion::DELIVERED, Some(UpdateResult::Internal)));
    }

    #[test]
    fn nothing_to_go_back_to_and_nothing_new_are_refused_at_once() {
        let mut firmware = Firmware::default();
        let back = firmware.take(order("a", FirmwareAction::RollBack), Timestamp::default());
        assert_eq!(back.result, Some(UpdateResult::Unsupported));
        let same = FirmwareImage { version: FirmwareVersion::DELIVERED, ..IMAGE };
        let same = firmware.take(order("b", FirmwareAction::Install(same)), Timestamp::default());
        assert_eq!(same.result, Some(UpdateResult::AlreadyLatest));
    }

    #[test]
    fn an_image_is_installed_once_and_taken_back() {
        let mut firmware = Firmware::default();
        let install = || order("a", FirmwareAction::Install(IMAGE));
        firmware.take(install(), Timestamp::default());
        assert_eq!(firmware.next_step().as_millis(), 60 * SECOND_MS);
        let phases = [
            FirmwarePhase::Verifying,
            FirmwarePhase::Installing,
            FirmwarePhase::Rebooting,
            FirmwarePhase::Idle,
        ];
        assert_eq!(pass(&mut firmware), (phases.to_vec(), true));
        assert_eq!(end(&firmware), (IMAGE.version, Some(UpdateResult::Done)));
        // A copy of the order is answered, and nothing more.
        assert_eq!(firmware.take(install(), Timestamp::default()).result, Some(UpdateResult::Done));
        assert_eq!(firmware.next_step(), NEVER);

        firmware.take(order("b", FirmwareAction::RollBack), Timestamp::default());
        assert_eq!(firmware.outage(), Outage::Dark);
        assert!(pass(&mut firmware).1);
        assert_eq!(end(&firmware), (FirmwareVersion::DELIVERED, Some(UpdateResult::Done)));
    }
}
