//! What one row says of a luminaire, or why it cannot be one.

use city::RoadClass;
use csv::StringRecord;
use lighting::Phase;
use types::Position;

use super::columns::{Field, Mapping};

/// Power a luminaire may have \[W\].
const WATTS: (f64, f64) = (1.0, 2_000.0);
/// How high it may hang \[m\].
const HEIGHT_M: (f64, f64) = (2.0, 60.0);
/// Road it may light \[m²\].
const ROAD_M2: (f64, f64) = (1.0, 100_000.0);
/// The longest name that is kept \[bytes\].
const NAME_BYTES_MAX: usize = 120;

/// What a row says; what it leaves open is `None`, or empty.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Draft {
    pub(super) label: Box<str>,
    pub(super) position: Position,
    pub(super) class: Option<RoadClass>,
    pub(super) rated_mw: Option<u32>,
    pub(super) standby_mw: Option<u32>,
    pub(super) height_m: Option<f64>,
    pub(super) road_m2: Option<f64>,
    pub(super) street: Box<str>,
    pub(super) cabinet: Box<str>,
    pub(super) circuit: Option<u8>,
    pub(super) phase: Option<Phase>,
}

impl Draft {
    /// Reads a row. `swap` – latitude and longitude are each in the other's column.
    ///
    /// # Errors
    ///
    /// Why this row is no luminaire, in words.
    pub(super) fn read(row: &StringRecord, mapping: &Mapping, swap: bool) -> Result<Self, String> {
        let text = |field: Field| mapping.column(field).map_or("", |column| row[column].trim());
        let milliwatts = |field: Field, least: f64| {
            let watts = measure(field, text(field), &WATT_UNITS, (least, WATTS.1))?;
            Ok::<_, String>(watts.map(|watts| (watts * 1e3).round() as u32))
        };
        let draft = Self {
            label: name(Field::Id, text(Field::Id))?,
            position: position(text(Field::Lat), text(Field::Lon), swap)?,
            class: class(text(Field::Class))?,
            rated_mw: milliwatts(Field::Watts, WATTS.0)?,
            standby_mw: milliwatts(Field::Standby, 0.0)?,
            height_m: measure(Field::Height, text(Field::Height), &METRE_UNITS, HEIGHT_M)?,
            road_m2: measure(Field::Road, text(Field::Road), &[], ROAD_M2)?,
            street: name(Field::Street, text(Field::Street))?,
            cabinet: name(Field::Cabinet, text(Field::Cabinet))?,
            circuit: circuit(text(Field::Circuit))?,
            phase: phase(text(Field::Phase))?,
        };
        match (draft.rated_mw, draft.standby_mw) {
            (Some(rated), Some(standby)) if standby > rated => {
                Err("standby_watts is more than watts".to_owned())
            }
            _ => Ok(draft),
        }
    }
}

/// A number as people write it: with a decimal point, or a decimal comma.
pub(super) fn number(text: &str) -> Option<f64> {
    let plain = text.parse().ok();
    plain.or_else(|| text.replacen(',', ".", 1).parse().ok()).filter(|number: &f64| number.is_finite())
}

/// Endings of numbers, and what they stand for.
type Units = [(&'static str, f64)];
const WATT_UNITS: [(&str, f64); 3] = [("kw", 1e3), ("w", 1.0), ("瓦", 1.0)];
const METRE_UNITS: [(&str, f64); 2] = [("m", 1.0), ("米", 1.0)];

fn measure(field: Field, text: &str, units: &Units, (min, max): (f64, f64)) -> Result<Option<f64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let lower = text.to_lowercase();
    let unit = units.iter().find_map(|(unit, times)| Some((lower.strip_suffix(unit)?.trim(), *times)));
    let (digits, times) = unit.unwrap_or((&lower, 1.0));
    let value = number(digits).ok_or_else(|| format!("{} `{text}` is no number", field.name()))? * times;
    if (min..=max).contains(&value) {
        return Ok(Some(value));
    }
    Err(format!("{} {text} is not from {min} to {max}", field.name()))
}

fn position(lat: &str, lon: &str, swap: bool) -> Result<Position, String> {
    let (lat, lon) = if swap { (lon, lat) } else { (lat, lon) };
    if lat.is_empty() || lon.is_empty() {
        return Err("it has no position".to_owned());
    }
    let degrees = |text: &str| {
        number(text).ok_or_else(|| format!("position `{lat}`, `{lon}`: `{text}` is no number of degrees"))
    };
    let position = Position { lat: degrees(lat)?, lon: degrees(lon)? };
    let Position { lat, lon } = position;
    match () {
        () if lat == 0.0 && lon == 0.0 => {
            Err("position 0, 0 is in the Gulf of Guinea: it means there is none".to_owned())
        }
        () if lat.abs() > 90.0 && lon.abs() <= 90.0 && lat.abs() <= 180.0 => {
            Err(format!("latitude {lat} is beyond 90: it looks swapped with longitude {lon} (--swap)"))
        }
        () if lat.abs() > 90.0 => Err(format!("latitude {lat} is not from -90 to 90")),
        () if lon.abs() > 180.0 => Err(format!("longitude {lon} is not from -180 to 180")),
        () => Ok(position),
    }
}

/// A name without control characters, which have no business in one.
fn name(field: Field, text: &str) -> Result<Box<str>, String> {
    match () {
        () if text.len() > NAME_BYTES_MAX => {
            Err(format!("{} is longer than {NAME_BYTES_MAX} bytes", field.name()))
        }
        () if text.chars().any(char::is_control) => Err(format!("{} has control characters", field.name())),
        () if text.contains('\u{fffd}') => {
            Err(format!("{} cannot be decoded: say --encoding, such as gb18030", field.name()))
        }
        () => Ok(text.into()),
    }
}

/// Words for classes of roads, as [`RoadClass`] has them, OpenStreetMap, and Chinese standards.
const CLASSES: [(RoadClass, &[&str]); 3] = [
    (RoadClass::Ring, &["ring", "expressway", "motorway", "trunk", "快速路", "环路", "高速公路"]),
    (
        RoadClass::Arterial,
        &["arterial", "main", "primary", "secondary", "主干路", "主干道", "次干路", "次干道", "干道"],
    ),
    (
        RoadClass::Branch,
        &[
            "branch",
            "local",
            "tertiary",
            "residential",
            "service",
            "living_street",
            "unclassified",
            "pedestrian",
            "支路",
            "支道",
            "小区",
            "居住区",
            "人行道",
            "街巷",
        ],
    ),
];

fn class(text: &str) -> Result<Option<RoadClass>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let lower = text.to_lowercase();
    let known = CLASSES.iter().find(|(_, words)| words.contains(&lower.as_str()));
    known.map(|(class, _)| Some(*class)).ok_or_else(|| {
        format!(
            "class `{text}` is not known: ring, arterial or branch (or --column class= to go by the power)"
        )
    })
}

/// The number at the end, such as of `C-3` or `回路3`; or a single letter.
fn circuit(text: &str) -> Result<Option<u8>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let before = text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let letter = || match text.as_bytes() {
        [letter @ (b'A'..=b'Z')] => Some(letter - b'A' + 1),
        _ => None,
    };
    let number = text[before..].parse().ok().filter(|number| *number > 0).or_else(letter);
    number.map(Some).ok_or_else(|| format!("circuit `{text}` has no number from 1 to 255"))
}

fn phase(text: &str) -> Result<Option<Phase>, String> {
    Ok(Some(match text.to_uppercase().as_str() {
        "" => return Ok(None),
        "R" | "A" | "L1" | "1" | "U" => Phase::R,
        "S" | "B" | "L2" | "2" | "V" => Phase::S,
        "T" | "C" | "L3" | "3" | "W" => Phase::T,
        _ => return Err(format!("phase `{text}` is none of R, S, T")),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: [&str; 12]) -> Result<Draft, String> {
        Draft::read(&fields[..].to_vec().into(), &Mapping::of_lamps_file(), false)
    }

    const GOOD: [&str; 12] = ["P1", "36.7", "119.1", "", "", "", "", "", "", "", "", ""];

    fn refused(field: Field, text: &str) -> String {
        let mut fields = GOOD;
        fields[field as usize] = text;
        read(fields).unwrap_err()
    }

    #[test]
    fn a_row_that_cannot_be_a_luminaire_is_refused_with_the_reason() {
        assert_eq!(refused(Field::Lat, ""), "it has no position");
        assert!(refused(Field::Lon, "east").contains("`east` is no number"));
        assert!(refused(Field::Lat, "NaN").contains("is no number"));
        assert!(refused(Field::Lon, "181").contains("-180 to 180"));
        assert_eq!(refused(Field::Watts, "0"), "watts 0 is not from 1 to 2000");
        assert_eq!(refused(Field::Watts, "2x60"), "watts `2x60` is no number");
        assert_eq!(refused(Field::Height, "900"), "height_m 900 is not from 2 to 60");
        assert!(refused(Field::Class, "lane").contains("ring, arterial or branch"));
        assert!(refused(Field::Circuit, "left").contains("1 to 255"));
        assert!(refused(Field::Phase, "X").contains("R, S, T"));
        assert!(refused(Field::Street, "a\u{7}").contains("control characters"));
    }

    #[test]
    fn swapped_coordinates_are_noticed_and_read_on_demand() {
        let mut fields = GOOD;
        (fields[1], fields[2]) = ("119.1", "36.7");
        assert!(read(fields).unwrap_err().contains("--swap"));
        let draft = Draft::read(&fields[..].to_vec().into(), &Mapping::of_lamps_file(), true).unwrap();
        assert_eq!(draft.position, Position { lat: 36.7, lon: 119.1 });
        (fields[1], fields[2]) = ("0", "0.0");
        assert!(read(fields).unwrap_err().contains("Gulf of Guinea"));
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let fields =
            ["P1", "36,75", "119.1", "主干路", "0.15kW", "", "10米", "", "东风街", "K7", "回路3", "L2"];
        let draft = read(fields).unwrap();
        assert_eq!(draft.position.lat, 36.75);
        assert_eq!((draft.rated_mw, draft.height_m), (Some(150_000), Some(10.0)));
        assert_eq!(
            (draft.class, draft.circuit, draft.phase),
            (Some(RoadClass::Arterial), Some(3), Some(Phase::S))
        );
        assert_eq!(circuit("B"), Ok(Some(2)));
    }
}
