//! Binds the deeds of the timeline.

use std::num::NonZeroU8;
use std::ops::Range;

use eid::Profile;
use lighting::{CampaignRequest, DimLevel, Fault, FaultError, FirmwareImage};
use types::{CabinetId, GroupId, VerifierId};
use wire::RoleName;

use super::{Binder, minutes};
use crate::director::{Deed, Dimmed, ShowDeed, Which};
use crate::facts::Type;
use crate::file::{
    BreakArg, CutArg, DimArg, DirectionArg, DisturbArg, DriftArg, ShowArg, Step, Text, UpdateArg, WalkArg,
};
use crate::mistake::{Mistake, did_you_mean};
use crate::order::{Clients, Direction, Effect};
use crate::time::duration_ms;

/// Services that can crash: those with a journal.
const CRASHABLE: [RoleName; 6] = [
    RoleName::Lighting,
    RoleName::Issuer,
    RoleName::Verifier,
    RoleName::Payer,
    RoleName::Clinic,
    RoleName::Residents,
];
/// All of a million: a cut.
const ALL_PPM: u32 = 1_000_000;

impl Binder<'_> {
    /// The one deed of a step.
    pub(super) fn deed(&self, span: &Range<usize>, step: &Step) -> Result<Deed, Mistake> {
        let deeds = [
            step.break_lamps.as_ref().map(|arg| self.break_lamps(span, arg)),
            step.repair
                .as_ref()
                .map(|arg| self.which(span, arg.lamps.as_ref(), arg.cabinet.as_ref()).map(Deed::Repair)),
            step.clean
                .as_ref()
                .map(|arg| self.which(span, arg.lamps.as_ref(), arg.cabinet.as_ref()).map(Deed::Clean)),
            step.dim.as_ref().map(|arg| self.dim(span, arg)),
            step.resume.as_ref().map(|arg| {
                let whom = self.dimmed(span, arg.lamps.as_ref(), arg.group.as_ref())?;
                Ok(Deed::Dim { whom, level: None, minutes: None })
            }),
            step.update.as_ref().map(|arg| self.update(arg)),
            step.walk.as_ref().map(|arg| self.walk(arg)),
            step.show.as_ref().map(|arg| self.show(arg, false)),
            step.show_again.as_ref().map(|arg| self.show(arg, true)),
            step.disturb.as_ref().map(|arg| self.disturb(span, arg)),
            step.cut.as_ref().map(|arg| self.cut(span, arg)),
            step.broker_outage.as_ref().map(|arg| self.lasting(&arg.duration).map(Deed::BrokerOutage)),
            step.crash
                .as_ref()
                .map(|arg| Ok(Deed::Crash(self.crashing(&arg.service)?, self.lasting(&arg.duration)?))),
            step.drift.as_ref().map(|arg| self.drift(span, arg)),
        ];
        let mut deeds = deeds.into_iter().chain(self.cabinet_deeds(step)).flatten();
        match (deeds.next(), deeds.next()) {
            (Some(deed), None) => deed,
            (Some(_), Some(_)) => Err(self.script.mistake(span, "a step has one deed, this has two: make two steps")),
            (None, _) => Err(self.script.mistake(
                span,
                "a step needs a deed: break, repair, clean, dim, resume, update, walk, show, show_again, disturb, cut, broker_outage, crash, drift, trip, reclose, jam, free, switch, open_door or close_door",
            )),
        }
    }

    fn break_lamps(&self, span: &Range<usize>, arg: &BreakArg) -> Result<Deed, Mistake> {
        let fault = self.optional(arg.fault.as_ref(), |name| {
            name.parse::<Fault>().map_err(|error| match error {
                FaultError::Unknown { .. } => {
                    format!("{error}{}", did_you_mean(name, Fault::NAMES.into_iter()))
                }
                _ => error.to_string(),
            })
        })?;
        let who = self.which(span, arg.lamps.as_ref(), arg.cabinet.as_ref())?;
        Ok(Deed::Break(who, fault.unwrap_or(Fault::LampOpen)))
    }

    fn which(
        &self,
        span: &Range<usize>,
        lamps: Option<&Text>,
        cabinet: Option<&Text>,
    ) -> Result<Which, Mistake> {
        match (lamps, cabinet) {
            (Some(lamps), None) => self.lamps(lamps).map(Which::Range),
            (None, Some(cabinet)) => self.cabinet(cabinet).map(Which::Cabinet),
            _ => Err(self.script.mistake(span, "say which: either `lamps` or `cabinet`")),
        }
    }

    pub(super) fn cabinet(&self, text: &Text) -> Result<CabinetId, Mistake> {
        self.script.read(text, |text| {
            let id: CabinetId = text.parse().map_err(|error: types::IdError| error.to_string())?;
            let last = CabinetId(self.plan.cabinets().len() as u32);
            let known = self.plan.cabinet(id).map(|_| id);
            known.ok_or_else(|| format!("`{text}` is not in this city: it has {} to {last}", CabinetId(1)))
        })
    }

    fn dim(&self, span: &Range<usize>, arg: &DimArg) -> Result<Deed, Mistake> {
        let level =
            u8::try_from(*arg.level.get_ref()).ok().and_then(|level| DimLevel::from_percent(level).ok());
        let level = level.ok_or_else(|| {
            self.script.mistake(
                &arg.level.span(),
                format!("`level` must be 0 to 100 [%], got {}", arg.level.get_ref()),
            )
        })?;
        let minutes = self.optional(arg.duration.as_ref(), minutes)?;
        let whom = self.dimmed(span, arg.lamps.as_ref(), arg.group.as_ref())?;
        Ok(Deed::Dim { whom, level: Some(level), minutes })
    }

    fn dimmed(
        &self,
        span: &Range<usize>,
        lamps: Option<&Text>,
        group: Option<&Text>,
    ) -> Result<Dimmed, Mistake> {
        match (lamps, group) {
            (Some(lamps), None) => self.lamps(lamps).map(Dimmed::Each),
            (None, Some(group)) => self.group(group).map(Dimmed::Group),
            _ => Err(self.script.mistake(span, "say which: either `lamps` or `group`")),
        }
    }

    fn group(&self, text: &Text) -> Result<GroupId, Mistake> {
        self.script.read(text, |text| {
            let id: GroupId = text.parse().map_err(|error: types::IdError| error.to_string())?;
            let names: Vec<String> =
                city::groups(self.plan).iter().map(|group| group.id().to_string()).collect();
            if names.iter().any(|name| name == text) {
                return Ok(id);
            }
            let hint = did_you_mean(text, names.iter().map(String::as_str));
            Err(format!("`{text}` is no group of this city{hint}"))
        })
    }

    fn update(&self, arg: &UpdateArg) -> Result<Deed, Mistake> {
        let version = self.script.read(&arg.version, |text| {
            text.parse().map_err(|error: lighting::FirmwareVersionError| error.to_string())
        })?;
        let image = FirmwareImage { version, bytes: arg.bytes, goes_dark: !arg.keeps_light };
        Ok(Deed::Update(CampaignRequest {
            group: self.group(&arg.group)?,
            image,
            canary_percent: self.within(&arg.canary, "canary", 1..=100)? as u8,
            wave: self.within(&arg.wave, "wave", 1..=u32::MAX)?,
            failed_percent_max: self.within(&arg.failed_max, "failed_max", 0..=99)? as u8,
        }))
    }

    fn within(
        &self,
        number: &toml::Spanned<u32>,
        name: &str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Result<u32, Mistake> {
        let value = *number.get_ref();
        if range.contains(&value) {
            return Ok(value);
        }
        let (min, max) = range.into_inner();
        Err(self.script.mistake(&number.span(), format!("`{name}` must be {min} to {max}, got {value}")))
    }

    fn walk(&self, arg: &WalkArg) -> Result<Deed, Mistake> {
        let resident = self.id(&arg.resident, Type::Resident)?;
        let provider = self.id(&arg.to, Type::Provider)?;
        let most = u32::from(medpay::provider::NIGHTS_MAX);
        let nights = arg.nights.as_ref().map_or(Ok(0), |nights| self.within(nights, "nights", 1..=most))?;
        Ok(Deed::Walk { resident, provider, nights: NonZeroU8::new(nights as u8) })
    }

    fn show(&self, arg: &ShowArg, again: bool) -> Result<Deed, Mistake> {
        let resident = self.id(&arg.resident, Type::Resident)?;
        let kiosk: VerifierId = self
            .script
            .read(&arg.kiosk, |text| text.parse().map_err(|error: types::IdError| error.to_string()))?;
        if let Some(profile) = arg.profile.as_ref().filter(|_| again) {
            let message = "a copy discloses what the code did: leave `profile` out";
            return Err(self.script.mistake(&profile.span(), message));
        }
        let profile = self.optional(arg.profile.as_ref(), profile)?;
        Ok(Deed::Show(ShowDeed { resident, kiosk, profile, again }))
    }

    fn disturb(&self, span: &Range<usize>, arg: &DisturbArg) -> Result<Deed, Mistake> {
        let (delay_min_ms, delay_max_ms) = self.optional(arg.delay.as_ref(), delays)?.unwrap_or((0, 0));
        let effect = Effect {
            loss_ppm: self.share(arg.loss.as_ref())?,
            duplicate_ppm: self.share(arg.duplicate.as_ref())?,
            delay_min_ms,
            delay_max_ms,
            reorder: arg.reorder,
        };
        if effect == (Effect { reorder: arg.reorder, ..Effect::default() }) {
            return Err(self
                .script
                .mistake(span, "this disturbs nothing: give `loss`, `duplicate` or `delay`"));
        }
        let who = self.clients(span, arg.lamps.as_ref(), arg.service.as_ref())?;
        Ok(Deed::Disturb { who, direction: way(arg.direction), effect, for_ms: self.lasting(&arg.duration)? })
    }

    fn cut(&self, span: &Range<usize>, arg: &CutArg) -> Result<Deed, Mistake> {
        let effect = Effect { loss_ppm: ALL_PPM, ..Effect::default() };
        let who = self.clients(span, arg.lamps.as_ref(), arg.service.as_ref())?;
        Ok(Deed::Disturb { who, direction: way(arg.direction), effect, for_ms: self.lasting(&arg.duration)? })
    }

    fn drift(&self, span: &Range<usize>, arg: &DriftArg) -> Result<Deed, Mistake> {
        let step_ms = self.optional(arg.step.as_ref(), |text| match text.strip_prefix('-') {
            Some(text) => duration_ms(text).map(|ms| -ms),
            None => duration_ms(text),
        })?;
        let ppm = arg.ppm.as_ref().map_or(0, |ppm| *ppm.get_ref());
        if !(-100_000..=100_000).contains(&ppm) {
            return Err(self.script.mistake(span, format!("`ppm` must be -100000 to 100000, got {ppm}")));
        }
        if ppm == 0 && step_ms.unwrap_or(0) == 0 {
            return Err(self.script.mistake(span, "this drifts nowhere: give `ppm` or `step`"));
        }
        Ok(Deed::Drift { lamps: self.lamps(&arg.lamps)?, ppm, step_ms: step_ms.unwrap_or(0) })
    }

    fn clients(
        &self,
        span: &Range<usize>,
        lamps: Option<&Text>,
        service: Option<&Text>,
    ) -> Result<Clients, Mistake> {
        match (lamps, service) {
            (Some(lamps), None) => self.lamps(lamps).map(Clients::Luminaires),
            (None, Some(service)) => self.crashing(service).map(Clients::Service),
            _ => Err(self.script.mistake(span, "say whose links: either `lamps` or `service`")),
        }
    }

    fn crashing(&self, text: &Text) -> Result<RoleName, Mistake> {
        self.script.read(text, |name| {
            CRASHABLE.into_iter().find(|role| role.as_str() == name).ok_or_else(|| {
                let hint = crate::mistake::did_you_mean(name, CRASHABLE.iter().map(|role| role.as_str()));
                format!(
                    "`{name}` is no service of a scenario; they are {}{hint}",
                    CRASHABLE.map(RoleName::as_str).join(", ")
                )
            })
        })
    }

    pub(super) fn lasting(&self, text: &Text) -> Result<i64, Mistake> {
        self.script.read(text, |text| match duration_ms(text)? {
            0 => Err("this lasts no time at all".to_owned()),
            ms => Ok(ms),
        })
    }

    fn share(&self, share: Option<&toml::Spanned<f64>>) -> Result<u32, Mistake> {
        let Some(share) = share else { return Ok(0) };
        let value = *share.get_ref();
        if !(0.0..=1.0).contains(&value) {
            return Err(self.script.mistake(&share.span(), format!("a share is 0 to 1, got {value}")));
        }
        Ok((value * f64::from(ALL_PPM)).round() as u32)
    }

    fn id<T: std::str::FromStr<Err = types::IdError>>(
        &self,
        text: &Text,
        of_type: Type,
    ) -> Result<T, Mistake> {
        self.script.read(text, |text| {
            self.in_city(of_type, text)?;
            text.parse().map_err(|error: types::IdError| error.to_string())
        })
    }
}

/// `500ms`, or `100ms..2s` \[ms\].
fn delays(text: &str) -> Result<(u32, u32), String> {
    let (min, max) = text.split_once("..").unwrap_or((text, text));
    let (min, max) = (duration_ms(min)?, duration_ms(max)?);
    if min > max {
        return Err(format!("\"{text}\" is backwards"));
    }
    let read = |ms: i64| u32::try_from(ms).map_err(|_| format!("\"{text}\" is too long for a delay"));
    Ok((read(min)?, read(max)?))
}

fn profile(name: &str) -> Result<Profile, String> {
    Profile::ALL.into_iter().find(|profile| profile.name() == name).ok_or_else(|| {
        let names = Profile::ALL.map(Profile::name);
        let hint = did_you_mean(name, names);
        format!("`{name}` is no profile; they are {}{hint}", names.join(", "))
    })
}

fn way(direction: DirectionArg) -> Direction {
    match direction {
        DirectionArg::Up => Direction::Up,
        DirectionArg::Down => Direction::Down,
        DirectionArg::Both => Direction::Both,
    }
}
