//! `kitecity lamp dim`: luminaires of a city in another process, overridden from the command line.

use city_tests::City;
use serde_json::Value;

/// The settings of the city, which those who join it share.
const SETTINGS: [&str; 4] = ["--luminaires", "120", "--secret", "kite"];

fn dim(city: &City, arguments: &[&str]) -> (Option<i32>, String) {
    city.ask(&[&["lamp", "dim"], arguments, &SETTINGS[..]].concat())
}

#[test]
fn what_cannot_be_commanded_is_refused_and_a_group_obeys_with_one_command() {
    let city = City::start(&[&SETTINGS[..], &["--without", "residents"]].concat());
    for (arguments, code, words) in [
        (&["l-9999", "40"][..], 1, "l-9999: refused: no such luminaire in the register"),
        (&["district:atlantis", "40"], 1, "district:atlantis: refused: no such group in this city"),
        (&["l-12", "40"], 2, "is not an id like"),
        (&["all", "101"], 2, "is not 0 to 100"),
    ] {
        let (status, told) = dim(&city, arguments);
        assert_eq!(status, Some(code), "{told}");
        assert!(told.contains(words), "{arguments:?}: {told}");
    }

    assert_eq!(dim(&city, &["l-0007", "30"]), (Some(0), "l-0007: obeyed\n".to_owned()));
    let (status, told) = dim(&city, &["cabinet:c-0001", "45", "--json"]);
    assert_eq!(status, Some(0), "{told}");
    let reply: Value = serde_json::from_str(&told).expect("JSON");
    let report = &reply["finished"];
    assert_eq!(report["successful"], report["luminaires"], "{told}");
    // Nobody can be asked to wait for the day: this hardware keeps its light.
    let update = ["lamp", "firmware", "cabinet:c-0001", "1.1.0", "--keeps-light", "--bytes", "1000"];
    let (status, told) = city.ask(&[&update, &SETTINGS[..]].concat());
    assert_eq!(status, Some(0), "{told}");
    assert!(told.starts_with("cabinet:c-0001 to 1.1.0: finished: "), "{told}");
    city_tests::wait_for("the level of the group", || (city.actual("l-0001") == Some(45)).then_some(()));
}
