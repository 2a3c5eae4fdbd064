//! An honest fleet beside clients that mean harm, in short.

use std::collections::BTreeMap;
use std::process::{Output, Stdio};

use city_tests::kitecity;

fn bench(arguments: &[&str]) -> Output {
    let mut command = kitecity();
    command.args(["bench", "hostile"]).args(arguments);
    command.stderr(Stdio::piped()).output().expect("the binary runs")
}

#[test]
fn a_city_that_is_not_its_own_or_has_no_speed_is_refused() {
    for (arguments, words) in [
        (&["--broker", "mqtt://127.0.0.1:1"][..], "leave out --broker, --data and --speed"),
        (&["--speed", "60"], "leave out --broker, --data and --speed"),
        (&["--hours", "1000", "--seconds", "16"], "change --hours or --seconds"),
    ] {
        let output = bench(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(words), "{errors}");
    }
}

#[test]
fn honest_luminaires_lose_nothing_beside_every_kind_of_hostile_client() {
    let output = bench(&["--hours", "1", "--seconds", "20", "--luminaires", "60"]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    let rows: BTreeMap<&str, Vec<u64>> = told.lines().filter_map(row).collect();
    for part in ["calm", "hostile"] {
        let [commands, unanswered] = rows[part][..2] else { unreachable!("two counts") };
        assert!(commands > 0 && unanswered == 0, "{told}");
    }
    let kinds = [
        "silent",
        "half",
        "password",
        "will",
        "bomb",
        "eavesdrop",
        "foreign",
        "oversized",
        "flood",
        "retained",
        "garbage",
    ];
    for kind in kinds {
        let [tried, refused] = rows[kind][..2] else { unreachable!("two counts") };
        assert!(tried > 0 && refused > 0, "{kind}: {told}");
    }
    // Who reads nothing is refused nothing; what is kept for it has a bound.
    assert!(rows["deaf"][0] > 0, "{told}");
}

/// A line that begins with a word and two whole numbers.
fn row(line: &str) -> Option<(&str, Vec<u64>)> {
    let mut words = line.split_whitespace();
    let name = words.next()?;
    let counts: Vec<u64> = words.take(2).map_while(|word| word.parse().ok()).collect();
    (counts.len() == 2).then_some((name, counts))
}
