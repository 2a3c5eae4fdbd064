use super::*;

mod grid;

fn rules() -> Rules {
    let directory = Directory::from([
        (LuminaireId(1), "kuiwen".parse().unwrap()),
        (LuminaireId(2), "kuiwen".parse().unwrap()),
    ]);
    let cabinets = BTreeMap::from([(CabinetId(1), "kuiwen".parse().unwrap())]);
    Rules::new("demo".parse().unwrap(), Arc::new(directory)).with_cabinets(cabinets)
}

fn at(topic: &str) -> String {
    format!("kitecity/v1/demo/{topic}")
}

#[test]
fn a_device_is_kept_to_its_own_topics() {
    let (rules, me) = (rules(), Principal::Device(LuminaireId(1)));
    for topic in [
        "light/kuiwen/l-0002/up/state",
        "light/hanting/l-0001/up/state",
        "light/kuiwen/l-0001/down/cmd",
        "light/kuiwen/l-0001/up/state/x",
        "sim/clock",
        "rpc/lighting/s00/dim",
        "evt/lighting/alarm/s00/raised",
    ] {
        assert!(!rules.may_publish(me, &at(topic)), "{topic}");
        assert!(!rules.may_will(me, &at(topic)), "{topic}");
    }
    assert!(!rules.may_publish(me, "kitecity/v1/other/light/kuiwen/l-0001/up/state"));
    assert!(!rules.may_will(me, &at("light/kuiwen/l-0001/up/state")));
    for filter in [
        "light/kuiwen/+/down/cmd",
        "light/kuiwen/l-0001/#",
        "light/kuiwen/l-0001/up/state",
        "#",
        "light/#",
        "light/kuiwen/l-0002/down/+",
        "+/kuiwen/l-0001/down/cmd",
    ] {
        assert!(!rules.may_subscribe(me, "l-0001", &at(filter), false), "{filter}");
    }
    assert!(!rules.may_subscribe(me, "l-0001", &at("light/kuiwen/l-0001/down/+"), true));
    assert!(!rules.may_subscribe(me, "l-0001", "#", false));
    assert!(!rules.may_connect(me, "l-0001", "l-0002"));
    assert!(!rules.may_connect(Principal::Device(LuminaireId(9)), "l-0009", "l-0009"));

    assert!(rules.may_connect(me, "l-0001", "l-0001"));
    assert!(rules.may_publish(me, &at("light/kuiwen/l-0001/up/state")));
    assert!(rules.may_will(me, &at("light/kuiwen/l-0001/status")));
    assert!(rules.may_subscribe(me, "l-0001", &at("light/kuiwen/l-0001/down/+"), false));
    assert!(rules.may_subscribe(me, "l-0001", &at("light/kuiwen/l-0001/down/cmd"), false));
}

#[test]
fn a_cabinet_is_kept_to_its_own_topics_not_to_those_of_its_luminaires() {
    let (rules, me) = (rules(), Principal::Cabinet(CabinetId(1)));
    for topic in [
        "light/kuiwen/c-0002/up/state",
        "light/kuiwen/l-0001/up/state",
        "light/kuiwen/c-0001/down/cmd",
        "light/hanting/c-0001/up/state",
        "evt/lighting/incident/s00/raised",
    ] {
        assert!(!rules.may_publish(me, &at(topic)), "{topic}");
        assert!(!rules.may_will(me, &at(topic)), "{topic}");
    }
    assert!(!rules.may_subscribe(me, "c-0001", &at("light/kuiwen/l-0001/down/+"), false));
    assert!(!rules.may_connect(me, "c-0001", "c-0002"));
    assert!(!rules.may_connect(Principal::Cabinet(CabinetId(2)), "c-0002", "c-0002"));

    assert_eq!(Principal::of("c-0001"), Some(me));
    assert!(rules.may_connect(me, "c-0001", "c-0001"));
    assert!(rules.may_publish(me, &at("light/kuiwen/c-0001/up/state")));
    assert!(rules.may_will(me, &at("light/kuiwen/c-0001/status")));
    assert!(rules.may_subscribe(me, "c-0001", &at("light/kuiwen/c-0001/down/cmd"), false));
}

#[test]
fn a_reader_asks_the_verifier_as_itself_and_hears_nothing_but_its_answers_and_the_keys() {
    let (rules, me) = (rules(), Principal::of("reader-bus").unwrap());
    for topic in [
        "rpc/issuer/s00/issue",
        "rpc/verifier/s00/holder",
        "rsp/svc-payer/x",
        "eid/keys",
        "evt/eid/code/s00/x",
        "eid/kiosk/museum/state",
        "eid/kiosk/bus",
        "eid/kiosk/bus/state/x",
    ] {
        assert!(!rules.may_publish(me, &at(topic)) && !rules.may_will(me, &at(topic)), "{topic}");
    }
    assert!(!rules.may_will(me, &at("rpc/verifier/s0f/verify")), "whoever is gone asks nothing");
    for filter in [
        "#",
        "rsp/#",
        "rsp/reader-museum/#",
        "evt/#",
        "eid/#",
        "eid/consent/+",
        "eid/kiosk/bus/state",
        "rpc/verifier/#",
    ] {
        assert!(!rules.may_subscribe(me, "reader-bus", &at(filter), false), "{filter}");
    }
    for client_id in ["reader-museum", "reader-bus-2", "reader-bus/2", "x"] {
        assert!(!rules.may_connect(me, "reader-bus", client_id), "{client_id}");
    }
    assert!(!rules.may_connect(Principal::Viewer, "viewer", "reader-bus"));
    assert!(!rules.may_subscribe(me, "reader-bus", &at("eid/keys"), true), "a group");

    assert!(rules.may_connect(me, "reader-bus", "reader-bus"));
    assert!(rules.may_publish(me, &at("rpc/verifier/s0f/verify")));
    assert!(rules.may_publish(me, &at("rpc/verifier/s0f/ask")));
    assert!(
        rules.may_publish(me, &at("eid/kiosk/bus/state")) && rules.may_will(me, &at("eid/kiosk/bus/state"))
    );
    assert!(rules.may_subscribe(me, "reader-bus", &at("rsp/reader-bus/#"), false));
    assert!(rules.may_subscribe(me, "reader-bus", &at("eid/keys"), false));
}

#[test]
fn only_the_issuer_publishes_keys_and_only_the_clock_the_time() {
    let rules = rules();
    for role in RoleName::ALL {
        let who = Principal::Service(role);
        assert_eq!(rules.may_publish(who, &at("eid/keys")), role == Issuer, "{role}");
        assert_eq!(rules.may_publish(who, &at("sim/clock")), role == Clock, "{role}");
    }
    for topic in ["eid/keys", "sim/clock"] {
        assert!(!rules.may_publish(Principal::Operator, &at(topic)));
    }
}

#[test]
fn a_service_reads_only_its_own_questions_and_answers() {
    let (rules, payer) = (rules(), Principal::Service(Payer));
    for filter in ["rpc/verifier/#", "rpc/#", "rsp/#", "rsp/svc-clinic/#", "light/#", "#"] {
        assert!(!rules.may_subscribe(payer, "svc-payer", &at(filter), false), "{filter}");
    }
    assert!(rules.may_subscribe(payer, "svc-payer", &at("rpc/payer/#"), true));
    assert!(rules.may_subscribe(payer, "svc-payer", &at("rsp/svc-payer/#"), false));
}

#[test]
fn a_viewer_publishes_nothing_and_sees_no_questions() {
    let rules = rules();
    assert!(!rules.may_publish(Principal::Viewer, &at("light/kuiwen/l-0001/down/cmd")));
    for filter in ["kitecity/#", "light/#", "rpc/#"] {
        assert!(!rules.may_subscribe(Principal::Viewer, "x", &at(filter), false), "{filter}");
    }
    assert!(!rules.may_subscribe(Principal::Viewer, "x", &at("light/+/+/up/state"), true));
    assert!(rules.may_subscribe(Principal::Viewer, "x", &at("light/+/+/up/state"), false));
    assert!(rules.may_subscribe(Principal::Operator, "x", "kitecity/#", false));
    assert!(!rules.may_subscribe(Principal::Operator, "x", "#", false));
    assert!(!rules.may_subscribe(Principal::Operator, "x", "$SYS/#", false));
}

#[test]
fn a_wrong_password_is_not_admitted() {
    let secret = Secret::from_words("kite");
    let good = secret.password_for("l-0001");
    for bad in ["", "x", &good[1..], &secret.password_for("l-0002"), &format!("{good}0")] {
        assert!(!secret.admits("l-0001", bad.as_bytes()), "{bad}");
    }
    assert!(secret.admits("l-0001", good.as_bytes()));
}

#[test]
fn each_topic_has_its_publishers_and_no_others() {
    let rules = rules();
    let check = |topic: &str, allowed: &[RoleName]| {
        let publishers: Vec<RoleName> = RoleName::ALL
            .into_iter()
            .filter(|role| rules.may_publish(Principal::Service(*role), &at(topic)))
            .collect();
        assert_eq!(publishers.len(), allowed.len(), "{topic}: {publishers:?}");
        assert!(allowed.iter().all(|role| publishers.contains(role)), "{topic}: {publishers:?}");
    };
    check("light/kuiwen/l-0001/down", &[]);
    check("light/kuiwen/l-0001/up/state/x", &[]);
    check("dlq", &[]);
    check("rpc/payer/s00", &[]);
    check("light/kuiwen/l-0001/up/state", &[Fleet, Iotda, Streetlights]);
    check("light/kuiwen/l-0001/status", &[Fleet, Iotda, Streetlights]);
    check("light/kuiwen/l-0001/down/cmd", &[Lighting, Scenario]);
    check("evt/lighting/l-0001/s00/alarm", &[Lighting]);
    check("evt/eid/x/s00/issued", &[Issuer, Verifier]);
    check("evt/medpay/x/s00/settled", &[Payer, Clinic]);
    check("evt/city/x/s00/walked", &[Residents]);
    check("sim/presence", &[Residents]);
    check("sim/fault/kuiwen/l-0001", &[Scenario, Console]);
    check("dlq/payer", &[Payer]);
    check("rpc/payer/s00/adjudicate", &RoleName::ALL);
    check("rsp/svc-payer/x", &RoleName::ALL);
}

#[test]
fn each_question_to_eid_has_its_askers_and_no_others() {
    let rules = with_devices();
    let check = |topic: &str, services: &[RoleName]| {
        for role in RoleName::ALL {
            let may = rules.may_publish(Principal::Service(role), &at(topic));
            assert_eq!(may, services.contains(&role), "{role} {topic}");
        }
        for who in [
            Principal::Device(LuminaireId(1)),
            Principal::Viewer,
            Principal::HomeAssistant,
            Principal::Outside(0),
        ] {
            assert!(
                !rules.may_publish(who, &at(topic)) && !rules.may_will(who, &at(topic)),
                "{who:?} {topic}"
            );
        }
        assert!(rules.may_publish(Principal::Operator, &at(topic)), "{topic}");
    };
    check("rpc/issuer/s00/manage", &[Console]);
    check("rpc/issuer/s00/own", &[Console]);
    check("rpc/verifier/s00/ask", &[Console]);
    check("rpc/verifier/s00/holder", &[Console]);
    check("rpc/issuer/s00/enrol", &[Console, Residents, Scenario]);
    check("rpc/issuer/s00/issue", &[Console, Residents, Scenario]);
    check("rpc/issuer/s00/credential", &[Console, Residents, Scenario]);
    check("rpc/verifier/s00/verify", &[Console, Payer, Scenario]);
    // A question that nobody has thought of yet.
    check("rpc/issuer/s00/export", &[]);
    check("rpc/verifier/s00", &[]);
    check("rpc/issuer/s00/manage/x", &[]);
}

/// By the topics on which `wire` puts them: a method that is renamed must not fall out of the table.
#[test]
fn every_question_of_eid_is_in_the_table() {
    use wire::{Message, Request, RequestBody as Body};
    let (resident, profile) = (types::ResidentId(1), eid::Profile::Anon);
    let (verifier, reference) = ("kiosk".parse().unwrap(), String::new());
    let code = eid::QrText(String::new());
    let demand = eid::Demand::default();
    let bodies = [
        Body::Enrol(eid::EnrolRequest { resident_no: String::new(), name: String::new() }),
        Body::Issue(eid::IssueRequest { resident, profile }),
        Body::Manage(eid::ManageRequest::TellKeys),
        Body::Own(eid::OwnRequest::Phones { resident }),
        Body::Holder(eid::HolderRequest::History { resident }),
        Body::Ask(eid::AskRequest::Ask { verifier, resident, profile }),
        Body::Verify(eid::VerifyRequest { code, verifier, reference, demand }),
    ];
    for body in bodies {
        let reply_to = types::ReplyTo { path: "x".into(), correlation: [0][..].into() };
        let (id, time) = (uuid::Uuid::nil(), Timestamp::from_millis(0));
        let request = Message::Request(Request { id, time, reply_to, body });
        let topic = wire::encode("demo".parse().unwrap(), &request).topic;
        let topic = topic.strip_prefix("kitecity/v1/demo/").unwrap();
        assert_eq!(EID_QUESTIONS.iter().filter(|(rule, _)| covers(rule, topic)).count(), 1, "{topic}");
    }
}

#[test]
fn a_wider_filter_is_not_covered() {
    for (rule, filter) in [
        ("a/+", "a/#"),
        ("a/b", "a/+"),
        ("a/+/c", "a/#"),
        ("a/+/c", "a/+/+"),
        ("a/b/#", "a/#"),
        ("a/b/#", "a/+/c"),
        ("a/b", "a"),
        ("a", "a/b"),
        ("a/#", "#"),
        ("a/#", "+/b"),
        ("a/#", "$SYS/#"),
    ] {
        assert!(!covers(rule, filter), "{rule} {filter}");
    }
    for (rule, filter) in
        [("a/#", "a"), ("a/#", "a/+/c/#"), ("a/+", "a/b"), ("a/+", "a/+"), ("a/+/c", "a/+/c")]
    {
        assert!(covers(rule, filter), "{rule} {filter}");
    }
}

#[test]
fn an_unknown_user_is_nobody() {
    for username in ["", "svc-", "svc-root", "l-1", "admin", "operator "] {
        assert_eq!(Principal::of(username), None, "{username}");
    }
}

/// The same city with a gateway `p_1` (l-0001) and `p_2` (l-0002) in its register.
fn with_devices() -> Rules {
    let device = |number: u32| wire::dialect::Device {
        dialect: Dialect::Iotda,
        lumens: None,
        id: format!("p_{number}"),
        secret: wire::dialect::DeviceSecret("12345678".to_owned()),
        lamp: Some(LuminaireId(number)),
        children: Vec::new(),
    };
    rules().with_devices(Arc::new(Register::new(vec![device(1), device(2)]).unwrap()))
}

#[test]
fn a_device_of_the_register_is_kept_to_its_own_topics() {
    let rules = with_devices();
    let me = rules.principal("p_1").unwrap();
    for topic in [
        "$oc/devices/p_2/sys/properties/report",
        "$oc/devices/p_1/sys/commands/request_id=1",
        "$oc/devices/p_1/sys/status",
        "$oc/devices/p_1",
        "kitecity/v1/demo/light/kuiwen/l-0001/up/state",
        "kitecity/v1/demo/sim/clock",
    ] {
        assert!(!rules.may_publish(me, topic), "{topic}");
        assert!(!rules.may_will(me, topic), "{topic}");
    }
    for filter in
        ["#", "$oc/#", "$oc/devices/+/sys/commands/#", "$oc/devices/p_2/sys/commands/#", "kitecity/#"]
    {
        assert!(!rules.may_subscribe(me, "p_1_0_0_2025041401", filter, false), "{filter}");
    }
    let own = "$oc/devices/p_1/sys/commands/#";
    assert!(!rules.may_subscribe(me, "p_1_0_0_2025041401", own, true));
    assert!(rules.may_subscribe(me, "p_1_0_0_2025041401", own, false));
    assert!(rules.may_publish(me, "$oc/devices/p_1/sys/properties/report"));
}

#[test]
fn nobody_else_speaks_for_a_device_or_takes_its_client_id() {
    let rules = with_devices();
    let topic = "$oc/devices/p_1/sys/properties/report";
    let others = RoleName::ALL.map(Principal::Service).into_iter();
    for who in others.chain([Principal::Operator, Principal::Viewer, Principal::Device(LuminaireId(1))]) {
        assert!(!rules.may_publish(who, topic), "{who:?}");
    }
    assert!(!rules.may_subscribe(Principal::Viewer, "x", "$oc/devices/+/sys/properties/report", false));
    assert!(!rules.may_connect(Principal::Viewer, "viewer", "p_1_0_0_2025041401"));
    assert!(!rules.may_connect(Principal::Viewer, "viewer", "p_1"));
    assert!(rules.may_connect(Principal::Viewer, "viewer", "p_9_0_0_2025041401"));
    let bridge = Principal::Service(Iotda);
    assert!(rules.may_publish(bridge, "$oc/devices/p_1/sys/commands/request_id=1"));
    assert!(!rules.may_publish(bridge, "$oc/devices/p_1/sys/status"));
    assert!(rules.may_subscribe(bridge, "svc-iotda", "$oc/devices/+/sys/status", false));
    assert!(!rules.may_subscribe(bridge, "svc-iotda", "$oc/#", false));
}

/// Rules of a city with a streetlight `s1` of the key `abcdefgh`, that shows one light to Home Assistant.
fn with_streetlight_and_light() -> Rules {
    let device = wire::dialect::Device {
        dialect: Dialect::Streetlights,
        id: "s1".to_owned(),
        secret: wire::dialect::DeviceSecret("abcdefgh".to_owned()),
        lamp: Some(LuminaireId(1)),
        children: Vec::new(),
        lumens: None,
    };
    let register = Arc::new(Register::new(vec![device]).unwrap());
    rules().with_devices(register).with_lights(["kitecity-demo-l-0001".to_owned()].into())
}

#[test]
fn a_streetlight_is_kept_to_its_own_topics() {
    let rules = with_streetlight_and_light();
    assert_eq!(rules.principal("s1"), None, "it logs in with its key");
    let lamp = rules.principal("abcdefgh").unwrap();
    let home = "smartylighting/streetlights/1/0";
    assert!(rules.admits_device(0, "s2", b"", Timestamp::default()).is_err());
    assert!(rules.admits_device(0, "s1", b"x", Timestamp::default()).is_err());
    assert!(rules.admits_device(0, "s1", b"", Timestamp::default()).is_ok());
    assert!(rules.may_connect(lamp, "abcdefgh", "s1") && !rules.may_connect(lamp, "abcdefgh", "l-0001"));
    assert!(!rules.may_connect(Principal::Operator, "operator", "s1"), "nobody takes its client id");
    for topic in ["event/s2/lighting/measured", "action/s1/dim", "event/s1/lighting"] {
        assert!(!rules.may_publish(lamp, &format!("{home}/{topic}")), "{topic}");
    }
    assert!(rules.may_publish(lamp, &format!("{home}/event/s1/lighting/measured")));
    for filter in ["#", "smartylighting/#", "smartylighting/streetlights/1/0/action/+/dim"] {
        assert!(!rules.may_subscribe(lamp, "s1", filter, false), "{filter}");
    }
    let own = format!("{home}/action/s1/turn/+");
    assert!(rules.may_subscribe(lamp, "s1", &own, false) && !rules.may_subscribe(lamp, "s1", &own, true));
    let bridge = Principal::Service(Streetlights);
    assert!(rules.may_publish(bridge, &format!("{home}/action/s1/dim")));
    assert!(!rules.may_publish(bridge, &format!("{home}/event/s1/lighting/measured")));
}

#[test]
fn home_assistant_commands_only_what_is_shown_to_it() {
    assert_eq!(rules().principal("homeassistant"), None, "there is none if nothing is shown");
    let rules = with_streetlight_and_light();
    let guest = rules.principal("homeassistant").unwrap();
    for topic in [
        "homeassistant/light/kitecity-demo-l-0002/set",
        "homeassistant/light/kitecity-demo-l-0001/state",
        "homeassistant/light/kitecity-demo-l-0001/config",
        "kitecity/v1/demo/light/kuiwen/l-0001/down/cmd",
    ] {
        assert!(!rules.may_publish(guest, topic), "{topic}");
    }
    assert!(rules.may_publish(guest, "homeassistant/light/kitecity-demo-l-0001/set"));
    assert!(rules.may_will(guest, "homeassistant/status"), "as it does by itself");
    for filter in ["#", "kitecity/#", "+/light/+/config"] {
        assert!(!rules.may_subscribe(guest, "ha", filter, false), "{filter}");
    }
    assert!(rules.may_subscribe(guest, "ha", "homeassistant/+/+/config", false));
    let bridge = Principal::Service(HomeAssistant);
    assert!(rules.may_publish(bridge, "homeassistant/light/kitecity-demo-l-0001/config"));
    assert!(!rules.may_publish(bridge, "homeassistant/light/kitecity-demo-l-0001/set"));
}
