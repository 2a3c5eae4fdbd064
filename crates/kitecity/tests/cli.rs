//! The command line: what is refused, with which exit code and words.

use std::process::{Command, Output};

fn kitecity(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kitecity")).args(arguments).output().expect("the binary runs")
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn an_unknown_key_in_the_settings_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("city.toml");
    let text = include_str!("../../../config/city.toml").replace("residents =", "residnets =");
    std::fs::write(&file, text).unwrap();
    let output = kitecity(&["--config", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let errors = words(&output.stderr);
    assert!(errors.contains("city.toml, line 9") && errors.contains("did you mean `residents`?"), "{errors}");
}

#[test]
fn a_number_no_city_can_have_is_refused() {
    for arguments in [["--luminaires", "0"], ["--speed", "0"], ["--luminaires", "200001"]] {
        let output = kitecity(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(words(&output.stderr).contains(&arguments[0][2..]), "{}", words(&output.stderr));
    }
}

#[test]
fn an_unknown_role_or_broker_address_is_refused() {
    for arguments in [&["serve", "lamps"][..], &["--broker", "127.0.0.1:1883"]] {
        assert_eq!(kitecity(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn the_asyncapi_document_is_json_on_stdout() {
    let output = kitecity(&["schema", "asyncapi"]);
    assert!(output.status.success());
    let text = words(&output.stdout);
    assert!(text.starts_with('{') && text.contains("\"asyncapi\": \"3.0.0\""), "{text}");
}

#[test]
fn a_lighting_policy_that_cannot_be_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bright.toml");
    let text = include_str!("../../../config/lighting/always-100.toml").replacen("100", "101", 2);
    std::fs::write(&file, text).unwrap();
    let output = kitecity(&["lamp", "compare", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let errors = words(&output.stderr);
    assert!(errors.contains("bright.toml, line 5") && errors.contains("0 to 100"), "{errors}");
    let output = kitecity(&["lamp", "compare", "--date", "2026-02-30"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn policies_are_compared_over_the_same_city() {
    let output = kitecity(&["lamp", "compare", "--luminaires", "60", "--json"]);
    assert!(output.status.success());
    let lines: Vec<serde_json::Value> =
        words(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let energy = |line: &serde_json::Value| line["energy_kwh"].as_f64().unwrap();
    assert_eq!(lines.len(), 4);
    assert!(
        lines
            .iter()
            .all(|line| line["luminaires"] == 60 && energy(line) > line["oracle_kwh"].as_f64().unwrap())
    );
    assert!(energy(&lines[0]) > energy(&lines[1]));
}

#[test]
fn luminaires_without_a_position_and_swapped_ones_are_no_city() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.csv");
    let (list_text, lamps) = (list.to_str().unwrap(), folder.path().join("lamps.csv"));
    for (rows, remedy) in [("1,,\n", "--luminaires N"), ("1,119.1,36.7\n", "try --swap")] {
        std::fs::write(&list, format!("id,lat,lon\n{rows}")).unwrap();
        let output = kitecity(&["import", "lamps", list_text, "--out", lamps.to_str().unwrap()]);
        let (code, errors) = (output.status.code(), words(&output.stderr));
        assert!(
            code == Some(2) && errors.contains("no row is a luminaire") && errors.contains(remedy),
            "{errors}"
        );
        assert!(!lamps.exists());
    }
}

#[test]
fn a_list_in_chinese_becomes_a_lamps_file_that_is_exported_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (list, lamps) = (folder.path().join("list.csv"), folder.path().join("lamps.csv"));
    std::fs::write(
        &list,
        "编号,纬度,经度,功率(W)\nA1,36.07,120.38,150\nA2,36.0703,120.38,\nA2,36.1,120.38,\n",
    )
    .unwrap();
    let (list, lamps) = (list.to_str().unwrap(), lamps.to_str().unwrap());
    let imported = kitecity(&["import", "lamps", list, "--out", lamps]);
    let told = String::from_utf8(imported.stderr).unwrap();
    assert!(imported.status.success() && told.contains("line 4: id `A2` is that of row 3 already"), "{told}");
    let exported = kitecity(&["export", "lamps", "--lamps", lamps]);
    assert_eq!(String::from_utf8(exported.stdout).unwrap(), std::fs::read_to_string(lamps).unwrap());
}
