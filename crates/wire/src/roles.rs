//! The roles of the three domains as clients of the bus: each is a core and the mapping of its inputs and outputs.
//!
//! This is where one domain's output becomes another's input, and nowhere else.

mod cabinet;
mod cms;
mod identity;
mod luminaire;
mod payment;

pub use cabinet::CabinetRole;
pub use cms::CmsRole;
pub use identity::{IssuerRole, READER_CLIENT, VerifierRole};
pub use luminaire::LuminaireRole;
pub use payment::{ClinicRole, PayerRole};
