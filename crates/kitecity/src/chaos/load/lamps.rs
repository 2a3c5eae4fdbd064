//! Operators who dim luminaires, and a vandal who breaks some.

use std::time::Duration;

use lighting::{CommandStatus, DimLevel, DimRequest, Fault};
use tokio::time::sleep;
use types::LuminaireId;
use wire::{FaultOrder, Message, ReplyBody, RequestBody, RoleName};

use super::{AGAIN_AFTER, Client, Load};
use crate::chaos::blows::Part;
use crate::up::City;

/// Of so many luminaires one is the vandal's.
const VANDALS_SHARE: u32 = 10;
/// How long a command may take to its end.
const COMMAND_WITHIN: Duration = Duration::from_secs(15);
/// How often the vandal comes.
const VANDAL_EVERY: Duration = Duration::from_millis(700);
/// Commands to one luminaire until it obeys, at most.
const TRIES_MAX: u32 = 10;

const FLEET: Part = Part::Role(RoleName::Fleet);

/// The luminaires that operators leave to the vandal.
pub(in crate::chaos) fn vandals(city: &City) -> Vec<LuminaireId> {
    lamps_of(city, |id| id.0 % VANDALS_SHARE == 0)
}

/// The luminaires of one of `operators`.
pub(super) fn share(city: &City, number: u64, operators: u64) -> Vec<LuminaireId> {
    lamps_of(city, |id| id.0 % VANDALS_SHARE != 0 && u64::from(id.0) % operators == number)
}

fn lamps_of(city: &City, wanted: impl Fn(LuminaireId) -> bool) -> Vec<LuminaireId> {
    city.cast.directory().keys().copied().filter(|id| wanted(*id)).collect()
}

/// One command after the other.
pub(super) async fn run(mut operator: Client, lamps: Vec<LuminaireId>) {
    while !operator.is_over() && !lamps.is_empty() {
        let luminaire = lamps[operator.chance.below(lamps.len() as u64) as usize];
        let level =
            DimLevel::from_percent(10 * (1 + operator.chance.below(10)) as u8).unwrap_or(DimLevel::OFF);
        if !command(&mut operator, luminaire, level).await {
            operator.record().lock().given_up += 1;
            sleep(AGAIN_AFTER).await;
        }
    }
    operator.operator.leave().await;
}

/// Dims one luminaire, and tells whether it obeyed. What a command left without an answer does, nobody knows.
async fn command(operator: &mut Client, luminaire: LuminaireId, level: DimLevel) -> bool {
    let life = operator.load.lives.number(FLEET);
    operator.record().lock().levels.remove(&luminaire);
    let body = RequestBody::Dim(DimRequest { luminaire, level: Some(level), minutes: None });
    let is_last = |reply: &ReplyBody| !matches!(reply, ReplyBody::Dim(report) if !report.status.is_final());
    let correlation = operator.correlation();
    let answer = operator.operator.follow_as(correlation, body, COMMAND_WITHIN, is_last).await;
    let obeyed = matches!(&answer, Ok(ReplyBody::Dim(report)) if report.status == CommandStatus::Successful);
    if obeyed {
        let mut told = operator.load.record.lock();
        told.obeyed += 1;
        told.levels.insert(luminaire, (level, life));
    }
    obeyed
}

/// Dims all of `lamps` to full light, until they obey; the answer is those that did not.
pub(in crate::chaos) async fn light(operator: &mut Client, lamps: &[LuminaireId]) -> Vec<LuminaireId> {
    let mut dark = Vec::new();
    for &luminaire in lamps {
        let mut tries = 0;
        while !command(operator, luminaire, DimLevel::FULL).await {
            tries += 1;
            if tries == TRIES_MAX {
                dark.push(luminaire);
                break;
            }
        }
    }
    dark
}

/// Breaks a luminaire, repairs another.
pub(super) async fn vandalise(mut vandal: Client) {
    let lamps = vandals(&vandal.load.city);
    while !vandal.is_over() && !lamps.is_empty() {
        let luminaire = lamps[vandal.chance.below(lamps.len() as u64) as usize];
        let breaks = vandal.chance.below(2) == 0;
        {
            let mut told = vandal.load.record.lock();
            if breaks {
                told.vandalised.insert(luminaire)
            } else {
                told.vandalised.remove(&luminaire)
            };
        }
        tell(&vandal, luminaire, breaks);
        sleep(VANDAL_EVERY).await;
    }
    vandal.operator.leave().await;
}

/// Says once more which of the vandal's luminaires are broken: their fleet may have died since.
pub(in crate::chaos) fn break_as_told(client: &Client) {
    for luminaire in vandals(&client.load.city) {
        let breaks = client.record().lock().vandalised.contains(&luminaire);
        tell(client, luminaire, breaks);
    }
}

fn tell(client: &Client, luminaire: LuminaireId, breaks: bool) {
    let order = if breaks { FaultOrder::Break(Fault::LampOpen) } else { FaultOrder::Repair };
    if let Some(&district) = Load::districts(&client.load).get(&luminaire) {
        client.operator.tell(Message::Fault { district, luminaire, order });
    }
}
