//! A long time of a whole city, in short.

use city_tests::kitecity;

#[test]
fn hours_of_a_city_lose_nothing_and_its_memory_stays_flat() {
    let mut command = kitecity();
    command.args(["bench", "long", "--seconds", "24", "--luminaires", "100"]);
    let output = command.output().expect("the program");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("nothing was dropped, refused or left unanswered"), "{told}");
    let looks: Vec<Vec<f64>> = told.lines().filter_map(numbers).filter(|row| row.len() == 5).collect();
    assert_eq!(looks.len(), 12, "{told}");
    let [_, before_mib, _, before_messages, _] = looks[5][..] else { unreachable!("five columns") };
    let [hours, mib, _, messages, settlements] = looks[11][..] else { unreachable!("five columns") };
    assert!(hours >= 4.0 && messages > before_messages && settlements > 0.0, "{told}");
    assert!(mib < before_mib * 1.25, "{told}");
}

/// A line of numbers.
fn numbers(line: &str) -> Option<Vec<f64>> {
    line.split_whitespace().map(|word| word.parse().ok()).collect()
}
