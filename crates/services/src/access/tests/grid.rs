//! The whole of the rules, as a text that shows in a diff what a change opens or closes.
//!
//! `grid.txt` lists for every topic and filter who may do what; who is not listed is refused. It is made from the tables
//! of topics and of roles, so that nothing is left out. `KITECITY_BLESS=1 cargo test -p services grid` writes it anew.

use std::fmt::Write as _;

use wire::CHANNELS;

use super::*;

const GRID: &str = include_str!("grid.txt");

/// Rules of a city with a guest of every kind.
fn with_everyone() -> Rules {
    let device = |dialect, id: &str, secret: &str, lamp| Device {
        dialect,
        lumens: None,
        id: id.to_owned(),
        secret: wire::dialect::DeviceSecret(secret.to_owned()),
        lamp: Some(LuminaireId(lamp)),
        children: Vec::new(),
    };
    let devices = vec![
        device(Dialect::Iotda, "p_1", "12345678", 1),
        device(Dialect::Streetlights, "s1", "abcdefgh", 2),
    ];
    rules()
        .with_devices(Arc::new(Register::new(devices).unwrap()))
        .with_lights(["kitecity-demo-l-0001".to_owned()].into())
}

/// Everyone, by the name in the grid, with the client id each comes with.
fn everyone(rules: &Rules) -> Vec<(String, Principal, String)> {
    let services = RoleName::ALL.map(|role| (role.to_string(), Principal::Service(role), role.client_id()));
    let others = [
        ("operator", "operator", "operator-1"),
        ("viewer", "viewer", "viewer-1"),
        ("l-0001", "l-0001", "l-0001"),
        ("c-0001", "c-0001", "c-0001"),
        ("p_1", "p_1", "p_1_0_0_2025041401"),
        ("s1", "abcdefgh", "s1"),
        ("homeassistant", "homeassistant", "ha"),
        ("reader-bus", "reader-bus", "reader-bus"),
    ];
    let others = others
        .map(|(name, user, client)| (name.to_owned(), rules.principal(user).unwrap(), client.to_owned()));
    services.into_iter().chain(others).collect()
}

/// The topics of the table, each parameter replaced by what makes a difference to somebody.
fn topics() -> Vec<String> {
    let roles: Vec<&str> = RoleName::ALL.iter().map(|role| role.as_str()).collect();
    let methods: BTreeSet<&str> =
        EID_QUESTIONS.iter().filter_map(|(rule, _)| rule.rsplit('/').next()).chain(["other"]).collect();
    let values = |address: &str, parameter: &str| -> Vec<String> {
        let domains = ["lighting", "eid", "medpay", "city", "scenario", "other"];
        let callers = ["svc-payer", "svc-console", "operator-1", "l-0001"];
        let all = match parameter {
            "district" => &["kuiwen", "hanting"][..],
            "luminaire" => &["l-0001", "l-0002"],
            "cabinet" => &["c-0001", "c-0002"],
            "service" if address.starts_with("evt/") => &domains,
            "service" | "consumer" => &roles,
            "method" => return methods.iter().map(|method| (*method).to_owned()).collect(),
            "caller" => &callers,
            "aggregate" | "event" => &["x"],
            "resident" => &["r-0001"],
            "reader" => &["bus", "museum"],
            "shard" => &["s00"],
            other => panic!("the grid knows no values of {{{other}}} in {address}"),
        };
        all.iter().map(|value| (*value).to_owned()).collect()
    };
    let filled = CHANNELS.iter().flat_map(|channel| {
        let mut open = vec![channel.address.to_owned()];
        while let Some(parameter) = parameter_of(&open[0]) {
            let values = values(channel.address, &parameter);
            let name = format!("{{{parameter}}}");
            open =
                open.iter().flat_map(|text| values.iter().map(|value| text.replace(&name, value))).collect();
        }
        open
    });
    filled.map(|topic| at(&topic)).collect()
}

fn parameter_of(address: &str) -> Option<String> {
    let (_, rest) = address.split_once('{')?;
    Some(rest.split_once('}')?.0.to_owned())
}

/// Topics outside the table: of other protocols, of other cities, and of nobody.
const FOREIGN: &[&str] = &[
    "$oc/devices/p_1/sys/properties/report",
    "$oc/devices/p_1/sys/commands/request_id=1",
    "$oc/devices/p_1/sys/status",
    "$oc/devices/p_2/sys/properties/report",
    "smartylighting/streetlights/1/0/event/s1/lighting/measured",
    "smartylighting/streetlights/1/0/event/s2/lighting/measured",
    "smartylighting/streetlights/1/0/action/s1/dim",
    "homeassistant/light/kitecity-demo-l-0001/set",
    "homeassistant/light/kitecity-demo-l-0002/set",
    "homeassistant/light/kitecity-demo-l-0001/state",
    "homeassistant/status",
    "kitecity/v1/other/sim/clock",
    "kitecity/v1/demo/nowhere",
    "kitecity/v2/demo/sim/clock",
    "$SYS/brokers",
    "nowhere",
];

/// Filters with wildcards, from the widest to what services need.
fn filters() -> Vec<String> {
    let foreign = ["#", "+/#", "kitecity/#", "kitecity/+/demo/#", "kitecity/v1/other/#", "$SYS/#", "$oc/#"];
    let more =
        ["$oc/devices/+/sys/status", "smartylighting/#", "homeassistant/#", "homeassistant/+/+/config"];
    let own = [
        "#",
        "+/#",
        "light/#",
        "light/+/+/up/state",
        "light/+/+/up/+",
        "light/+/+/status",
        "light/+/+/down/+",
        "light/kuiwen/l-0001/#",
        "light/kuiwen/l-0001/down/+",
        "light/kuiwen/+/down/cmd",
        "light/kuiwen/c-0001/down/+",
        "evt/#",
        "evt/eid/#",
        "rpc/#",
        "rpc/+/+/verify",
        "rsp/#",
        "rsp/+/1",
        "rsp/svc-payer/#",
        "eid/#",
        "sim/#",
        "sim/fault/#",
        "dlq/#",
    ];
    let questions = RoleName::ALL.map(|role| at(&format!("rpc/{role}/#")));
    let foreign = foreign.into_iter().chain(more).map(str::to_owned);
    foreign.chain(own.map(at)).chain(questions).collect()
}

fn grid() -> String {
    let rules = with_everyone();
    let everyone = everyone(&rules);
    let mut grid = String::from(
        "Who may do what on the bus: made by access/tests/grid.rs. Who is not named is refused.\n\n",
    );
    let line = |what: &str, may: &dyn Fn(Principal, &str) -> bool| {
        let names = everyone.iter().filter(|(_, who, client)| may(*who, client)).map(|(name, ..)| &name[..]);
        let names: Vec<&str> = names.collect();
        if names.is_empty() { String::new() } else { format!("    {what:9} {}\n", names.join(" ")) }
    };
    for topic in topics().iter().map(String::as_str).chain(FOREIGN.iter().copied()) {
        let lines = [
            line("publish", &|who, _| rules.may_publish(who, topic)),
            line("will", &|who, _| rules.may_will(who, topic)),
            line("subscribe", &|who, client| rules.may_subscribe(who, client, topic, false)),
            line("share", &|who, client| rules.may_subscribe(who, client, topic, true)),
        ];
        let _ = writeln!(grid, "{topic}\n{}", lines.concat());
    }
    for filter in filters() {
        let lines = [
            line("subscribe", &|who, client| rules.may_subscribe(who, client, &filter, false)),
            line("share", &|who, client| rules.may_subscribe(who, client, &filter, true)),
        ];
        let _ = writeln!(grid, "{filter}\n{}", lines.concat());
    }
    grid
}

#[test]
fn everyone_may_do_on_every_topic_what_the_grid_says_and_nothing_else() {
    let grid = grid();
    if std::env::var_os("KITECITY_BLESS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/access/tests/grid.txt"), &grid).unwrap();
        return;
    }
    let differing: Vec<_> =
        grid.lines().zip(GRID.lines()).filter(|(now, then)| now != then).take(5).collect();
    assert!(
        grid == GRID,
        "the rules are not those of grid.txt (now, then): {differing:#?}\nif that is meant, write it anew with \
         `KITECITY_BLESS=1 cargo test -p services grid`, and read its diff"
    );
}

#[test]
fn a_subscription_never_lets_more_in_than_its_topics_do() {
    let rules = with_everyone();
    let topics = topics();
    for (name, who, client) in everyone(&rules) {
        for filter in filters().iter().filter(|filter| rules.may_subscribe(who, &client, filter, false)) {
            for topic in topics.iter().filter(|topic| filter_matches(filter, topic)) {
                assert!(rules.may_subscribe(who, &client, topic, false), "{name}: {filter} lets in {topic}");
            }
        }
    }
}

/// MQTT 5.0, 3.3.2.1: there is no wildcard in a topic to publish on.
#[test]
fn nobody_publishes_or_leaves_a_will_with_wildcards() {
    let rules = with_everyone();
    for (name, who, _) in everyone(&rules) {
        for topic in filters().iter().filter(|filter| filter.contains(['#', '+'])) {
            assert!(!rules.may_publish(who, topic) && !rules.may_will(who, topic), "{name} {topic}");
        }
    }
}
