//! The table: every topic of the city, how it travels, who speaks and who listens on it.

use crate::{Topic, cloud_event};

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its name in the documents.
    pub name: &'static str,
    /// The topic below `kitecity/v1/{run}/`, with parameters in braces.
    pub address: &'static str,
    /// What travels on it.
    pub summary: &'static str,
    /// Who publishes.
    pub sender: &'static str,
    /// Whether it travels at QoS 1 (else 0).
    pub at_least_once: bool,
    /// Whether the broker keeps the last one.
    pub retain: bool,
    /// After how long it is worthless \[s\].
    pub expiry_s: Option<u32>,
    /// The media type of the payload.
    pub content_type: &'static str,
    /// A payload.
    pub example: &'static str,
    /// Payloads of other forms.
    pub more_examples: &'static [&'static str],
}

const JSON: &str = "application/json";

/// A row of device traffic at QoS 1.
const fn device(
    name: &'static str,
    address: &'static str,
    sender: &'static str,
    summary: &'static str,
    example: &'static str,
) -> Channel {
    let (at_least_once, retain, expiry_s) = (true, false, None);
    let (content_type, more_examples) = (JSON, &[]);
    Channel {
        name,
        address,
        summary,
        sender,
        at_least_once,
        retain,
        expiry_s,
        content_type,
        example,
        more_examples,
    }
}

/// The same, and the broker keeps the last one.
const fn retained(channel: Channel) -> Channel {
    Channel { retain: true, ..channel }
}

/// The same, but worthless after a while.
const fn expiring(channel: Channel, seconds: u32) -> Channel {
    Channel { expiry_s: Some(seconds), ..channel }
}

/// The same, and losing one does no harm.
const fn lossy(channel: Channel) -> Channel {
    Channel { at_least_once: false, ..channel }
}

/// The same, with payloads of other forms.
const fn with_examples(channel: Channel, more_examples: &'static [&'static str]) -> Channel {
    Channel { more_examples, ..channel }
}

/// The same, in a CloudEvents envelope.
const fn event(channel: Channel) -> Channel {
    Channel { content_type: cloud_event::CONTENT_TYPE, ..channel }
}

/// All topics of the city.
pub const CHANNELS: &[Channel] = &[
    retained(device(
        "lightState",
        "light/{district}/{luminaire}/up/state",
        "luminaire",
        "The three levels of a luminaire: target, in effect, actual.",
        r#"{"v":1,"seq":7,"epoch":1,"ts":1776510000000,"d":{"target":100,"in_effect":100,"actual":100,"mode":"programme"}}"#,
    )),
    lossy(expiring(
        device(
            "lightTelemetry",
            "light/{district}/{luminaire}/up/tele",
            "luminaire",
            "Electrical readings of a luminaire.",
            r#"{"v":1,"seq":8,"epoch":1,"ts":1776510000000,"d":{"power_mw":60000,"voltage_mv":230000,"energy_mwh":1250,"burning_s":75,"switch_count":1,"in_effect":100,"current_ma":269,"power_factor_pm":970,"flux_lm":8400}}"#,
        ),
        60,
    )),
    expiring(
        device(
            "lightAck",
            "light/{district}/{luminaire}/up/ack",
            "luminaire",
            "A command was obeyed (`done`), had come too late (`expired`), or was refused (`failed`, with a `reason`).",
            r#"{"v":1,"seq":9,"epoch":1,"ts":1776510000000,"d":{"command":"x1","result":"done"}}"#,
        ),
        300,
    ),
    retained(device(
        "lightStatus",
        "light/{district}/{luminaire}/status",
        "luminaire",
        "Connected or not; the will of the luminaire says not.",
        r#"{"v":1,"d":{"online":true}}"#,
    )),
    expiring(
        device(
            "lightCommand",
            "light/{district}/{luminaire}/down/cmd",
            "lighting",
            "Hold a dim level [%] until a moment of the city's clock, or go back to the programme (`null`).",
            r#"{"v":1,"id":"x1","d":{"level":40}}"#,
        ),
        60,
    ),
    retained(device(
        "lightProgramme",
        "light/{district}/{luminaire}/down/cfg",
        "lighting",
        "When to give how much light, every day.",
        r#"{"v":1,"d":{"version":1,"steps":[{"at":{"sunset":0},"level":100},{"at":{"clock":1320},"level":60},{"at":{"sunrise":0},"level":0}]}}"#,
    )),
    retained(device(
        "lightFirmware",
        "light/{district}/{luminaire}/up/fw",
        "luminaire",
        "What firmware a luminaire runs and how far an update is; results are those of `$ota` in Huawei IoTDA. One that was never updated says nothing.",
        r#"{"v":1,"seq":10,"epoch":2,"ts":1776510000000,"d":{"version":"1.1.0","phase":"idle","order":"f1","result":0}}"#,
    )),
    expiring(
        device(
            "lightFirmwareOrder",
            "light/{district}/{luminaire}/down/fw",
            "lighting",
            "Install a firmware image, or go back to the firmware before (`\"roll_back\"`).",
            r#"{"v":1,"id":"f1","d":{"install":{"version":"1.1.0","bytes":262144,"goes_dark":true}}}"#,
        ),
        60,
    ),
    retained(device(
        "lightAlarms",
        "light/{district}/{luminaire}/alarms",
        "lighting",
        "Which alarms of a luminaire stand; an empty list when the last has ended. A luminaire that never had one has none.",
        r#"{"v":1,"d":{"standing":["lamp_failure","complaint"]}}"#,
    )),
    retained(device(
        "cabinetState",
        "light/{district}/{cabinet}/up/state",
        "cabinet",
        "Contactors, breakers and door of a cabinet.",
        r#"{"v":1,"seq":3,"epoch":1,"ts":1776510000000,"d":{"circuits":[{"control":"auto","wanted":true,"closed":true,"tripped":["S"]},{"control":"off","wanted":false,"closed":false,"tripped":[]}],"door_open":false}}"#,
    )),
    lossy(expiring(
        device(
            "cabinetTelemetry",
            "light/{district}/{cabinet}/up/tele",
            "cabinet",
            "A cabinet's three-phase meter: R, S, T.",
            r#"{"v":1,"seq":4,"epoch":1,"ts":1776510000000,"d":{"phases":[{"power_mw":1940000,"voltage_mv":220000,"current_ma":9090,"power_factor_permille":970},{"power_mw":0,"voltage_mv":220000,"current_ma":0,"power_factor_permille":1000},{"power_mw":900000,"voltage_mv":220000,"current_ma":4545,"power_factor_permille":900}],"energy_mwh":1250000}}"#,
        ),
        60,
    )),
    expiring(
        device(
            "cabinetAck",
            "light/{district}/{cabinet}/up/ack",
            "cabinet",
            "A command was obeyed, or had expired.",
            r#"{"v":1,"seq":5,"epoch":1,"ts":1776510000000,"d":{"command":"x2","result":"done"}}"#,
        ),
        300,
    ),
    retained(device(
        "cabinetStatus",
        "light/{district}/{cabinet}/status",
        "cabinet",
        "Connected or not; the will of the cabinet says not.",
        r#"{"v":1,"d":{"online":true}}"#,
    )),
    expiring(
        device(
            "cabinetCommand",
            "light/{district}/{cabinet}/down/cmd",
            "operator, scenario",
            "Hold the contactor of a circuit `on` or `off` until a moment of the city's clock, or leave it to the cabinet (`auto`).",
            r#"{"v":1,"id":"x2","d":{"circuit":1,"control":"off"}}"#,
        ),
        60,
    ),
    event(with_examples(
        device(
            "event",
            "evt/{service}/{aggregate}/{shard}/{event}",
            "any service",
            "Something happened. Opaque ids only.",
            r#"{"specversion":"1.0","id":"019d9e2c-5b80-7000-8000-000000000001","source":"/kitecity/lighting","type":"city.kite.lighting.alarm.raised.v1","subject":"l-0412","time":"2026-04-18T11:00:00.000Z","data":{"luminaire":"l-0412","kind":"lamp_failure","change":"raised"}}"#,
        ),
        &[
            r#"{"specversion":"1.0","id":"019d9e2c-5b80-7000-8000-000000000011","source":"/kitecity/medpay","type":"city.kite.medpay.account.debited.v1","subject":"r-0042","time":"2026-04-18T11:00:00.000Z","data":{"beneficiary":"r-0042","account":"own","amount":5000,"settlement":"019d9e2c-5b80-7000-8000-000000000010"}}"#,
            r#"{"specversion":"1.0","id":"019d9e2c-5b80-7000-8000-000000000012","source":"/kitecity/medpay","type":"city.kite.medpay.risk.flagged.v1","subject":"r-0042","time":"2026-04-18T11:00:00.000Z","data":{"beneficiary":"r-0042","bill":"019d9e2c-5b80-7000-8000-000000000020","rule":"daily"}}"#,
            r#"{"specversion":"1.0","id":"019d9e2c-5b80-7000-8000-000000000013","source":"/kitecity/medpay","type":"city.kite.medpay.recon.closed.v1","subject":"h-0001","time":"2026-04-18T11:00:00.000Z","data":{"provider":"h-0001","day":"2026-04-18","paid_out":87200}}"#,
            r#"{"specversion":"1.0","id":"019d9e2c-5b80-7000-8000-000000000014","source":"/kitecity/medpay","type":"city.kite.medpay.recon.diff.v1","subject":"h-0001","time":"2026-04-18T11:00:00.000Z","data":{"provider":"h-0001","day":"2026-04-18","difference":{"settlement":"019d9e2c-5b80-7000-8000-000000000010","refund":false,"class":"amount_diff","amount":100}}}"#,
        ],
    )),
    event(expiring(
        device(
            "request",
            "rpc/{service}/{shard}/{method}",
            "any client",
            "A question. The answer goes to the response topic (MQTT 5) or to `replyto`, below `rsp/`.",
            r#"{"specversion":"1.0","id":"019d9e2c-5b80-7000-8000-000000000002","source":"/kitecity/operator","type":"city.kite.lighting.dim.v1","time":"2026-04-18T11:00:00.000Z","replyto":"kitecity/v1/demo/rsp/operator/1","correlationid":"1","data":{"luminaire":"l-0412","level":40,"minutes":30}}"#,
        ),
        30,
    )),
    event(expiring(
        device(
            "reply",
            "rsp/{caller}",
            "the service asked",
            "An answer, with the correlation data of its question.",
            r#"{"specversion":"1.0","id":"019d9e2c-5b80-8000-8000-000000000003","source":"/kitecity/lighting","type":"city.kite.lighting.dim.reply.v1","time":"2026-04-18T11:00:00.100Z","correlationid":"1","data":{"command":"c-1","luminaire":"l-0412","status":"sent"}}"#,
        ),
        30,
    )),
    retained(device(
        "eidKeys",
        "eid/keys",
        "issuer",
        "The keys to verify e-ID codes with, in all states of their lives, and the status list of cards; signed by the root key.",
        r#"{"v":1,"d":{"version":1776510000,"issued":1776510000000,"keys":[{"kid":"cbf65c8afcb5f690","alg":"EdDSA","key":"ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c","state":"active"},{"kid":"7587d6cfa1fc8b7e","alg":"EdDSA","key":"271bd290f1a2c25036f27ce339787f93b31c0a936ed1e919a319936eb7cddfae","state":"next"}],"signature":"33bfdb97902033885dc9054019d9f3a80a84131d7b6d142c448661a6d80be8605c59335b34d1519463ec5b3ba3abf601ca8a9fc2dd9b4ce39c23072c4cfe490a"}}"#,
    )),
    expiring(
        device(
            "eidConsent",
            "eid/consent/{resident}",
            "verifier",
            "A reader asks a resident for attributes: the phone asks its owner, and answers the request with a code that has it as its challenge.",
            r#"{"v":1,"d":{"request":"5d0b8f7c21aa9e34","resident":"r-0042","verifier":"clinic-counter","profile":"name","asked":1776510000000,"expires":1776510300000}}"#,
        ),
        300,
    ),
    retained(with_examples(
        device(
            "eidKiosk",
            "eid/kiosk/{reader}/state",
            "reader",
            "How a reader at a counter stands: what it runs, when the keys and the list of revoked cards that it has were signed, how many verdicts it has still to hand on. Its will says `offline`.",
            r#"{"v":1,"d":{"state":"online","software":"gate 2.1","keys_issued":1776510000000,"status_issued":1776510000000,"queued":0}}"#,
        ),
        &[r#"{"v":1,"d":{"state":"offline"}}"#],
    )),
    retained(device(
        "clock",
        "sim/clock",
        "clock",
        "How the city's clock runs.",
        r#"{"v":1,"d":{"city":1776510000000,"wall":1776510000000,"speed":60,"paused":false}}"#,
    )),
    lossy(device(
        "presence",
        "sim/presence",
        "residents",
        "Where people walk now, for the presence sensors of simulated luminaires.",
        r#"{"v":1,"d":[{"walk":3,"at":{"lat":36.71,"lon":119.16}}]}"#,
    )),
    device(
        "fault",
        "sim/fault/{district}/{luminaire}",
        "console, scenario, operator",
        "Break, repair or clean a simulated luminaire. A fault may have a severity: `brownout:190`.",
        r#"{"v":1,"d":{"break":"lamp_open"}}"#,
    ),
    device(
        "cabinetEvent",
        "sim/fault/{district}/{cabinet}",
        "scenario, operator",
        "Trip or reclose breakers of a simulated cabinet, jam or free a contactor, open or close the door.",
        r#"{"v":1,"d":{"trip":{"circuit":1,"phases":["R","S","T"]}}}"#,
    ),
    device(
        "deadLetter",
        "dlq/{consumer}",
        "any service",
        "A message that a consumer could not understand: where, which byte, why. Never its payload.",
        r#"{"v":1,"d":{"topic":"kitecity/v1/demo/light/kuiwen/l-0412/up/tele","offset":1,"reason":"expected value at line 1 column 2"}}"#,
    ),
];

impl Channel {
    /// The row of a whole topic, of whichever run; `None` for what belongs to none.
    pub fn of_topic(topic: &str) -> Option<&'static Self> {
        let (_, rest) = topic.strip_prefix("kitecity/v1/")?.split_once('/')?;
        Topic::parse(rest).as_ref().map(of)
    }
}

/// The row of a topic.
pub(crate) fn of(topic: &Topic) -> &'static Channel {
    let name = match topic {
        Topic::LightState(..) => "lightState",
        Topic::LightTelemetry(..) => "lightTelemetry",
        Topic::LightAck(..) => "lightAck",
        Topic::LightStatus(..) => "lightStatus",
        Topic::LightCommand(..) => "lightCommand",
        Topic::LightProgramme(..) => "lightProgramme",
        Topic::CabinetState(..) => "cabinetState",
        Topic::CabinetTelemetry(..) => "cabinetTelemetry",
        Topic::CabinetAck(..) => "cabinetAck",
        Topic::CabinetStatus(..) => "cabinetStatus",
        Topic::CabinetCommand(..) => "cabinetCommand",
        Topic::CabinetEvent(..) => "cabinetEvent",
        Topic::LightFirmware(..) => "lightFirmware",
        Topic::LightFirmwareOrder(..) => "lightFirmwareOrder",
        Topic::LightAlarms(..) => "lightAlarms",
        Topic::Event { .. } => "event",
        Topic::Request { .. } => "request",
        Topic::Reply(_) => "reply",
        Topic::EidKeys => "eidKeys",
        Topic::EidConsent(_) => "eidConsent",
        Topic::EidKiosk(_) => "eidKiosk",
        Topic::Clock => "clock",
        Topic::Presence => "presence",
        Topic::Fault(..) => "fault",
        Topic::DeadLetter(_) => "deadLetter",
    };
    CHANNELS.iter().find(|channel| channel.name == name).expect("a test holds every topic to the table")
}
