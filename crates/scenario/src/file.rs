//! The form of a scenario file: TOML read into these structs, and nothing unknown accepted.
//!
//! Everything that serde cannot check – moments, ids, expressions – stays a text with its place, for `bind`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// A text and its place in the file.
pub(crate) type Text = Spanned<String>;

/// A scenario: a city, what happens in it, and what must come of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Kitecity scenario")]
pub(crate) struct File {
    /// What it is and when it plays.
    pub(crate) scenario: Head,
    /// The city it plays in.
    #[serde(default)]
    pub(crate) city: CityPart,
    /// Values for `$name` elsewhere in the file. A run can set others with `--param name=value`.
    #[serde(default)]
    #[expect(dead_code, reason = "used before this struct is read")]
    pub(crate) params: BTreeMap<String, Param>,
    /// What happens, in any order.
    #[serde(default)]
    #[schemars(with = "Vec<Step>")]
    pub(crate) timeline: Vec<Spanned<Step>>,
    /// What must come of it.
    #[serde(default)]
    #[schemars(with = "Vec<Expectation>")]
    pub(crate) expect: Vec<Spanned<Expectation>>,
}

/// A text or a number.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its form matters here")]
pub(crate) enum Param {
    /// A whole number.
    Whole(i64),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

/// What the scenario is and when it plays.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    /// Its name, for reports.
    pub(crate) name: String,
    /// What it shows, in a sentence or two.
    #[serde(default)]
    pub(crate) about: String,
    /// The day it begins, such as `2026-04-18`.
    #[schemars(with = "String")]
    pub(crate) date: Text,
    /// When it begins: a local time such as `18:30`, or `sunset - 10m`.
    #[schemars(with = "String")]
    pub(crate) start: Text,
    /// How long it plays, such as `3h`.
    #[schemars(with = "String")]
    pub(crate) length: Text,
    /// City seconds per wall second when it is played live, `1..=3600`.
    #[serde(default = "usual_speed")]
    #[schemars(with = "u32", range(min = 1, max = 3600))]
    pub(crate) speed: Spanned<u32>,
}

fn usual_speed() -> Spanned<u32> {
    Spanned::new(0..0, 60)
}

/// The city.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CityPart {
    /// Same seed, same city. A run can set another with `--seed`, or many with `--seeds`.
    pub(crate) seed: u64,
    /// Luminaires, `1..=200000`.
    #[schemars(with = "u32", range(min = 1, max = 200_000))]
    pub(crate) luminaires: Spanned<u32>,
    /// Residents, `1..=1000000`.
    #[schemars(with = "u32", range(min = 1, max = 1_000_000))]
    pub(crate) residents: Spanned<u32>,
    /// Clinics and hospitals, `0..=100`.
    #[schemars(with = "u32", range(max = 100))]
    pub(crate) clinics: Spanned<u32>,
    /// How many cabinets, from `c-0001` on, switch their feeders off by day; the others' are always live.
    #[schemars(with = "u32", range(max = 200_000))]
    pub(crate) switched_cabinets: Spanned<u32>,
    /// How much warmer than usual the air is [K], `-20..=30`.
    #[schemars(with = "i16", range(min = -20, max = 30))]
    pub(crate) heat_wave: Spanned<i16>,
}

impl Default for CityPart {
    fn default() -> Self {
        let number = |number| Spanned::new(0..0, number);
        Self {
            seed: 7,
            luminaires: number(200),
            residents: number(50),
            clinics: number(2),
            switched_cabinets: number(0),
            heat_wave: Spanned::new(0..0, 0),
        }
    }
}

/// Something that happens: a moment (`at`, or `when` something is seen) and one deed.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Step {
    /// When: `21:00`, `sunset + 5m`, `start + 1h`.
    #[schemars(with = "Option<String>")]
    pub(crate) at: Option<Text>,
    /// Again and again from `at` on, this far apart.
    #[schemars(with = "Option<String>")]
    pub(crate) every: Option<Text>,
    /// Until when, with `every`; the end of the scenario if not given.
    #[schemars(with = "Option<String>")]
    pub(crate) until: Option<Text>,
    /// Instead of `at`: the first time such a message is seen, or this holds.
    #[schemars(with = "Option<String>")]
    pub(crate) when: Option<Text>,
    /// How long after that.
    #[schemars(with = "Option<String>")]
    pub(crate) delay: Option<Text>,
    /// Deed: break luminaires.
    #[serde(rename = "break")]
    pub(crate) break_lamps: Option<BreakArg>,
    /// Deed: repair them.
    pub(crate) repair: Option<RepairArg>,
    /// Deed: clean the glass of luminaires.
    pub(crate) clean: Option<RepairArg>,
    /// Deed: ask the CMS to override luminaires.
    pub(crate) dim: Option<DimArg>,
    /// Deed: ask the CMS to end an override.
    pub(crate) resume: Option<ResumeArg>,
    /// Deed: ask the CMS to update the firmware of a group.
    pub(crate) update: Option<UpdateArg>,
    /// Deed: a resident walks to a provider, is treated, and pays.
    pub(crate) walk: Option<WalkArg>,
    /// Deed: a resident gets a new code and shows it at a kiosk.
    pub(crate) show: Option<ShowArg>,
    /// Deed: the resident's last code is shown again, as from a screenshot.
    pub(crate) show_again: Option<ShowArg>,
    /// Deed: disturb links to the broker.
    pub(crate) disturb: Option<DisturbArg>,
    /// Deed: cut links to the broker.
    pub(crate) cut: Option<CutArg>,
    /// Deed: the broker is gone for a while.
    pub(crate) broker_outage: Option<OutageArg>,
    /// Deed: a service crashes and starts again from its journal.
    pub(crate) crash: Option<CrashArg>,
    /// Deed: the clocks of luminaires go wrong.
    pub(crate) drift: Option<DriftArg>,
    /// Deed: breakers of a cabinet trip.
    pub(crate) trip: Option<FeederArg>,
    /// Deed: tripped breakers of a cabinet are closed again.
    pub(crate) reclose: Option<FeederArg>,
    /// Deed: contactors of a cabinet stay as they are, whatever is wanted.
    pub(crate) jam: Option<CircuitArg>,
    /// Deed: jammed contactors move again.
    pub(crate) free: Option<CircuitArg>,
    /// Deed: contactors of a cabinet are told to hold, or are left to the cabinet again.
    pub(crate) switch: Option<SwitchArg>,
    /// Deed: a cabinet's door is opened.
    pub(crate) open_door: Option<CabinetArg>,
    /// Deed: a cabinet's door is closed.
    pub(crate) close_door: Option<CabinetArg>,
}

/// What breaks, and how.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BreakArg {
    /// `l-0012`, `l-0001..l-0050` or `all`; or …
    #[serde(alias = "lamp")]
    #[schemars(with = "Option<String>")]
    pub(crate) lamps: Option<Text>,
    /// … all luminaires of a cabinet, such as `c-0002`.
    #[schemars(with = "Option<String>")]
    pub(crate) cabinet: Option<Text>,
    /// How: `lamp_open` (if not given), `supply_loss`, …; some with a severity, such as `brownout:190`.
    #[schemars(with = "Option<String>")]
    pub(crate) fault: Option<Text>,
}

/// What is repaired, or cleaned.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RepairArg {
    /// `l-0012`, `l-0001..l-0050` or `all`; or …
    #[serde(alias = "lamp")]
    #[schemars(with = "Option<String>")]
    pub(crate) lamps: Option<Text>,
    /// … all luminaires of a cabinet, such as `c-0002`.
    #[schemars(with = "Option<String>")]
    pub(crate) cabinet: Option<Text>,
}

/// A firmware campaign.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateArg {
    /// Which luminaires, such as `district:kuiwen`.
    #[schemars(with = "String")]
    pub(crate) group: Text,
    /// What they shall run, such as `1.1.0`.
    #[schemars(with = "String")]
    pub(crate) version: Text,
    /// Size of the image [bytes].
    #[serde(default = "image_bytes")]
    pub(crate) bytes: u32,
    /// Whether the hardware keeps its light while it is updated; otherwise it is updated only by day.
    #[serde(default)]
    pub(crate) keeps_light: bool,
    /// Share that tries it first, over 0 to 100 [%], at least one luminaire.
    #[schemars(with = "u8", range(min = 1, max = 100))]
    pub(crate) canary: Spanned<u32>,
    /// How many follow at a time.
    #[schemars(with = "u32", range(min = 1))]
    pub(crate) wave: Spanned<u32>,
    /// The campaign halts when more of those begun have failed, 0 to 99 [%].
    #[schemars(with = "u8", range(max = 99))]
    pub(crate) failed_max: Spanned<u32>,
}

/// 256 KiB.
fn image_bytes() -> u32 {
    256 * 1024
}

/// The end of an override.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResumeArg {
    /// Each on its own: `l-0012`, `l-0001..l-0050` or `all` …
    #[serde(alias = "lamp")]
    #[schemars(with = "Option<String>")]
    pub(crate) lamps: Option<Text>,
    /// … or a group with one command, such as `district:kuiwen`.
    #[schemars(with = "Option<String>")]
    pub(crate) group: Option<Text>,
}

/// An override.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DimArg {
    /// Each on its own: `l-0012`, `l-0001..l-0050` or `all` …
    #[serde(alias = "lamp")]
    #[schemars(with = "Option<String>")]
    pub(crate) lamps: Option<Text>,
    /// … or a group with one command, such as `district:kuiwen`.
    #[schemars(with = "Option<String>")]
    pub(crate) group: Option<Text>,
    /// Dim level [%].
    #[schemars(with = "u8", range(max = 100))]
    pub(crate) level: Spanned<u32>,
    /// For how long, in whole minutes; until further notice if not given.
    #[serde(rename = "for")]
    #[schemars(with = "Option<String>")]
    pub(crate) duration: Option<Text>,
}

/// A walk.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WalkArg {
    /// Who, such as `r-0042`.
    #[schemars(with = "String")]
    pub(crate) resident: Text,
    /// Where to, such as `h-0001`.
    #[schemars(with = "String")]
    pub(crate) to: Text,
    /// How many nights they stay in hospital there, 1 to 14; none = they are treated and go home.
    #[schemars(with = "Option<u8>", range(min = 1, max = 14))]
    pub(crate) nights: Option<Spanned<u32>>,
}

/// A code shown.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShowArg {
    /// Whose, such as `r-0042`.
    #[schemars(with = "String")]
    pub(crate) resident: Text,
    /// Where: the reader's name, 1 to 15 of a-z, 0-9 and -. What it asks for and how sure it wants to be is its own.
    #[schemars(with = "String")]
    pub(crate) kiosk: Text,
    /// What is disclosed: anon, age, name, full or photo; otherwise what the reader asks for first, or the name.
    #[schemars(with = "Option<String>")]
    pub(crate) profile: Option<Text>,
}

/// A disturbance.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DisturbArg {
    /// Whose links: luminaires …
    #[serde(alias = "lamp")]
    #[schemars(with = "Option<String>")]
    pub(crate) lamps: Option<Text>,
    /// … or one service.
    #[schemars(with = "Option<String>")]
    pub(crate) service: Option<Text>,
    /// `up`, `down` or `both`.
    #[serde(default)]
    pub(crate) direction: DirectionArg,
    /// Share of messages lost, `0..=1`.
    #[serde(default)]
    #[schemars(with = "f64", range(min = 0.0, max = 1.0))]
    pub(crate) loss: Option<Spanned<f64>>,
    /// Share of messages that come twice, `0..=1`.
    #[serde(default)]
    #[schemars(with = "f64", range(min = 0.0, max = 1.0))]
    pub(crate) duplicate: Option<Spanned<f64>>,
    /// How much later messages come: `500ms`, or from … to: `100ms..2s`.
    #[schemars(with = "Option<String>")]
    pub(crate) delay: Option<Text>,
    /// Whether a delayed message may be overtaken.
    #[serde(default)]
    pub(crate) reorder: bool,
    /// For how long.
    #[serde(rename = "for")]
    #[schemars(with = "String")]
    pub(crate) duration: Text,
}

/// Which way.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DirectionArg {
    /// From the client to the broker.
    Up,
    /// From the broker to the client.
    Down,
    /// Both.
    #[default]
    Both,
}

/// A cut.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CutArg {
    /// Whose links: luminaires …
    #[serde(alias = "lamp")]
    #[schemars(with = "Option<String>")]
    pub(crate) lamps: Option<Text>,
    /// … or one service.
    #[schemars(with = "Option<String>")]
    pub(crate) service: Option<Text>,
    /// `up`, `down` or `both`.
    #[serde(default)]
    pub(crate) direction: DirectionArg,
    /// For how long.
    #[serde(rename = "for")]
    #[schemars(with = "String")]
    pub(crate) duration: Text,
}

/// An outage.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutageArg {
    /// For how long.
    #[serde(rename = "for")]
    #[schemars(with = "String")]
    pub(crate) duration: Text,
}

/// A crash.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CrashArg {
    /// Which service.
    #[schemars(with = "String")]
    pub(crate) service: Text,
    /// For how long it is down.
    #[serde(rename = "for")]
    #[schemars(with = "String")]
    pub(crate) duration: Text,
}

/// Clocks that go wrong.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DriftArg {
    /// `l-0012`, `l-0001..l-0050` or `all`.
    #[serde(alias = "lamp")]
    #[schemars(with = "String")]
    pub(crate) lamps: Text,
    /// How much faster (slower, if negative) they run [parts per million].
    #[serde(default)]
    #[schemars(with = "i32", range(min = -100_000, max = 100_000))]
    pub(crate) ppm: Option<Spanned<i32>>,
    /// How far they jump: `20m`, or `-20m`.
    #[schemars(with = "Option<String>")]
    pub(crate) step: Option<Text>,
}

/// Breakers of a cabinet.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeederArg {
    /// Which cabinet, such as `c-0002`.
    #[schemars(with = "String")]
    pub(crate) cabinet: Text,
    /// Circuit 1 or 2; both if not given.
    #[schemars(with = "Option<u8>", range(min = 1, max = 2))]
    pub(crate) circuit: Option<Spanned<u8>>,
    /// Phase `R`, `S` or `T`; all if not given.
    #[schemars(with = "Option<String>")]
    pub(crate) phase: Option<Text>,
}

/// Contactors of a cabinet.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CircuitArg {
    /// Which cabinet, such as `c-0002`.
    #[schemars(with = "String")]
    pub(crate) cabinet: Text,
    /// Circuit 1 or 2; both if not given.
    #[schemars(with = "Option<u8>", range(min = 1, max = 2))]
    pub(crate) circuit: Option<Spanned<u8>>,
}

/// A command to contactors of a cabinet.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SwitchArg {
    /// Which cabinet, such as `c-0002`.
    #[schemars(with = "String")]
    pub(crate) cabinet: Text,
    /// Circuit 1 or 2; both if not given.
    #[schemars(with = "Option<u8>", range(min = 1, max = 2))]
    pub(crate) circuit: Option<Spanned<u8>>,
    /// `on`, `off`, or `auto` to leave it to the cabinet.
    pub(crate) to: ControlArg,
    /// For how long; until further notice if not given.
    #[serde(rename = "for")]
    #[schemars(with = "Option<String>")]
    pub(crate) duration: Option<Text>,
}

/// What a contactor should do.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ControlArg {
    /// Be closed.
    On,
    /// Be open.
    Off,
    /// Follow the cabinet.
    Auto,
}

/// Which cabinet.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CabinetArg {
    /// Such as `c-0002`.
    #[schemars(with = "String")]
    pub(crate) cabinet: Text,
}

/// What must come of it: a name and one form.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Expectation {
    /// Its name, for reports.
    pub(crate) name: String,
    /// Form: this holds at every moment between `from` and `to`.
    #[schemars(with = "Option<String>")]
    pub(crate) always: Option<Text>,
    /// Form: this never happens, or never holds, between `from` and `to`.
    #[schemars(with = "Option<String>")]
    pub(crate) never: Option<Text>,
    /// Form: this happens, or holds, at least once from `from` and by `by`.
    #[schemars(with = "Option<String>")]
    pub(crate) eventually: Option<Text>,
    /// Form: each time this happens, `then` (or not `then_not`) follows `within` a time.
    #[schemars(with = "Option<String>")]
    pub(crate) after: Option<Text>,
    /// What must follow `after`. May name the fields of what it followed: `after.lamp`.
    #[schemars(with = "Option<String>")]
    pub(crate) then: Option<Text>,
    /// What must not follow `after`.
    #[schemars(with = "Option<String>")]
    pub(crate) then_not: Option<Text>,
    /// How soon, or for how long.
    #[schemars(with = "Option<String>")]
    pub(crate) within: Option<Text>,
    /// With `after`: 99 of 100 follow this soon.
    #[schemars(with = "Option<String>")]
    pub(crate) p99: Option<Text>,
    /// Form: this holds until `until` happens, which is by `by`.
    #[schemars(with = "Option<String>")]
    pub(crate) hold: Option<Text>,
    /// What ends `hold`.
    #[schemars(with = "Option<String>")]
    pub(crate) until: Option<Text>,
    /// Form: how many such messages there are between `from` and `to`, with `exactly`, `at_least`, `at_most`.
    #[schemars(with = "Option<String>")]
    pub(crate) count: Option<Text>,
    /// Form: a number when the scenario ends, with `at_least`, `at_most`.
    #[schemars(with = "Option<String>")]
    pub(crate) metric: Option<Text>,
    /// With `count`.
    #[schemars(with = "Option<u64>")]
    pub(crate) exactly: Option<Spanned<u64>>,
    /// With `count` and `metric`.
    #[schemars(with = "Option<f64>")]
    pub(crate) at_least: Option<Spanned<f64>>,
    /// With `count` and `metric`.
    #[schemars(with = "Option<f64>")]
    pub(crate) at_most: Option<Spanned<f64>>,
    /// With `count`: other messages of this kind must not come at all.
    pub(crate) none_else: bool,
    /// With `count`: for each value of this field on its own.
    #[schemars(with = "Option<String>")]
    pub(crate) for_each: Option<Text>,
    /// From when it counts; the start if not given.
    #[schemars(with = "Option<String>")]
    pub(crate) from: Option<Text>,
    /// Until when it counts; the end if not given.
    #[schemars(with = "Option<String>")]
    pub(crate) to: Option<Text>,
    /// With `eventually` and `hold`: by when; the end if not given.
    #[schemars(with = "Option<String>")]
    pub(crate) by: Option<Text>,
    /// With `after`: it is no matter if that never happens. Otherwise nothing was tested, and the run is inconclusive.
    pub(crate) may_not_happen: bool,
}
