//! What the embedded broker lets whom do, seen from clients.

use std::sync::atomic::Ordering;

use super::*;

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let broker = start_at(0, true);
    let mut options = user(&address_of(&broker), "svc-payer", &[]);
    options.credentials = Some(("svc-payer".to_owned(), secret().password_for("svc-clinic")));
    assert_eq!(Client::spawn(options).refused().await, "wrong user name or password");
    assert!(broker.counters().refused_connects.load(Ordering::Relaxed) >= 1);
}

#[tokio::test]
async fn a_client_without_user_name_is_refused_unless_the_broker_is_open() {
    for open in [false, true] {
        let broker = start_at(0, open);
        let mut options = user(&address_of(&broker), "guest", &["#"]);
        options.credentials = None;
        let mut guest = Client::spawn(options);
        if open {
            guest.until_connected().await;
        } else {
            guest.refused().await;
        }
    }
}

#[tokio::test]
async fn a_device_under_another_client_id_is_refused() {
    let broker = start_at(0, false);
    let mut options = user(&address_of(&broker), "l-0001", &[]);
    options.client_id = "l-0002".to_owned();
    Client::spawn(options).refused().await;
}

#[tokio::test]
async fn a_message_under_another_id_is_refused_counted_and_never_delivered() {
    let broker = start_at(0, false);
    let address = address_of(&broker);
    let mut lighting = Client::connected(user(&address, "svc-lighting", &["light/#"])).await;
    let lamp = Client::connected(user(&address, "l-0001", &[])).await;

    lamp.bus.publish(frame(&EVENT, "light/kuiwen/l-0002/up/alarm", "forged")).unwrap();
    lamp.bus.publish(frame(&TELEMETRY, "light/kuiwen/l-0002/up/tele", "forged")).unwrap();
    let counters = broker.counters();
    reaches("two refusals", 2, || counters.refused_publishes.load(Ordering::Relaxed)).await;
    reaches("the refusal at the client", 1, || lamp.bus.refused()).await;
    lamp.bus.publish(frame(&EVENT, "light/kuiwen/l-0001/up/alarm", "mine")).unwrap();

    assert_eq!(lighting.heard().await, ("light/kuiwen/l-0001/up/alarm".to_owned(), "mine".to_owned()));
    assert_eq!(counters.dropped.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_subscription_to_anothers_topics_is_refused() {
    let broker = start_at(0, false);
    let address = address_of(&broker);
    for (username, filter) in [
        ("l-0001", "light/kuiwen/l-0002/down/+"),
        ("l-0003", "light/kuiwen/+/down/cmd"),
        ("svc-payer", "rsp/svc-clinic/#"),
        ("viewer", "rpc/#"),
    ] {
        let reason = Client::spawn(user(&address, username, &[filter])).refused().await;
        assert!(reason.contains(filter), "{reason}");
    }
    assert!(broker.counters().refused_subscribes.load(Ordering::Relaxed) >= 4);
}

#[tokio::test]
async fn a_group_opens_nothing_and_what_is_retained_stays_with_those_who_may_hear_it() {
    let broker = start_at(0, false);
    let address = address_of(&broker);
    let lamp = Client::connected(user(&address, "l-0001", &[])).await;
    lamp.bus.publish(frame(&STATE, "light/kuiwen/l-0001/up/state", "kept")).unwrap();
    reaches("the message to be kept", 1, || lamp.bus.done()).await;
    for (username, filter) in [
        ("viewer", "$share/g/kitecity/v1/demo/light/+/+/up/state"),
        ("l-0002", "$share/g/kitecity/v1/demo/light/kuiwen/l-0001/up/state"),
        ("svc-payer", "$share/g/kitecity/v1/demo/light/#"),
        ("svc-payer", "kitecity/v1/demo/light/#"),
    ] {
        let mut options = user(&address, username, &[]);
        options.filters = vec![filter.to_owned()];
        // Its first event is the refusal: nothing was delivered before it.
        match Client::spawn(options).event().await {
            BusEvent::Refused { .. } => {}
            other => panic!("{username} {filter}: {other:?}"),
        }
    }
    let mut viewer = Client::spawn(user(&address, "viewer", &["light/+/+/up/state"]));
    assert_eq!(viewer.heard().await.1, "kept");
}

#[tokio::test]
async fn a_will_on_a_foreign_topic_is_refused_at_the_door() {
    let broker = start_at(0, true);
    let address = address_of(&broker);
    let mut lamp = user(&address, "l-0001", &[]);
    lamp.will = Some(frame(&STATE, "light/kuiwen/l-0002/status", "{}"));
    Client::spawn(lamp.clone()).refused().await;
    // Without a user name the broker would not even ask, if it were left to it.
    let mut guest = user(&address, "guest", &[]);
    guest.credentials = None;
    guest.will = Some(frame(&STATE, "sim/clock", "{}"));
    Client::spawn(guest).refused().await;

    lamp.will = Some(frame(&STATE, "light/kuiwen/l-0001/status", "{}"));
    Client::connected(lamp).await;
}

#[tokio::test]
async fn a_taken_port_becomes_the_next_free_one() {
    let first = start_at(0, false);
    let second = start_at(first.mqtt_addr().port(), false);
    assert!(second.mqtt_addr().port() > first.mqtt_addr().port());
    Client::connected(user(&address_of(&second), "svc-payer", &[])).await;
}

#[tokio::test]
async fn a_client_of_mqtt_3_1_1_is_served_and_ruled_alike() {
    let broker = start_at(0, false);
    let mut lamp =
        Client::connected(user(&address_of(&broker), "l-0001", &["light/kuiwen/l-0001/down/+"])).await;
    let mut options = rumqttc::MqttOptions::new("old", "127.0.0.1", broker.mqtt_addr().port());
    options.set_credentials("operator", secret().password_for("operator"));
    let (old, mut event_loop) = rumqttc::AsyncClient::new(options, 8);
    let polling = tokio::spawn(async move { while event_loop.poll().await.is_ok() {} });

    let qos = rumqttc::QoS::AtLeastOnce;
    old.publish(at("sim/clock"), qos, false, "forged").await.unwrap();
    old.publish(at("light/kuiwen/l-0001/down/cmd"), qos, false, "dim").await.unwrap();
    assert_eq!(lamp.heard().await, ("light/kuiwen/l-0001/down/cmd".to_owned(), "dim".to_owned()));
    assert_eq!(broker.counters().refused_publishes.load(Ordering::Relaxed), 1);
    polling.abort();
}

#[tokio::test]
async fn the_broker_starts_within_a_blink() {
    // The first start of a process also pays for loading.
    drop(start_at(0, false));
    let began = std::time::Instant::now();
    let broker = start_at(0, false);
    let took = began.elapsed();
    eprintln!("broker started in {took:?}");
    assert!(took < Duration::from_secs(3), "{took:?}");
    drop(broker);
}

#[tokio::test]
async fn a_client_that_is_cut_off_says_afterwards_what_it_had_to_say() {
    let broker = start_at(0, false);
    let address = address_of(&broker);
    let mut lighting = Client::connected(user(&address, "svc-lighting", &["light/#"])).await;
    let mut lamp = Client::connected(user(&address, "l-0001", &[])).await;
    let cuts = broker.inside().cuts;
    assert!(!cuts.cut("l-0002", Duration::ZERO).await, "nobody is there");

    assert!(cuts.cut("l-0001", Duration::from_millis(300)).await);
    lamp.bus.publish(frame(&EVENT, "light/kuiwen/l-0001/up/alarm", "meanwhile")).unwrap();
    lamp.until_connected().await;
    assert_eq!(lighting.heard().await, ("light/kuiwen/l-0001/up/alarm".to_owned(), "meanwhile".to_owned()));
}
