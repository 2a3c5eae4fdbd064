//! `--dialect`: the luminaires as devices of a platform outside.

use std::sync::Arc;

use anyhow::Result;
use services::access::Secret;
use services::fleet::Outward;
use types::{LuminaireId, RunId};
use wire::dialect::home_assistant::node_of;
use wire::dialect::{Device, DeviceSecret, Dialect, Register};
use wire::{Directory, RoleName};

use crate::config::of_file;
use crate::up::{City, UsageError};
use crate::{Command, Settings, out};

/// Whether the flags about a platform go together with each other and with `command`.
///
/// # Errors
///
/// In words, which do not.
pub(crate) fn check(settings: &Settings, command: &Command) -> Result<(), UsageError> {
    let wrong = |words: String| Err(UsageError(words));
    let Some(dialect) = settings.dialect else {
        return match (&settings.devices, settings.subscribe, command) {
            (_, _, Command::Devices) => wrong("`kitecity devices` wants `--dialect`".to_owned()),
            (Some(_), ..) => wrong("`--devices` goes with `--dialect`".to_owned()),
            (None, true, _) => wrong("`--subscribe` goes with `--dialect`".to_owned()),
            _ => Ok(()),
        };
    };
    match command {
        Command::Up | Command::Serve { role: RoleName::Fleet } if settings.broker.is_none() => {
            wrong(format!(
                "`--dialect {dialect}` wants `--broker mqtt://host:port`: the platform whose devices the luminaires are"
            ))
        }
        Command::Up | Command::Serve { role: RoleName::Fleet } | Command::Devices => Ok(()),
        Command::Serve { role } => {
            wrong(format!("`--dialect` is for the luminaires, which `{role}` has none of: `serve fleet`"))
        }
        _ => wrong("`--dialect` goes with `up`, `serve fleet` and `devices`".to_owned()),
    }
}

/// How the luminaires speak to the platform that the flags name, if they name one.
///
/// # Errors
///
/// In words: what is wrong in the file of devices, or that there is no secret to make theirs from.
pub(crate) fn of(
    settings: &Settings,
    run: RunId,
    secret: &Secret,
    directory: &Directory,
) -> Result<Option<Outward>, UsageError> {
    let (Some(dialect), Some(platform)) = (settings.dialect, settings.broker.clone()) else {
        return Ok(None);
    };
    let devices = Arc::new(devices(settings, dialect, run, secret, directory)?);
    // Only platforms of IoTDA send to devices that did not subscribe.
    let subscribes = settings.subscribe || dialect != Dialect::Iotda;
    Ok(Some(Outward { platform, devices, subscribes }))
}

/// `kitecity devices`: prints them, as settings.
pub(crate) fn print(settings: &Settings) -> Result<()> {
    let Some(dialect) = settings.dialect else { return Ok(()) };
    if settings.secret.is_none() && settings.devices.is_none() {
        return Err(
            UsageError("give `--secret WORDS`: the devices' secrets are made from it".to_owned()).into()
        );
    }
    let city = City::plan(settings)?;
    let secret = city.secret();
    let devices = devices(settings, dialect, city.config.city.run, secret, city.cast.directory())?;
    for device in devices.devices() {
        let lamp = device.lamp.map(|lamp| format!("lamp = \"{lamp}\"\n")).unwrap_or_default();
        let Device { id, secret, .. } = device;
        out::line(&format!(
            "[[device]]\ndialect = \"{dialect}\"\nid = \"{id}\"\nsecret = \"{}\"\n{lamp}",
            secret.0
        ))?;
    }
    Ok(())
}

fn devices(
    settings: &Settings,
    dialect: Dialect,
    run: RunId,
    secret: &Secret,
    directory: &Directory,
) -> Result<Register, UsageError> {
    if let Some(file) = &settings.devices {
        return Ok(of_file(file, dialect, directory)?);
    }
    if settings.secret.is_none() && dialect != Dialect::HomeAssistant {
        return Err(UsageError(
            "the platform must know the devices' secrets: give `--devices FILE`, or `--secret WORDS` to make them \
             from, which `kitecity devices` prints"
                .to_owned(),
        ));
    }
    let devices = directory.keys().map(|lamp| derived(dialect, run, *lamp, secret)).collect();
    Register::new(devices).map_err(|(_, error)| UsageError(error.to_string()))
}

/// The device that a luminaire is when nobody says.
fn derived(dialect: Dialect, run: RunId, lamp: LuminaireId, secret: &Secret) -> Device {
    let id = match dialect {
        Dialect::Iotda => format!("kitecity-{run}_{lamp}"),
        Dialect::Streetlights | Dialect::HomeAssistant => node_of(run, lamp),
    };
    let secret = DeviceSecret(secret.password_for(&format!("device/{id}")));
    Device { dialect, id, secret, lamp: Some(lamp), children: Vec::new(), lumens: None }
}
