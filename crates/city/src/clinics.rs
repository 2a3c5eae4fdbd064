//! Clinics and hospitals at street corners.

use types::{ProviderId, Seed};

use crate::district::{District, district_at};
use crate::near::NearSet;
use crate::plane::Plane;
use crate::shape::Point;
use crate::sites::Clinic;

/// A corner where a clinic may stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Corner {
    /// Where the streets cross.
    pub(crate) crossing: Point,
    /// Half the widths of the streets, about \[m\].
    pub(crate) half_width_m: f64,
}

/// Clinics are this far apart while there are corners enough; else half, a quarter, … of it \[m\].
const APART_M: f64 = 900.0;
/// A clinic stands this far from the kerbs of its corner \[m\].
const BESIDE_M: f64 = 14.0;
/// Of the clinics, number 1 is the city hospital, and each of this many is a district hospital.
const DISTRICT_HOSPITAL_EACH: u32 = 4;

/// Puts `count` clinics at corners: the first at the first, each next one at the next that is far enough from all
/// before. A city that grows keeps its clinics as long as it had room for them.
pub(crate) fn clinics(
    seed: Seed,
    plane: Plane,
    corners: &[Corner],
    districts: &[District],
    count: u32,
) -> Vec<Clinic> {
    let mut chosen: Vec<Corner> = Vec::new();
    let mut apart = APART_M;
    while chosen.len() < count as usize && apart > 1.0 {
        for corner in corners {
            let far = |other: &Corner| crate::shape::distance(other.crossing, corner.crossing) >= apart;
            if chosen.len() < count as usize && chosen.iter().all(far) {
                chosen.push(*corner);
            }
        }
        apart /= 2.0;
    }
    let mut taken = NearSet::new(crate::grid::bounds_of(corners.iter().map(|corner| corner.crossing)));
    // More clinics than corners: they share one, side by side.
    let places = chosen.iter().cycle().take(if chosen.is_empty() { 0 } else { count as usize });
    (1..)
        .zip(places)
        .map(|(number, corner)| {
            clinic(seed, plane, number, stand(seed, number, *corner, &mut taken), districts)
        })
        .collect()
}

/// A free place at one of the four sides of a corner, or behind them.
fn stand(seed: Seed, number: u32, corner: Corner, taken: &mut NearSet) -> Point {
    let quarter = seed.stream("clinic", u64::from(number)).below(4);
    for attempt in 0.. {
        let (quarter, row) = ((quarter + attempt) % 4, attempt / 4);
        let off = corner.half_width_m + BESIDE_M + 12.0 * row as f64;
        let sign = |bit: u64| if quarter & bit == 0 { off } else { -off };
        let at = (corner.crossing.0 + sign(1), corner.crossing.1 + sign(2));
        if taken.find(at, 10.0).is_none() {
            taken.add(at);
            return at;
        }
    }
    unreachable!("rows behind a corner never end")
}

fn clinic(seed: Seed, plane: Plane, number: u32, at: Point, districts: &[District]) -> Clinic {
    let district = &districts[district_at(at)];
    let level = match number {
        1 => 3,
        _ if number % DISTRICT_HOSPITAL_EACH == 2 => 2,
        _ => 1,
    };
    let (name_en, name_zh) = name(seed, number, level, district);
    Clinic {
        id: ProviderId(number),
        name_en,
        name_zh,
        level,
        position: plane.place(at),
        x_m: at.0,
        y_m: at.1,
        district: district.id,
    }
}

/// Names of community clinics; numbered when they are used up.
const COMMUNITY: [(&str, &str); 12] = [
    ("Kite", "风筝"),
    ("Riverside", "滨河"),
    ("Willow", "柳园"),
    ("Peony", "牡丹"),
    ("Sunrise", "朝阳"),
    ("Pine", "青松"),
    ("Lotus", "荷花"),
    ("Maple", "红枫"),
    ("Spring", "春晖"),
    ("Harmony", "和谐"),
    ("Orchid", "兰亭"),
    ("Plum", "梅苑"),
];

fn name(seed: Seed, number: u32, level: u8, district: &District) -> (String, String) {
    let ordinal = number / DISTRICT_HOSPITAL_EACH + 1;
    match level {
        3 => ("Kitecity People's Hospital".to_owned(), "鸢城人民医院".to_owned()),
        2 => (
            format!("{} District Hospital No. {ordinal}", district.name_en),
            format!("{}第{ordinal}医院", district.name_zh),
        ),
        _ => {
            let offset = seed.stream("clinic-names", 0).below(COMMUNITY.len() as u64);
            let index = u64::from(number) + offset;
            let (en, zh) = COMMUNITY[(index % COMMUNITY.len() as u64) as usize];
            let (lap_en, lap_zh) = match u64::from(number) / COMMUNITY.len() as u64 {
                0 => (String::new(), String::new()),
                lap => (format!(" No. {}", lap + 1), format!("第{}", lap + 1)),
            };
            (format!("{en} Community Clinic{lap_en}"), format!("{zh}{lap_zh}社区卫生服务站"))
        }
    }
}
