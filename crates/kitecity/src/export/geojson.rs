//! Luminaires as GeoJSON points, whose properties are the columns of a lamps file.

use anyhow::Result;
use city::Placed;
use serde_json::{Map, Value, json};
use types::LuminaireId;

use super::{Seen, write_list};
use crate::import::Field;
use crate::lamps_file;

/// Writes a FeatureCollection. `live` – what was heard of a luminaire.
pub(super) fn write<'a>(
    lamps: &[Placed],
    live: impl Fn(LuminaireId) -> Option<&'a Seen>,
    to: &mut Vec<u8>,
) -> Result<()> {
    let features = (1..).zip(lamps).map(|(number, lamp)| feature(lamp, live(LuminaireId(number))));
    write_list("{\"type\":\"FeatureCollection\",\"features\":", features, "}", to)
}

fn feature(lamp: &Placed, seen: Option<&Seen>) -> Value {
    let mut properties = Map::new();
    for field in Field::ALL {
        let value = match field {
            Field::Lat | Field::Lon => continue,
            Field::Watts => json!(f64::from(lamp.rated_mw) / 1e3),
            Field::Standby => json!(f64::from(lamp.standby_mw) / 1e3),
            Field::Height => json!(lamp.height_m),
            Field::Road => json!(lamp.road_m2),
            Field::Circuit => json!(lamp.circuit),
            _ => Value::String(lamps_file::text(lamp, field)),
        };
        properties.insert(field.name().to_owned(), value);
    }
    if let Some(seen) = seen {
        properties.insert("online".to_owned(), json!(seen.online));
        properties.insert("level".to_owned(), json!(seen.state.as_ref().map(|state| state.body.actual)));
    }
    let coordinates = [lamp.position.lon, lamp.position.lat];
    json!({
        "type": "Feature",
        "geometry": { "type": "Point", "coordinates": coordinates },
        "properties": properties,
    })
}

#[cfg(test)]
mod tests {
    use city::RoadClass;
    use lighting::Phase;
    use proptest::prelude::*;
    use types::Position;

    use super::*;
    use crate::import;

    fn phase() -> impl Strategy<Value = Phase> {
        prop_oneof![Just(Phase::R), Just(Phase::S), Just(Phase::T)]
    }

    prop_compose! {
        fn lamp()(
            (lat, lon) in (36.0..36.9f64, 119.0..119.9f64),
            class in prop_oneof![Just(RoadClass::Ring), Just(RoadClass::Arterial), Just(RoadClass::Branch)],
            rated_mw in 1_000u32..2_000_000,
            standby_mw in 0u32..1_000,
            height_m in 2.0..60.0f64,
            road_m2 in 1.0..9_000.0f64,
            // Nothing but commas, quotes and Chinese: what CSV could break.
            street in "[a-z东风,;\"' ]{0,12}[a-z路]",
            cabinet in 0..3u8,
            circuit in 1u8..,
            phase in phase(),
        ) -> Placed {
            Placed {
                label: "".into(),
                position: Position { lat, lon },
                class, rated_mw, standby_mw, height_m, road_m2,
                street: street.trim().into(),
                cabinet: format!("K{cabinet}").into(),
                circuit, phase,
            }
        }
    }

    fn lamps() -> impl Strategy<Value = Vec<Placed>> {
        proptest::collection::vec(lamp(), 1..40).prop_map(|mut lamps| {
            lamps.sort_by(|a, b| a.cabinet.cmp(&b.cabinet));
            lamps.iter_mut().enumerate().for_each(|(nth, lamp)| lamp.label = format!("P-{nth}").into());
            lamps
        })
    }

    fn imported(text: &[u8]) -> Vec<Placed> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        import::read_any(file.path()).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn what_is_exported_is_imported_as_it_was(lamps in lamps()) {
            let (mut csv, mut geojson) = (Vec::new(), Vec::new());
            lamps_file::write(&lamps, &mut csv).unwrap();
            write(&lamps, |_| None, &mut geojson).unwrap();
            prop_assert_eq!(&imported(&csv), &lamps);
            prop_assert_eq!(&imported(&geojson), &lamps);
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &csv).unwrap();
            prop_assert_eq!(import::read_lamps_file(file.path()).unwrap(), lamps);
        }
    }
}
