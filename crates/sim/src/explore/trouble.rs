//! What can happen in a case.

use std::fmt::Write as _;

use lighting::Fault;
use types::{MINUTE_MS, Stream};

use super::{CLINICS, RESIDENTS};

/// Something that goes wrong, or that people do, with what mends it: can be left out as a whole.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    /// The deed it begins with.
    pub(super) kind: &'static str,
    /// Its steps, as they stand in a scenario file.
    pub(super) steps: String,
}

/// Troubles begin within the first so many minutes, and last at most [`LASTS_MAX_MIN`].
const BEGIN_WITHIN_MIN: u64 = 180;
const LASTS_MAX_MIN: u64 = 80;
/// Services that can crash or be cut off.
const SERVICES: [&str; 6] = ["lighting", "issuer", "verifier", "payer", "clinic", "residents"];
/// Readers of the presets.
const KIOSKS: [&str; 5] = ["bus", "museum", "school-gate", "hospital", "clinic-counter"];

impl Trouble {
    /// One of many, for a city of so many luminaires.
    pub(super) fn draw(chance: &mut Stream, luminaires: u64) -> Self {
        let mut steps = Steps::begin(chance);
        let kind = match chance.below(16) {
            0..=2 => steps.fault(chance, luminaires),
            3 => steps.override_lamps(chance, luminaires),
            4 => steps.walk(chance),
            5 | 6 => steps.show(chance),
            7 | 8 => steps.disturb(chance, luminaires),
            9 => steps.cut(chance, luminaires),
            10 => steps.last("broker_outage", chance, 6, String::new),
            11 => {
                let service = one_of(chance, &SERVICES);
                steps.last("crash", chance, 10, || format!("service = \"{service}\", "))
            }
            12 => steps.clock(chance, luminaires),
            13 => steps.mended("trip", "reclose", chance, CABINET),
            14 => steps.mended("jam", "free", chance, CABINET),
            _ => steps.mended("open_door", "close_door", chance, CABINET),
        };
        Self { kind, steps: steps.text }
    }
}

/// Every city has it.
pub(super) const CABINET: &str = "cabinet = \"c-0001\"";

/// Steps being written.
struct Steps {
    text: String,
    /// When the trouble begins \[s after the start\].
    from_s: u64,
    /// How long it lasts, if it lasts \[s\].
    lasts_s: u64,
}

impl Steps {
    fn begin(chance: &mut Stream) -> Self {
        let from_s = 60 + chance.below(BEGIN_WITHIN_MIN * 60);
        Self { text: String::new(), from_s, lasts_s: 60 + chance.below(LASTS_MAX_MIN * 60) }
    }

    fn add(&mut self, at_s: u64, deed: &str, what: &str) {
        let _ = write!(self.text, "\n[[timeline]]\nat = \"start + {at_s}s\"\n{deed} = {{ {what} }}\n");
    }

    /// A deed, and later the deed that mends it.
    fn mended(&mut self, deed: &'static str, mend: &str, chance: &mut Stream, what: &str) -> &'static str {
        let circuit = match (deed, chance.below(3)) {
            ("open_door", _) | (_, 0) => String::new(),
            (_, circuit) => format!(", circuit = {circuit}"),
        };
        self.add(self.from_s, deed, &format!("{what}{circuit}"));
        self.add(self.from_s + self.lasts_s, mend, &format!("{what}{circuit}"));
        deed
    }

    /// A deed that says itself how long it lasts: at most so many minutes.
    fn last(
        &mut self,
        deed: &'static str,
        chance: &mut Stream,
        minutes_max: u64,
        what: impl FnOnce() -> String,
    ) -> &'static str {
        let lasts_s = 1 + chance.below(minutes_max * 60);
        self.add(self.from_s, deed, &format!("{}for = \"{lasts_s}s\"", what()));
        deed
    }

    fn fault(&mut self, chance: &mut Stream, luminaires: u64) -> &'static str {
        let fault = one_of(chance, &Fault::ALL);
        // The CMS trusts a meter again after quiet minutes, which a busy street may not have for hours.
        let fault = match fault {
            Fault::MeterFrozen | Fault::MeterOffset(_) => Fault::LampOpen,
            other => other,
        };
        let lamps = lamps(chance, luminaires);
        self.add(self.from_s, "break", &format!("{lamps}, fault = \"{fault}\""));
        self.add(self.from_s + self.lasts_s, "repair", &lamps);
        "break"
    }

    fn override_lamps(&mut self, chance: &mut Stream, luminaires: u64) -> &'static str {
        let whose = match chance.below(3) {
            0 => "group = \"all\"".to_owned(),
            1 => "group = \"cabinet:c-0001\"".to_owned(),
            _ => lamps(chance, luminaires),
        };
        let (level, minutes) = (chance.below(101), 1 + chance.below(LASTS_MAX_MIN));
        self.add(self.from_s, "dim", &format!("{whose}, level = {level}, for = \"{minutes}m\""));
        if chance.below(2) == 0 {
            self.add(self.from_s + self.lasts_s, "resume", &whose);
        }
        "dim"
    }

    fn walk(&mut self, chance: &mut Stream) -> &'static str {
        let (resident, clinic) = (resident(chance), 1 + chance.below(CLINICS));
        self.add(self.from_s, "walk", &format!("resident = \"{resident}\", to = \"h-000{clinic}\""));
        "walk"
    }

    /// A code, and up to three copies of it at once or later, anywhere.
    fn show(&mut self, chance: &mut Stream) -> &'static str {
        let resident = resident(chance);
        let mut at_s = self.from_s;
        let kiosk = one_of(chance, &KIOSKS);
        self.add(at_s, "show", &format!("resident = \"{resident}\", kiosk = \"{kiosk}\""));
        for _ in 0..chance.below(4) {
            at_s += 1 + chance.below(40);
            let kiosk = one_of(chance, &KIOSKS);
            self.add(at_s, "show_again", &format!("resident = \"{resident}\", kiosk = \"{kiosk}\""));
        }
        "show"
    }

    /// Links that lose, repeat and delay, but keep their order, as TCP does.
    fn disturb(&mut self, chance: &mut Stream, luminaires: u64) -> &'static str {
        let whose = link(chance, luminaires);
        let direction = one_of(chance, &["up", "down", "both"]);
        let (loss, duplicate) = (chance.below(60), chance.below(60));
        let (least_ms, more_ms) = (chance.below(400), 1 + chance.below(20_000));
        let delay = format!("{least_ms}ms..{}ms", least_ms + more_ms);
        let what = format!(
            "{whose}, direction = \"{direction}\", loss = 0.{loss:02}, duplicate = 0.{duplicate:02}, \
             delay = \"{delay}\", for = \"{}s\"",
            self.lasts_s
        );
        self.add(self.from_s, "disturb", &what);
        "disturb"
    }

    fn cut(&mut self, chance: &mut Stream, luminaires: u64) -> &'static str {
        let whose = link(chance, luminaires);
        let direction = one_of(chance, &["up", "down", "both"]);
        let what = format!("{whose}, direction = \"{direction}\", for = \"{}s\"", self.lasts_s);
        self.add(self.from_s, "cut", &what);
        "cut"
    }

    /// A clock that jumps, and is set right again.
    fn clock(&mut self, chance: &mut Stream, luminaires: u64) -> &'static str {
        let lamps = lamps(chance, luminaires);
        let step_s = 1 + chance.below(60 * MINUTE_MS as u64 / 1_000);
        let (there, back) = if chance.below(2) == 0 { ("", "-") } else { ("-", "") };
        self.add(self.from_s, "drift", &format!("{lamps}, step = \"{there}{step_s}s\""));
        self.add(self.from_s + self.lasts_s, "drift", &format!("{lamps}, step = \"{back}{step_s}s\""));
        "drift"
    }
}

/// Whose links: some luminaires', or one service's.
fn link(chance: &mut Stream, luminaires: u64) -> String {
    if chance.below(2) == 0 {
        return lamps(chance, luminaires);
    }
    format!("service = \"{}\"", one_of(chance, &SERVICES))
}

/// One luminaire, some, or all.
fn lamps(chance: &mut Stream, luminaires: u64) -> String {
    let first = 1 + chance.below(luminaires);
    let last = first + chance.below(luminaires - first + 1);
    match chance.below(4) {
        0 | 1 => format!("lamps = \"l-{first:04}\""),
        2 => format!("lamps = \"l-{first:04}..l-{last:04}\""),
        _ => "lamps = \"all\"".to_owned(),
    }
}

/// Somebody whom nothing is expected of when all is calm.
fn resident(chance: &mut Stream) -> String {
    format!("r-{:04}", 1 + chance.below(RESIDENTS - 2))
}

fn one_of<T: Copy>(chance: &mut Stream, among: &[T]) -> T {
    among[chance.below(among.len() as u64) as usize]
}
