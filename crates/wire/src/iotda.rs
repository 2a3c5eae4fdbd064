//! The device protocol of Huawei IoTDA over MQTT, so that an unmodified device joins the city as one of its luminaires.
//!
//! ```text
//! device ═ $oc/devices/{id}/sys/… ═▶ decode ─▶ Up ─▶ Bridge ─▶ Message ═ light/{district}/{lamp}/up/… ═▶ CMS
//! device ◀══════════════════════════ encode ◀─ Down ◀─ Bridge ◀─ Message ◀═ light/{district}/{lamp}/down/… ═ CMS
//! ```
//!
//! Read [`IotdaBridge`] first. [`Register`](crate::dialect::Register) says which device is which luminaire; [`admits`] is the login. It reads
//! tolerantly – a `null` where nothing is to say, fields it does not know, two ways to write a time – and writes what
//! the public protocol text has. `docs/dialects.md` tells users what is modelled.

mod bridge;
mod face;
mod lamp;
mod light;
mod login;
mod payload;
mod shadow;
mod topic;

pub use bridge::{COMMAND_TIMEOUT_MS, Input, IotdaBridge, Output};
pub use face::DeviceFace;
pub use light::{LIGHT, Reading};
pub use login::{ClientId, LoginError, admits, password};
pub use payload::{
    DeviceEvent, Down, ServiceReport, Up, decode_down, decode_up, encode_down, encode_up, moment,
};
pub(crate) use topic::may_be_published_by_device;
pub use topic::{UP_FILTERS, canonical_filter, device_of, down_filters, may_be_published_by_platform};
