//! Which column holds what.

use anyhow::{Result, anyhow, bail};
use csv::StringRecord;

use super::row::number;

/// Something that is known of a luminaire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Id,
    Lat,
    Lon,
    Class,
    Watts,
    Standby,
    Height,
    Road,
    Street,
    Cabinet,
    Circuit,
    Phase,
}

impl Field {
    /// All of them, in the order of the columns of a lamps file.
    pub(crate) const ALL: [Self; 12] = [
        Self::Id,
        Self::Lat,
        Self::Lon,
        Self::Class,
        Self::Watts,
        Self::Standby,
        Self::Height,
        Self::Road,
        Self::Street,
        Self::Cabinet,
        Self::Circuit,
        Self::Phase,
    ];

    /// What its column is called in a lamps file, and after `--column`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Lat => "lat",
            Self::Lon => "lon",
            Self::Class => "class",
            Self::Watts => "watts",
            Self::Standby => "standby_watts",
            Self::Height => "height_m",
            Self::Road => "road_m2",
            Self::Street => "street",
            Self::Cabinet => "cabinet",
            Self::Circuit => "circuit",
            Self::Phase => "phase",
        }
    }

    /// What others call its column, the surest first; as [`plain`] writes it.
    fn known_as(self) -> &'static [&'static str] {
        match self {
            Self::Id => &[
                "id",
                "lampid",
                "lightid",
                "luminaireid",
                "assetid",
                "lampno",
                "poleid",
                "poleno",
                "polenumber",
                "code",
                "number",
                "no",
                "name",
                "label",
                "灯具编号",
                "路灯编号",
                "灯杆编号",
                "单灯编号",
                "设备编号",
                "资产编号",
                "灯号",
                "杆号",
                "编号",
                "编码",
                "序号",
                "名称",
                "@id",
            ],
            Self::Lat => &["@lat", "lat", "latitude", "纬度", "北纬", "y", "ycoord", "breite", "breitengrad"],
            Self::Lon => &[
                "@lon",
                "lon",
                "lng",
                "long",
                "longitude",
                "经度",
                "东经",
                "x",
                "xcoord",
                "länge",
                "längengrad",
            ],
            Self::Class => &[
                "class",
                "roadclass",
                "roadtype",
                "streettype",
                "highway",
                "道路等级",
                "道路类型",
                "道路类别",
                "等级",
            ],
            Self::Watts => &[
                "watts",
                "wattage",
                "watt",
                "w",
                "power",
                "powerw",
                "ratedpower",
                "powerrating",
                "lamppower",
                "额定功率",
                "灯具功率",
                "功率",
                "瓦数",
                "leistung",
            ],
            Self::Standby => &["standbywatts", "standby", "standbypower", "待机功率"],
            Self::Height => &[
                "heightm",
                "height",
                "mountingheight",
                "poleheight",
                "lanternheight",
                "安装高度",
                "灯杆高度",
                "灯高",
                "杆高",
                "高度",
                "höhe",
                "masthöhe",
            ],
            Self::Road => &["roadm2", "roadarea", "照明面积"],
            Self::Street => &[
                "street",
                "streetname",
                "road",
                "roadname",
                "道路名称",
                "所在道路",
                "道路",
                "路名",
                "街道",
                "路段",
                "straße",
                "strasse",
            ],
            Self::Cabinet => &[
                "cabinet",
                "cabinetid",
                "cabinetno",
                "feederpillar",
                "feederpillarnum",
                "feeder",
                "panel",
                "controlbox",
                "控制箱",
                "控制柜",
                "配电箱",
                "配电柜",
                "箱变",
                "集中器",
                "schaltschrank",
            ],
            Self::Circuit => &["circuit", "circuitno", "circuitid", "回路编号", "回路", "支路", "stromkreis"],
            Self::Phase => &["phase", "相位", "相序", "相别"],
        }
    }
}

/// Which column holds which field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mapping([Option<usize>; Field::ALL.len()]);

impl Mapping {
    /// The column of a field.
    pub(crate) fn column(&self, field: Field) -> Option<usize> {
        self.0[field as usize]
    }

    /// From the names of the columns; where these do not tell where luminaires stand, from what the columns hold. What
    /// the user says (`lat=Y`, or `class=` for none) counts before that.
    ///
    /// # Errors
    ///
    /// In words: a field or a column that there is not, or no column for positions.
    pub(super) fn guess(heads: &[String], sample: &[StringRecord], said: &[String]) -> Result<Self> {
        let mut mapping = Self::default();
        let mut settled = [false; Field::ALL.len()];
        for said in said {
            let (field, column) = parse(said, heads)?;
            mapping.0[field as usize] = column;
            settled[field as usize] = true;
        }
        let plain: Vec<String> = heads.iter().map(|head| plain(head)).collect();
        for field in Field::ALL.into_iter().filter(|&field| !settled[field as usize]) {
            let named = |name: &&str| plain.iter().position(|head| head == name);
            let free = |column: &usize| !mapping.0.contains(&Some(*column));
            mapping.0[field as usize] = field.known_as().iter().filter_map(named).find(free);
        }
        if mapping.column(Field::Lat).is_none() && mapping.column(Field::Lon).is_none() {
            (mapping.0[Field::Lat as usize], mapping.0[Field::Lon as usize]) = positions(heads, sample)?;
        }
        for field in [Field::Lat, Field::Lon] {
            if mapping.column(field).is_none() {
                bail!(
                    "no column for `{0}` among {1}: say which with --column {0}=NAME",
                    field.name(),
                    listed(heads)
                );
            }
        }
        Ok(mapping)
    }

    /// That of a lamps file.
    pub(crate) fn of_lamps_file() -> Self {
        Self(std::array::from_fn(Some))
    }
}

/// A name without its case, units in brackets, blanks and signs.
fn plain(head: &str) -> String {
    let before = head.split(['(', '（', '[', '/']).next().unwrap_or(head);
    before.chars().filter(|c| c.is_alphanumeric() || *c == '@').flat_map(char::to_lowercase).collect()
}

fn parse(said: &str, heads: &[String]) -> Result<(Field, Option<usize>)> {
    let fields = || Field::ALL.map(Field::name).join(", ");
    let (field, column) = said.split_once('=').ok_or_else(|| {
        anyhow!("--column {said}: expected FIELD=NAME, such as lat=Y; fields are {}", fields())
    })?;
    let field = Field::ALL.into_iter().find(|known| known.name() == field.trim());
    let field = field.ok_or_else(|| anyhow!("--column {said}: fields are {}", fields()))?;
    let column = column.trim();
    if column.is_empty() {
        return Ok((field, None));
    }
    match heads.iter().position(|head| head == column) {
        Some(index) => Ok((field, Some(index))),
        None => bail!("--column {said}: there is no column `{column}` among {}", listed(heads)),
    }
}

fn listed(heads: &[String]) -> String {
    heads.iter().map(|head| format!("`{head}`")).collect::<Vec<_>>().join(", ")
}

/// The columns of latitude and longitude, from what they hold: the only two with fractions of degrees, of which the
/// one beyond 90 is the longitude.
fn positions(heads: &[String], sample: &[StringRecord]) -> Result<(Option<usize>, Option<usize>)> {
    let degrees = |column: usize| -> Option<f64> {
        let mut values =
            sample.iter().map(|row| row[column].trim()).filter(|text| !text.is_empty()).peekable();
        values.peek()?;
        values.try_fold(0.0_f64, |most, text| {
            let exact =
                text.rsplit(['.', ',']).next().is_some_and(|digits| digits.len() >= 3 && digits != text);
            let value = number(text).filter(|value| exact && value.abs() <= 180.0)?;
            Some(most.max(value.abs()))
        })
    };
    let found: Vec<(usize, f64)> =
        (0..heads.len()).filter_map(|column| Some((column, degrees(column)?))).collect();
    match found[..] {
        [(a, most_a), (b, most_b)] if most_a > 90.0 && most_b <= 90.0 => Ok((Some(b), Some(a))),
        [(a, most_a), (b, most_b)] if most_b > 90.0 && most_a <= 90.0 => Ok((Some(a), Some(b))),
        _ => bail!(
            "no columns for latitude and longitude among {}: say which with --column lat=NAME --column lon=NAME",
            listed(heads)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(heads: &str, row: &str, said: &[&str]) -> Result<Mapping> {
        let heads: Vec<String> = heads.split(',').map(str::to_owned).collect();
        let said: Vec<String> = said.iter().map(|said| (*said).to_owned()).collect();
        Mapping::guess(&heads, &[row.split(',').collect::<Vec<_>>().into()], &said)
    }

    fn refused(heads: &str, row: &str, said: &[&str]) -> String {
        guess(heads, row, said).unwrap_err().to_string()
    }

    #[test]
    fn a_field_or_column_that_there_is_not_is_refused_with_those_there_are() {
        assert!(refused("lat,lon", "1,2", &["latt=lat"]).contains("fields are id, lat"));
        assert!(refused("lat,lon", "1,2", &["lat"]).contains("expected FIELD=NAME"));
        assert!(refused("lat,lon", "1,2", &["lat=Y"]).contains("no column `Y` among `lat`, `lon`"));
    }

    #[test]
    fn without_positions_the_remedy_is_named() {
        assert!(refused("id,watts", "1,60", &[]).contains("--column lat=NAME"));
        assert!(refused("id,lat", "1,36.1", &[]).contains("--column lon=NAME"));
        // Three columns could be it.
        assert!(refused("a,b,c", "36.123,119.123,12.345", &[]).contains("--column lat=NAME"));
    }

    #[test]
    fn names_in_chinese_and_english_are_known_with_their_units() {
        let columns = |mapping: Mapping| Field::ALL.map(|field| mapping.column(field));
        let chinese = "序号,灯杆编号,经度,纬度,功率（W）,杆高(m),所在道路,道路等级,控制箱,回路编号,相位";
        let expected = [Some(1), Some(3), Some(2), Some(7), Some(4), None, Some(5), None];
        let found = columns(guess(chinese, ",,,,,,,,,,", &[]).unwrap());
        assert_eq!(found[..8], expected);
        assert_eq!(found[8..], [Some(6), Some(8), Some(9), Some(10)]);
        let english = "Asset ID,Latitude,Longitude,Wattage [W],Mounting Height,Road Name";
        let found = columns(guess(english, ",,,,,", &["street="]).unwrap());
        assert_eq!(found[..7], [Some(0), Some(1), Some(2), None, Some(3), None, Some(4)]);
        assert_eq!(found[8], None, "said to be none");
    }

    #[test]
    fn positions_are_known_by_their_values_where_names_do_not_tell() {
        let mapping = guess("a,b,c", "7,119.160123,36.710456", &[]).unwrap();
        assert_eq!((mapping.column(Field::Lat), mapping.column(Field::Lon)), (Some(2), Some(1)));
    }
}
