//! How a device from outside speaks on the bus: as a luminaire.

use lighting::{FirmwareOrder, FirmwarePhase, FirmwareState, FirmwareVersion, Report, Stamp, UpdateResult};
use types::{DistrictId, HOUR_MS, LuminaireId, Timestamp};

use crate::{Light, Message};

/// The voltage of a device that never told one \[mV\]: the nominal one in China.
pub(crate) const NOMINAL_MV: u32 = 220_000;

/// Who speaks, and how much was said.
#[derive(Debug)]
pub(crate) struct Voice {
    luminaire: LuminaireId,
    district: DistrictId,
    stamp: Stamp,
}

impl Voice {
    pub(crate) fn new(luminaire: LuminaireId, district: DistrictId, epoch: u32) -> Self {
        Self { luminaire, district, stamp: Stamp { epoch, seq: 0, ts: Timestamp::default() } }
    }

    /// A message of this luminaire.
    pub(crate) fn message(&self, body: Light) -> Message {
        Message::Light { district: self.district, luminaire: self.luminaire, body }
    }

    /// The next report, made at `ts` of the city's clock.
    pub(crate) fn says<T>(&mut self, ts: Timestamp, body: T, what: impl Fn(Report<T>) -> Light) -> Message {
        self.stamp = Stamp { seq: self.stamp.seq.wrapping_add(1), ts, ..self.stamp };
        self.message(what(Report { stamp: self.stamp, body }))
    }

    /// Refuses to change the firmware: the city has no image that a device from outside could fetch. Without this a
    /// campaign would wait for it in vain.
    pub(crate) fn refuses(&mut self, ts: Timestamp, order: FirmwareOrder) -> Message {
        let state = FirmwareState {
            version: FirmwareVersion::DELIVERED,
            phase: FirmwarePhase::Idle,
            order: order.id,
            result: Some(UpdateResult::Unsupported),
        };
        self.says(ts, state, Light::Firmware)
    }
}

/// Counts energy for a device without a meter.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// \[mW·ms\]
    energy: u128,
    since: Option<Timestamp>,
}

impl Meter {
    /// The reading \[mWh\], if `power_mw` was drawn since the last one.
    pub(crate) fn run(&mut self, power_mw: u32, at: Timestamp) -> u64 {
        let passed_ms = self.since.map_or(0, |since| at.millis_since(since).max(0));
        self.since = self.since.max(Some(at));
        self.energy += u128::from(power_mw) * passed_ms.unsigned_abs() as u128;
        u64::try_from(self.energy / HOUR_MS.unsigned_abs() as u128).unwrap_or(u64::MAX)
    }
}
