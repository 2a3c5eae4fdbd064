//! What orders do to a city of luminaires.

mod common;

use std::sync::LazyLock;

use common::{Script, empty_streets, evening};
use lighting::{DimLevel, DimRequest, Fault, Mode};
use scenario::{Cast, Clients, Direction, Disturbance, Effect, Luminaires, Order};
use sim::{KEEP_ALIVE_MS, Sim};
use types::{HOUR_MS, LuminaireId, MINUTE_MS, ReplyTo, Timestamp};
use wire::{EventBody, FaultOrder, Light, Message, Reply, ReplyBody, Request, RequestBody, RoleName};

const CUT: Effect =
    Effect { loss_ppm: 1_000_000, duplicate_ppm: 0, delay_min_ms: 0, delay_max_ms: 0, reorder: false };

fn lamps(first: u32, last: u32) -> Luminaires {
    Luminaires { first: LuminaireId(first), last: LuminaireId(last) }
}

fn disturb(first: u32, last: u32, direction: Direction, until: Timestamp, effect: Effect) -> Order {
    Order::Disturb(Disturbance { who: Clients::Luminaires(lamps(first, last)), direction, until, effect })
}

/// Runs `hours` of an evening in a city of 30 luminaires under orders, each given with its minute.
fn evening_with(hours: i64, orders: impl FnOnce(Timestamp) -> Vec<(i64, Order)>) -> (Sim, Timestamp, Script) {
    static CAST: LazyLock<Cast> = LazyLock::new(|| empty_streets(30));
    let (mut sim, start) = evening(&CAST);
    let orders = orders(start).into_iter().map(|(minute, order)| (minutes(start, minute), order));
    let mut script = Script::new(orders.collect());
    sim.run_until(start.plus_millis(hours * HOUR_MS), &mut script);
    (sim, start, script)
}

fn minutes(start: Timestamp, minutes: i64) -> Timestamp {
    start.plus_millis(minutes * MINUTE_MS)
}

fn dim(number: u128, luminaire: u32, percent: u8) -> Order {
    let level = DimLevel::from_percent(percent).ok();
    let body = RequestBody::Dim(DimRequest { luminaire: LuminaireId(luminaire), level, minutes: None });
    let reply_to = ReplyTo { path: "operator/1".into(), correlation: number.to_be_bytes().into() };
    let (id, time) = (uuid::Uuid::from_u128(number), Timestamp::default());
    Order::Send(Message::Request(Request { id, time, reply_to, body }))
}

fn lamp(luminaire: u32, order: FaultOrder) -> Order {
    Order::Send(Message::Fault { district: "x".parse().unwrap(), luminaire: LuminaireId(luminaire), order })
}

/// When the connection of a luminaire was said to be there or gone.
fn online(script: &Script, luminaire: u32) -> Vec<(Timestamp, bool)> {
    let all = script.of(luminaire).into_iter();
    all.filter_map(|(at, body)| if let Light::Online(online) = body { Some((at, online)) } else { None })
        .collect()
}

fn telemetry(script: &Script, luminaire: u32) -> Vec<(Timestamp, u32, u64)> {
    let all = script.of(luminaire).into_iter();
    all.filter_map(|(at, body)| match body {
        Light::Telemetry(report) => Some((at, report.stamp.seq, report.body.energy_mwh)),
        _ => None,
    })
    .collect()
}

#[test]
fn a_disturbance_that_does_nothing_changes_nothing() {
    let (calm, _, _) = evening_with(3, |_| vec![]);
    let (disturbed, _, _) = evening_with(3, |start| {
        vec![(5, disturb(1, 30, Direction::Both, minutes(start, 120), Effect::default()))]
    });
    assert_eq!(calm.digest(), disturbed.digest());
}

#[test]
fn what_is_lost_on_one_link_is_there_on_all_others() {
    let lossy = Effect { loss_ppm: 500_000, ..Effect::default() };
    let (_, _, calm) = evening_with(6, |_| vec![]);
    let (_, _, lossy) =
        evening_with(6, |start| vec![(0, disturb(3, 3, Direction::Up, minutes(start, 360), lossy))]);
    for luminaire in (1..=30).filter(|&luminaire| luminaire != 3) {
        assert_eq!(calm.of(luminaire), lossy.of(luminaire), "luminaire {luminaire}");
    }
    let (sent, arrived) = (telemetry(&calm, 3).len(), telemetry(&lossy, 3).len());
    assert!((sent / 4..sent * 3 / 4).contains(&arrived), "{arrived} of {sent}");
}

#[test]
fn a_message_that_comes_twice_is_seen_twice_and_counts_once() {
    let twice = Effect { duplicate_ppm: 1_000_000, ..Effect::default() };
    let (_, _, script) = evening_with(2, |start| {
        vec![(0, disturb(3, 3, Direction::Both, minutes(start, 120), twice)), (60, dim(1, 3, 40))]
    });
    let acks: Vec<_> = script.of(3).into_iter().filter(|(_, body)| matches!(body, Light::Ack(_))).collect();
    // The command came twice, and each acknowledgement did.
    assert_eq!(acks.len(), 4);
    use lighting::CommandStatus::{Delivered, Sent, Successful};
    assert_eq!(statuses(&script), [Sent, Delivered, Successful]);
}

fn statuses(script: &Script) -> Vec<lighting::CommandStatus> {
    let status = |(_, message): &(Timestamp, Message)| match message {
        Message::Reply(Reply { body: ReplyBody::Dim(report), .. }) => Some(report.status),
        _ => None,
    };
    script.heard.iter().filter_map(status).collect()
}

#[test]
fn late_messages_keep_their_order_unless_they_may_not() {
    let seqs = |reorder| {
        let late = Effect { delay_max_ms: 40 * MINUTE_MS as u32, reorder, ..Effect::default() };
        let (_, _, script) =
            evening_with(8, |start| vec![(0, disturb(3, 3, Direction::Up, minutes(start, 470), late))]);
        telemetry(&script, 3).into_iter().map(|(_, seq, _)| seq).collect::<Vec<_>>()
    };
    assert!(seqs(false).is_sorted());
    let mut shuffled = seqs(true);
    assert!(!shuffled.is_sorted());
    shuffled.sort_unstable();
    assert_eq!(shuffled, seqs(false));
}

#[test]
fn a_short_cut_is_not_noticed_by_the_broker() {
    let (_, _, script) = evening_with(1, |start| {
        let until = minutes(start, 5).plus_millis(KEEP_ALIVE_MS - 1);
        vec![(5, disturb(3, 3, Direction::Both, until, CUT))]
    });
    assert_eq!(online(&script, 3).iter().map(|(_, online)| *online).collect::<Vec<_>>(), [true]);
}

#[test]
fn a_luminaire_that_is_cut_off_for_long_has_its_will_published_and_comes_back() {
    let (_, start, script) =
        evening_with(2, |start| vec![(5, disturb(3, 3, Direction::Up, minutes(start, 95), CUT))]);
    let said = online(&script, 3);
    let [(_, true), (gone, false), (back, true)] = said[..] else { panic!("{said:?}") };
    assert_eq!(gone, minutes(start, 5).plus_millis(KEEP_ALIVE_MS));
    assert!((0..5_000).contains(&back.millis_since(minutes(start, 95))), "{back}");
    let between = |(at, _, _): &&(Timestamp, u32, u64)| (minutes(start, 5)..minutes(start, 95)).contains(at);
    assert_eq!(telemetry(&script, 3).iter().filter(between).count(), 0);
    // It kept its programme all the while: the sun has set.
    let state = script.of(3).into_iter().rev().find_map(|(_, body)| match body {
        Light::State(report) => Some(report.body),
        _ => None,
    });
    assert_eq!(state.map(|state| (state.actual, state.mode)), Some((DimLevel::FULL, Mode::Programme)));
    assert_eq!(online(&script, 4).len(), 1);
}

#[test]
fn two_cuts_in_a_row_are_one() {
    let (_, start, script) = evening_with(1, |start| {
        vec![
            (5, disturb(3, 3, Direction::Up, minutes(start, 6), CUT)),
            (5, disturb(3, 3, Direction::Down, minutes(start, 7), CUT)),
        ]
    });
    let said = online(&script, 3);
    assert_eq!(said[1], (minutes(start, 5).plus_millis(KEEP_ALIVE_MS), false), "{said:?}");
}

#[test]
fn while_the_broker_is_away_nothing_is_heard_and_then_everyone_is_back() {
    for (minutes_away, wills) in [(1, 0), (20, 30)] {
        let (_, start, script) = evening_with(1, |start| {
            vec![(5, Order::BrokerOutage { until: minutes(start, 5 + minutes_away) })]
        });
        let away = minutes(start, 5)..minutes(start, 5 + minutes_away);
        assert!(script.heard.iter().all(|(at, _)| !away.contains(at)));
        let all: Vec<(Timestamp, bool)> = (1..=30).flat_map(|lamp| online(&script, lamp)).collect();
        let back: Vec<_> = all.iter().filter(|(at, online)| *online && *at >= away.end).collect();
        assert_eq!(back.len(), 30);
        assert!(back.iter().all(|(at, _)| at.millis_since(away.end) < 5_000));
        assert!(back.iter().any(|(at, _)| *at != back[0].0), "all at one moment");
        assert_eq!(all.iter().filter(|(_, online)| !online).count(), wills);
        // The CMS is back, too, and knows who is there: it hands out programmes anew.
        let programmes = script.heard.iter().filter(|(at, message)| {
            *at >= away.end && matches!(message, Message::Light { body: Light::Programme(_), .. })
        });
        assert!(programmes.count() >= 30);
    }
}

#[test]
fn a_crashed_role_is_silent_and_what_it_was_sent_is_lost() {
    let (_, start, script) = evening_with(2, |start| {
        vec![
            (60, Order::Crash { role: RoleName::Lighting, until: minutes(start, 70) }),
            (65, dim(1, 3, 40)),
            (75, dim(2, 4, 40)),
        ]
    });
    let commands: Vec<(Timestamp, LuminaireId)> = script
        .heard
        .iter()
        .filter_map(|(at, message)| match message {
            Message::Light { luminaire, body: Light::Command(_), .. } => Some((*at, *luminaire)),
            _ => None,
        })
        .collect();
    assert_eq!(commands.len(), 1, "{commands:?}");
    assert_eq!(commands[0].1, LuminaireId(4));
    assert!(commands[0].0 >= minutes(start, 75));
}

#[test]
fn a_role_that_crashed_goes_on_as_if_it_had_not() {
    // An override is given, a lamp breaks, and both are still known after the crash: the repeated request gets the
    // answer of the first, and the repair ends the alarm.
    let night = |crash: bool| {
        evening_with(3, |start| {
            let mut orders = vec![(60, dim(1, 3, 40)), (61, lamp(5, FaultOrder::Break(Fault::LampOpen)))];
            if crash {
                let until = minutes(start, 65).plus_millis(500);
                orders.push((65, Order::Crash { role: RoleName::Lighting, until }));
            }
            orders.extend([(75, dim(1, 3, 40)), (76, dim(2, 4, 10)), (77, lamp(5, FaultOrder::Repair))]);
            orders
        })
    };
    let said = |script: &Script| {
        let answers = |(at, message): &(Timestamp, Message)| match message {
            Message::Reply(_) | Message::Event(_) => Some((*at, message.clone())),
            Message::Light { body: Light::Command(_) | Light::Ack(_), .. } => Some((*at, message.clone())),
            _ => None,
        };
        script.heard.iter().filter_map(answers).collect::<Vec<_>>()
    };
    let ((_, _, calm), (_, _, crashed)) = (night(false), night(true));
    assert_eq!(said(&calm), said(&crashed));
    let alarms = said(&calm).into_iter().filter(
        |(_, message)| matches!(message, Message::Event(event) if matches!(event.body, EventBody::Alarm(_))),
    );
    assert_eq!(alarms.count(), 2);
}

/// When a luminaire began to give light.
fn lit_at(script: &Script, luminaire: u32) -> Timestamp {
    let lit = |body: &Light| matches!(body, Light::State(report) if report.body.target > DimLevel::OFF);
    script.of(luminaire).into_iter().find(|(_, body)| lit(body)).expect("it is lit").0
}

#[test]
fn a_clock_that_is_set_forward_brings_dusk_forward_for_its_luminaire_only() {
    let (_, _, calm) = evening_with(3, |_| vec![]);
    for step_ms in [10 * MINUTE_MS, -10 * MINUTE_MS] {
        let (_, _, wrong) =
            evening_with(3, |_| vec![(5, Order::Drift { who: lamps(3, 3), ppm: 0, step_ms })]);
        assert_eq!(lit_at(&calm, 3).millis_since(lit_at(&wrong, 3)), step_ms);
        assert_eq!(calm.of(4), wrong.of(4));
    }
}

#[test]
fn a_fast_clock_drifts_away() {
    let (_, start, calm) = evening_with(3, |_| vec![]);
    let (_, _, fast) =
        evening_with(3, |_| vec![(0, Order::Drift { who: lamps(3, 3), ppm: 100_000, step_ms: 0 })]);
    let (calm, fast) = (lit_at(&calm, 3).millis_since(start), lit_at(&fast, 3).millis_since(start));
    assert!((0..=1).contains(&(fast - calm * 1_000_000 / 1_100_000)), "{calm} {fast}");
}

#[test]
fn the_same_faults_give_the_same_night() {
    let night = || {
        let effect = Effect {
            loss_ppm: 100_000,
            duplicate_ppm: 50_000,
            delay_min_ms: 5,
            delay_max_ms: 900,
            reorder: true,
        };
        let (sim, _, _) = evening_with(3, |start| {
            vec![
                (1, disturb(1, 30, Direction::Both, minutes(start, 100), effect)),
                (40, Order::BrokerOutage { until: minutes(start, 42) }),
                (50, Order::Crash { role: RoleName::Lighting, until: minutes(start, 51) }),
                (60, Order::Drift { who: lamps(1, 9), ppm: -500, step_ms: 1_000 }),
            ]
        });
        (sim.digest(), sim.events(), sim.messages())
    };
    assert_eq!(night(), night());
}
