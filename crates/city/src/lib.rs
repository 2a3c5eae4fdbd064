//! The plan of the city: what stands where, who lives where, when the sun sets.
//!
//! ```text
//! CitySpec ──▶ Plan ──┬─▶ streets, water, parks
//!  (seed, numbers)    ├─▶ luminaires ── cabinets ── districts
//!  [+ Placed, …]      │
//!                     ├─▶ clinics
//!                     ├─▶ route(from, to) ──▶ Route::at(distance)
//!                     └─▶ Residents ──▶ Citizen { person, home }
//! astro_table(year), astro_shift_ms(position, origin), calendars(), groups(&plan)
//! ```
//!
//! Read [`Plan`] first, then [`Residents`]. The same [`CitySpec`] gives the same city on every machine: all chance
//! comes from its seed, and all geometry from `+ - * /` and square roots, which every machine rounds alike.
//!
//! The map is modelled loosely on the middle of Weifang: its main streets, its river and its districts have their real
//! names, but no street is where it really is, and nobody here is a real person.
//!
//! Nothing here knows what a luminaire or a credential does; this crate only fills in `lighting`'s and `eid`'s types.

mod branches;
mod calendar;
mod census;
mod clinics;
mod district;
mod graph;
mod grid;
mod groups;
mod growth;
mod lamps;
mod lattice;
mod names;
mod near;
mod network;
mod people;
mod placed;
mod plan;
mod plane;
mod residents;
mod ring;
mod route;
mod shape;
mod sites;
mod spec;
mod street;
mod streets;
mod sun;
mod units;

pub use calendar::{calendar_of, calendars};
pub use district::District;
pub use groups::groups;
pub use placed::{PLACED_MAX, PLACED_RADIUS_M, Placed, PlacedError};
pub use plan::{ORIGIN, Plan};
pub use plane::Plane;
pub use residents::{Citizen, Residents};
pub use route::Route;
pub use sites::{Area, CabinetSite, Clinic, LuminaireSite};
pub use spec::{CitySpec, SpecError};
pub use street::{RoadClass, Street};
pub use sun::{SunError, YearError, astro_shift_ms, astro_table, astro_table_at, sunrise_and_sunset};
