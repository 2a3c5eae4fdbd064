//! A firmware campaign in which nothing goes wrong, in a city in virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;

use scenario::{Cast, RunOptions, Script, Standing};
use sim::Sim;

const POLICY: &str = include_str!("../../../config/policies/demo.toml");

const SCENARIO: &str = r#"
[scenario]
name = "A firmware campaign without trouble"
date = "2026-11-20"
start = "09:00"
length = "10h"

[city]
luminaires = 200

[[timeline]]
at = "09:10"
update = { group = "all", version = "1.1.0", canary = 1, wave = 50, failed_max = 0 }

[[expect]]
name = "every luminaire is updated"
count = "reply.firmware where result == finished and luminaires == 200 and updated == 200"
exactly = 1

[[expect]]
name = "each is told once"
count = "lamp.firmware_order where action == install"
for_each = "lamp"
exactly = 1
none_else = true

[[expect]]
name = "after that they obey the sun as before"
eventually = "count(lamps where actual == 100) == 200"
from = "sunset"

[[expect]]
name = "nobody notices"
never = "alarm.raised"
"#;

#[test]
fn a_campaign_without_trouble_updates_everyone_once_and_the_night_is_as_ever() {
    let script = Script::parse("campaign", SCENARIO, &BTreeMap::new()).unwrap();
    let spec = script.cast_spec(script.seed(), toml::from_str(POLICY).unwrap());
    let sun = Arc::new(city::astro_table(script.year()).unwrap());
    let cast = Cast::under_sun(spec, sun).unwrap();
    let mut play = script.play(&cast, &RunOptions::default()).unwrap();
    let (start, end) = (play.start(), play.end());
    let mut sim = Sim::new(&cast, "virtual".parse().unwrap(), start).unwrap();
    sim.run_until(end, &mut play);
    let verdict = play.conclude();
    assert_eq!(verdict.standing(), Standing::Passed, "{verdict:#?}");
}
