//! The device protocol of Huawei IoTDA over MQTT, so that an unmodified device joins the city as one of its luminaires.
//!
//! ```text
//! device ═ $oc/devices/{id}/sys/… ═▶ decode ─▶ Up ─▶ Bridge ─▶ Message ═ light/{district}/{lamp}/up/… ═▶ CMS
//! device ◀══════════════════════════ encode ◀─ Down ◀─ Bridge ◀─ Message ◀═ light/{district}/{lamp}/down/… ═ CMS
//! ```
//!
//! Read [`Bridge`] first. [`Register`] says which device is which luminaire; [`admits`] is the login. It reads
//! tolerantly – a `null` where nothing is to say, fields it does not know, two ways to write a time – and writes what
//! the public protocol text has. `docs/dialects.md` tells users what is modelled.

mod bridge;
mod lamp;
mod light;
mod login;
mod payload;
mod register;
mod shadow;
mod topic;

pub use bridge::{Bridge, COMMAND_TIMEOUT_MS, Input, Output};
pub use light::{LIGHT, Reading};
pub use login::{ClientId, LoginError, admits, password};
pub use payload::{
    DeviceEvent, Down, ServiceReport, Up, decode_down, decode_up, encode_down, encode_up, moment,
};
pub use register::{Child, Device, DeviceSecret, Register, RegisterError};
pub use topic::{UP_FILTERS, canonical_filter, device_of, down_filters, may_be_published_by_platform};
