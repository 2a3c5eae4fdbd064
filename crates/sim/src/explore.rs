//! Looks for a night that no city should have: random deeds from a seed, and what must hold whatever they were.
//!
//! A case is a scenario file like any other. In its first hours things break, links fail and people go about; then all
//! is mended, and from then on the city must be whole again. One that fails is cut down to the troubles without
//! which it would not.

mod trouble;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use lighting::AstroTable;
use scenario::{Cast, RunOptions, Script, Verdict};
use types::Seed;

use self::trouble::Trouble;
use crate::Sim;

/// The year whose sun shines on all cases.
pub const YEAR: i32 = 2026;
/// After this, nobody disturbs anything any more.
const CALM: &str = "start + 4h20m";
/// By then the city must have become whole: to trust a meter again takes hours where many people walk by.
const WHOLE: &str = "start + 7h30m";
/// Troubles in one case, at most.
const TROUBLES_MAX: u64 = 14;

/// A night made from a seed.
#[derive(Clone, Debug)]
pub struct Case {
    seed: u64,
    date: String,
    luminaires: u64,
    troubles: Vec<Trouble>,
}

/// Where the residents of a case come from and go to.
const RESIDENTS: u64 = 40;
const CLINICS: u64 = 2;

impl Case {
    /// The case of a seed.
    pub fn of(seed: u64) -> Self {
        let mut chance = Seed(seed).stream("explore", 0);
        let luminaires = 20 + chance.below(60);
        let date = format!("{YEAR}-{:02}-{:02}", 1 + chance.below(12), 1 + chance.below(28));
        let count = 2 + chance.below(TROUBLES_MAX - 1);
        let troubles = (0..count).map(|_| Trouble::draw(&mut chance, luminaires)).collect();
        Self { seed, date, luminaires, troubles }
    }

    /// What it was made from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The deeds that its troubles begin with.
    pub fn troubles(&self) -> impl ExactSizeIterator<Item = &'static str> {
        self.troubles.iter().map(|trouble| trouble.kind)
    }

    /// Its scenario file.
    pub fn text(&self) -> String {
        let Self { seed, date, luminaires, troubles } = self;
        let mut text = format!(
            "# Found by `kitecity sim explore`, and cut down to what it takes.\n\n\
             [scenario]\nname = \"Explored: seed {seed}\"\ndate = \"{date}\"\nstart = \"sunset\"\nlength = \"7h45m\"\n\n\
             [city]\nseed = {seed}\nluminaires = {luminaires}\nresidents = {RESIDENTS}\nclinics = {CLINICS}\n"
        );
        for trouble in troubles {
            text.push_str(&trouble.steps);
        }
        text.push_str(&calm_steps());
        text.push_str(&expectations());
        text
    }

    /// Plays it under the sun of [`YEAR`].
    ///
    /// # Errors
    ///
    /// What is wrong with the file: a defect of this module.
    pub fn play(&self, policies: &medpay::Policies, sun: &Arc<AstroTable>) -> Result<Verdict, String> {
        let said = |error: &dyn std::fmt::Display| format!("seed {}: {error}\n{}", self.seed, self.text());
        let name = format!("explored-{}.toml", self.seed);
        let script = Script::parse(&name, &self.text(), &BTreeMap::new()).map_err(|error| said(&error))?;
        let spec = script.cast_spec(self.seed, policies.clone());
        let cast = Cast::under_sun(spec, sun.clone()).map_err(|error| said(&error))?;
        let mut play = script.play(&cast, &RunOptions::default()).map_err(|error| said(&error))?;
        let run = "virtual".parse().map_err(|error| said(&error))?;
        let mut sim = Sim::new(&cast, run, play.start()).map_err(|error| said(&error))?;
        sim.run_until(play.end(), &mut play);
        Ok(play.conclude())
    }

    /// The smallest case to be had from this one by leaving troubles out, of which `fails` is still true.
    ///
    /// Delta debugging: leaves out halves, then quarters, and so on down to single troubles, until none can be missed.
    pub fn shrink(&self, mut fails: impl FnMut(&Self) -> bool) -> Self {
        let mut smallest = self.clone();
        let mut size = smallest.troubles.len().div_ceil(2);
        while size > 0 {
            let mut from = 0;
            let mut shrunk = false;
            while from < smallest.troubles.len() {
                let mut fewer = smallest.clone();
                fewer.troubles.drain(from..(from + size).min(smallest.troubles.len()));
                if fails(&fewer) {
                    (smallest, shrunk) = (fewer, true);
                } else {
                    from += size;
                }
            }
            if !shrunk || size > 1 {
                size /= 2;
            }
        }
        smallest
    }
}

/// All is mended once more – who was told so while the bus was gone did not hear it – and people go about: it must work.
/// The lamps are tried dark and lit, as a repair crew does: what burnt when it should not is seen to be well in the dark.
fn calm_steps() -> String {
    let deeds = [
        ("4h21m", "repair", "lamps = \"all\""),
        ("4h21m", "reclose", trouble::CABINET),
        ("4h21m", "free", trouble::CABINET),
        ("4h21m", "close_door", trouble::CABINET),
        ("4h30m", "walk", "resident = \"r-0040\", to = \"h-0001\""),
        ("4h30m", "show", "resident = \"r-0039\", kiosk = \"bus\""),
        ("4h30m", "dim", "lamps = \"all\", level = 0, for = \"10m\""),
        ("4h45m", "dim", "lamps = \"all\", level = 35, for = \"10m\""),
    ];
    let mut steps = String::new();
    for (after, deed, what) in deeds {
        let _ = write!(steps, "\n[[timeline]]\nat = \"start + {after}\"\n{deed} = {{ {what} }}\n");
    }
    steps
}

fn expectations() -> String {
    let whole = [
        ("every lamp is there", "always", "share(lamps where online) == 1"),
        // Not always: a lamp that somebody walks by fades for two seconds.
        ("every lamp gives the light it should", "eventually", "share(lamps where actual == target) == 1"),
        ("no override is left over", "always", "count(lamps where mode == override) == 0"),
        ("no alarm is left over", "always", "count(lamps where alarms > 0) == 0"),
    ];
    let answered = [
        ("whoever pays is answered", "request.till", "reply.till", "1m"),
        ("whoever shows a code is answered", "request.verify", "reply.verify", "5s"),
        ("who is told to dim, says so", "lamp.command", "lamp.ack where command == after.command", "1m"),
    ];
    let mut text = String::new();
    for (name, form, condition) in whole {
        let _ =
            write!(text, "\n[[expect]]\nname = \"{name}\"\n{form} = \"{condition}\"\nfrom = \"{WHOLE}\"\n");
    }
    for (name, after, then, within) in answered {
        let _ = write!(
            text,
            "\n[[expect]]\nname = \"{name}\"\nafter = \"{after}\"\nthen = \"{then}\"\nwithin = \"{within}\"\nfrom = \"{CALM}\"\n"
        );
    }
    text.push_str("\n[[expect]]\nname = \"nobody says what nobody understands\"\nnever = \"dead_letter\"\n");
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_case_and_others_make_others() {
        assert_eq!(Case::of(7).text(), Case::of(7).text());
        assert_ne!(Case::of(7).text(), Case::of(8).text());
    }

    #[test]
    fn a_case_is_cut_down_to_the_troubles_that_it_takes() {
        let needed = ["broker_outage", "crash"];
        let fails = |case: &Case| needed.into_iter().all(|kind| case.troubles().any(|other| other == kind));
        let case = (0..).map(Case::of).find(|case| fails(case) && case.troubles().len() > 8).unwrap();
        let smallest = case.shrink(fails);
        assert_eq!(smallest.troubles().collect::<BTreeSet<_>>(), needed.into());
        assert_eq!(smallest.troubles().len(), 2);
    }

    #[test]
    fn a_case_that_fails_whatever_is_left_out_ends_without_troubles() {
        assert_eq!(Case::of(7).shrink(|_| true).troubles().len(), 0);
    }
}
