use std::sync::Arc;

use city::{
    CabinetSite, CitySpec, LuminaireSite, Plan, RoadClass, SpecError, YearError, astro_shift_ms, astro_table,
    calendar_of, calendars,
};
use eid::issuer::Issuer;
use eid::verifier::Verifier;
use eid::{PseudonymKey, Readers, Registry, Resident, RootKey};
use lighting::{
    Asset, AstroTable, Cabinet, CabinetConfig, Cms, CmsConfig, CmsConfigError, FeederStyle, Luminaire,
    LuminaireConfig, LuminaireModel, LuminaireModelConfig, LuminaireModelError, Physics, Programme,
};
use medpay::Policies;
use medpay::payer::{Payer, PayerConfigError};
use medpay::provider::{Clinic, ProviderConfig};
use types::{CabinetId, Fen, LuminaireId, MINUTE_MS, ResidentId, RunId, Stream, Timestamp};
use wire::dialect::home_assistant::HomeAssistantBridge;
use wire::dialect::{Site, Sites};
use wire::roles::{CabinetRole, ClinicRole, CmsRole, IssuerRole, LuminaireRole, PayerRole, VerifierRole};
use wire::{Directory, MessageIds};

use crate::feeder::drop_mv;
use crate::{LightingPolicy, Residents};

/// How long a luminaire takes from dark to full light \[ms\].
const FADE_MS: u32 = 4_000;
/// How often a luminaire tells its readings \[ms\].
const REPORT_PERIOD_MS: u32 = 15 * MINUTE_MS as u32;
/// How long a luminaire may take to acknowledge a command \[ms of the wall's clock\].
const ACK_TIMEOUT_MS: i64 = 5_000;
/// What each beneficiary's personal account holds at first.
const OPENING_BALANCE: Fen = Fen::new(80_000);
/// What the pooled fund holds at first.
const OPENING_FUND: Fen = Fen::new(100_000_000_000);

/// What a city is made from.
#[derive(Clone, Debug)]
pub struct CastSpec {
    /// Streets, luminaires, people.
    pub city: CitySpec,
    /// The year whose sun shines.
    pub year: i32,
    /// The rules of payment.
    pub policy: Policies,
    /// The issuer's signing key.
    pub issuer_key: [u8; 32],
    /// How its luminaires behave, whatever their power.
    pub physics: Physics,
    /// How long its luminaires have given light before \[h\]: their age.
    pub burning_h: u32,
    /// Different at each start of the same city, so that ids are not used twice.
    pub start: u64,
    /// How many cabinets, counted from the first, switch their feeders off by day; the others' are always live.
    pub switched_cabinets: u32,
}

impl CastSpec {
    /// A city at its first start: luminaires new and of the usual kind, feeders always live, the issuer's key from the
    /// city's seed.
    pub fn new(city: CitySpec, year: i32, policy: Policies) -> Self {
        Self {
            issuer_key: city.seed.stream("issuer key", 0).bytes(),
            city,
            year,
            policy,
            physics: Physics::default(),
            burning_h: 0,
            start: 1,
            switched_cabinets: 0,
        }
    }
}

/// Why there is no such city.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CastError {
    /// A number is out of range.
    #[error(transparent)]
    City(#[from] SpecError),
    /// The year is out of range.
    #[error(transparent)]
    Year(#[from] YearError),
    /// A luminaire's numbers make no sense.
    #[error("luminaire model")]
    Model(#[from] LuminaireModelError),
    /// The register of luminaires makes no sense.
    #[error("register of luminaires")]
    Cms(#[from] CmsConfigError),
    /// The payer's accounts cannot be opened.
    #[error("payer")]
    Payer(#[from] PayerConfigError),
}

/// A city and the roles that play in it.
#[derive(Clone, Debug)]
pub struct Cast {
    spec: CastSpec,
    plan: Arc<Plan>,
    directory: Arc<Directory>,
    astro: Arc<AstroTable>,
    calendars: [Programme; RoadClass::ALL.len()],
    readers: Arc<Readers>,
}

impl Cast {
    /// Plans the city.
    ///
    /// # Errors
    ///
    /// [`CastError`] names the number that no city can have.
    pub fn new(spec: CastSpec) -> Result<Self, CastError> {
        let astro = Arc::new(astro_table(spec.year)?);
        Self::under_sun(spec, astro)
    }

    /// The same, with the sun of another city of the same year, which takes longer to compute than a small city.
    ///
    /// # Errors
    ///
    /// [`CastError`] names the number that no city can have.
    pub fn under_sun(spec: CastSpec, astro: Arc<AstroTable>) -> Result<Self, CastError> {
        let plan = Arc::new(Plan::generate(&spec.city)?);
        Ok(Self::of_plan(spec, plan, astro))
    }

    /// A city that is planned already, under the sun of its place. What `spec` says of the city does not count.
    pub fn of_plan(spec: CastSpec, plan: Arc<Plan>, astro: Arc<AstroTable>) -> Self {
        let spec = CastSpec { city: *plan.spec(), ..spec };
        let directory = plan.luminaires().iter().map(|site| (site.id, site.district)).collect();
        let readers = Arc::new(Readers::presets());
        Self { spec, plan, directory: Arc::new(directory), astro, calendars: calendars(), readers }
    }

    /// The same city with other readers of e-ID codes than the presets.
    #[must_use]
    pub fn with_readers(self, readers: Readers) -> Self {
        Self { readers: Arc::new(readers), ..self }
    }

    /// The same city under another lighting policy.
    #[must_use]
    pub fn lit_by(self, policy: &LightingPolicy) -> Self {
        Self { calendars: policy.calendars(), ..self }
    }

    /// The same city, as it was at another start: its roles make the ids of that one.
    #[must_use]
    pub fn at_start(&self, start: u64) -> Self {
        Self { spec: CastSpec { start, ..self.spec.clone() }, ..self.clone() }
    }

    /// What stands where.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Which luminaire is in which district.
    pub fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// When the sun rises and sets.
    pub fn astro(&self) -> &Arc<AstroTable> {
        &self.astro
    }

    /// What people call a luminaire: its id and its street.
    pub fn luminaire_name(&self, id: LuminaireId) -> String {
        let site = (id.0 as usize).checked_sub(1).and_then(|index| self.plan.luminaires().get(index));
        match site.and_then(|site| self.plan.streets().get(site.street)) {
            Some(street) => format!("{id} {}", street.name_en),
            None => id.to_string(),
        }
    }

    /// Where luminaires stand, for bridges that keep their programme.
    pub fn sites(&self) -> Sites {
        let site = |site: &city::LuminaireSite| Site {
            district: site.district,
            rated_mw: site.rated_mw,
            standby_mw: site.standby_mw,
            astro_shift_ms: astro_shift_ms(site.position, self.plan.plane().origin()),
        };
        let by_luminaire = self.plan.luminaires().iter().map(|luminaire| (luminaire.id, site(luminaire)));
        Sites { astro: self.astro.clone(), by_luminaire: by_luminaire.collect() }
    }

    /// The bridge to Home Assistant, which shows these luminaires.
    pub fn home_assistant(&self, run: RunId, shown: &[LuminaireId]) -> HomeAssistantBridge {
        let named = shown.iter().map(|id| (*id, self.luminaire_name(*id)));
        HomeAssistantBridge::new(run, named, self.ids("homeassistant"))
    }

    /// Who may ask for what at which counter.
    pub fn readers(&self) -> &Arc<Readers> {
        &self.readers
    }

    /// The central management system.
    ///
    /// # Errors
    ///
    /// [`CastError::Cms`] if the plan names a luminaire twice, which it does not.
    pub fn cms(&self) -> Result<CmsRole, CastError> {
        let assets = self.plan.luminaires().iter().map(|site| Asset {
            luminaire: site.id,
            cabinet: site.cabinet,
            leg: site.leg(),
            street_m: self.street_m(site),
            rated_mw: site.rated_mw,
            standby_mw: site.standby_mw,
            calendar: calendar_of(site.class) as u16,
        });
        let core = Cms::new(CmsConfig {
            assets: assets.collect(),
            calendars: self.calendars.to_vec(),
            groups: city::groups(&self.plan),
            sun: self.astro.clone(),
            ack_timeout_ms: ACK_TIMEOUT_MS,
            ids: self.chance("command ids"),
        })?;
        Ok(CmsRole::new(core, self.directory.clone(), self.ids("lighting")))
    }

    /// Every luminaire, as it comes up at `now`.
    ///
    /// # Errors
    ///
    /// [`CastError::Model`] if the plan has a wattage no luminaire can have, which it does not.
    pub fn luminaires(&self, now: Timestamp) -> Result<Vec<LuminaireRole>, CastError> {
        let mut models: Vec<Arc<LuminaireModel>> = Vec::new();
        let mut luminaires = Vec::with_capacity(self.plan.luminaires().len());
        let nominal_mv = self.spec.physics.electrics.nominal_mv;
        for site in self.plan.luminaires() {
            let known = |model: &&Arc<LuminaireModel>| {
                (model.rated_mw(), model.standby_mw()) == (site.rated_mw, site.standby_mw)
            };
            let model = match models.iter().find(known) {
                Some(model) => model.clone(),
                None => {
                    models.push(Arc::new(LuminaireModel::new(LuminaireModelConfig {
                        rated_mw: site.rated_mw,
                        standby_mw: site.standby_mw,
                        fade_ms: FADE_MS,
                        report_period_ms: REPORT_PERIOD_MS,
                        physics: self.spec.physics,
                    })?));
                    models[models.len() - 1].clone()
                }
            };
            let stagger = self.plan.cabinet(site.cabinet).map_or(0, city::CabinetSite::stagger_ms);
            let mut chance = self.spec.city.seed.stream("report offset", u64::from(site.id.0));
            let config = LuminaireConfig {
                model,
                astro: self.astro.clone(),
                astro_shift_ms: astro_shift_ms(site.position, self.plan.plane().origin()) + stagger,
                report_offset_ms: chance.below(u64::from(REPORT_PERIOD_MS)) as u32,
                feeder_drop_mv: drop_mv(&self.plan, site, nominal_mv),
                burning_h: self.spec.burning_h,
            };
            let core = Luminaire::new(config, now).with_epoch(self.spec.start as u32);
            luminaires.push(LuminaireRole::new(core, site.district, site.id));
        }
        Ok(luminaires)
    }

    /// Every cabinet, as it comes up at `now`.
    pub fn cabinets(&self, now: Timestamp) -> Vec<CabinetRole> {
        let role = |site: &CabinetSite| {
            let mut chance = self.spec.city.seed.stream("meter offset", u64::from(site.id.0));
            let config = CabinetConfig {
                style: self.feeder_style(site.id),
                astro: self.astro.clone(),
                astro_shift_ms: astro_shift_ms(site.position, self.plan.plane().origin()) + site.stagger_ms(),
                report_period_ms: REPORT_PERIOD_MS,
                report_offset_ms: chance.below(u64::from(REPORT_PERIOD_MS)) as u32,
            };
            let core = Cabinet::new(config, now).with_epoch(self.spec.start as u32);
            CabinetRole::new(core, site.district, site.id)
        };
        self.plan.cabinets().iter().map(role).collect()
    }

    fn feeder_style(&self, cabinet: CabinetId) -> FeederStyle {
        if cabinet.0 <= self.spec.switched_cabinets {
            FeederStyle::CabinetSwitched
        } else {
            FeederStyle::AlwaysLive
        }
    }

    /// The street that one luminaire lights \[m\].
    fn street_m(&self, site: &LuminaireSite) -> u16 {
        let width_m = self.plan.streets().get(site.street).map_or(1.0, |street| street.width_m);
        (site.road_m2 / width_m).round() as u16
    }

    /// The e-ID issuer.
    pub fn issuer(&self) -> IssuerRole {
        let registry = Registry::new(self.residents());
        let core = Issuer::new(registry, self.spec.issuer_key, "kitecity", self.chance("code ids"))
            .with_guardians(self.guardians());
        IssuerRole::new(core, self.ids("issuer"))
    }

    /// The e-ID verifier.
    pub fn verifier(&self) -> VerifierRole {
        VerifierRole::new(self.offline_verifier(), self.ids("verifier"))
    }

    /// A verifier with the same root key and readers, for a counter that goes on without a network.
    pub fn offline_verifier(&self) -> Verifier {
        let root = RootKey::of_issuer(self.spec.issuer_key);
        Verifier::new(root).with_readers(Readers::clone(&self.readers)).with_pseudonyms(self.names())
    }

    /// What holders are called by issuer and verifier, and to readers.
    pub fn names(&self) -> PseudonymKey {
        PseudonymKey::of_issuer(self.spec.issuer_key)
    }

    /// The payer of medical bills.
    ///
    /// # Errors
    ///
    /// [`CastError::Payer`] if there are more residents than accounts.
    pub fn payer(&self) -> Result<PayerRole, CastError> {
        let accounts = self.residents().map(|resident| (resident.id, OPENING_BALANCE));
        let ids = self.chance("settlement ids");
        let core = Payer::new(self.spec.policy.clone(), OPENING_FUND, accounts, ids)?;
        Ok(PayerRole::new(core, self.ids("payer")))
    }

    /// The providers of medical care.
    pub fn clinic(&self) -> ClinicRole {
        let providers =
            self.plan.clinics().iter().map(|site| ProviderConfig { id: site.id, level: site.level });
        ClinicRole::new(Clinic::new(providers, self.chance("treatments")), self.ids("clinic"))
    }

    /// The residents in the streets.
    pub fn residents_role(&self) -> Residents {
        Residents::new(self.plan.clone(), self.chance("walks"), self.ids("residents"))
    }

    fn residents(&self) -> impl Iterator<Item = Resident> + '_ {
        city::Residents::new(&self.plan).iter().map(|citizen| citizen.person)
    }

    /// Who answers for which child, by the census.
    fn guardians(&self) -> impl Iterator<Item = (ResidentId, ResidentId)> + '_ {
        let everybody = city::Residents::new(&self.plan);
        let wards = (1..=self.plan.spec().residents).map(ResidentId);
        wards.filter_map(move |ward| Some((everybody.guardian(ward)?, ward)))
    }

    fn chance(&self, purpose: &str) -> Stream {
        self.spec.city.seed.stream(purpose, self.spec.start)
    }

    fn ids(&self, role: &str) -> MessageIds {
        MessageIds::new(self.chance(&format!("message ids of {role}")))
    }
}
