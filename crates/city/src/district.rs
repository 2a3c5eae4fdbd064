use types::DistrictId;

use crate::shape::Point;

/// A district of the city.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct District {
    /// Its name in topics.
    pub id: DistrictId,
    /// Its English name.
    pub name_en: &'static str,
    /// Its Chinese name.
    pub name_zh: &'static str,
    /// Its GB/T 2260 code, such as 370705.
    pub code: u32,
}

/// Half of the land north or south of the centre that still belongs to the middle districts \[m\].
const MIDDLE_M: f64 = 880.0;
/// How much wider that belt gets per metre away from the river.
const MIDDLE_WIDENS: f64 = 0.35;
/// About where the river runs \[m east of the origin\].
const RIVER_EAST_M: f64 = -700.0;

/// The city's districts: Kuiwen, Weicheng, Fangzi, Hanting.
pub(crate) fn districts() -> [District; 4] {
    [
        district("kuiwen", "Kuiwen", "奎文区", 370_705),
        district("weicheng", "Weicheng", "潍城区", 370_702),
        district("fangzi", "Fangzi", "坊子区", 370_704),
        district("hanting", "Hanting", "寒亭区", 370_703),
    ]
}

/// The parts of a city that is not Weifang, in the places of [`districts`]. Its people are Weifang's.
pub(crate) fn districts_elsewhere() -> [District; 4] {
    [
        district("east", "East", "东区", 370_705),
        district("west", "West", "西区", 370_702),
        district("south", "South", "南区", 370_704),
        district("north", "North", "北区", 370_703),
    ]
}

fn district(slug: &str, name_en: &'static str, name_zh: &'static str, code: u32) -> District {
    District { id: slug.parse().expect("district names are slugs"), name_en, name_zh, code }
}

/// Which of [`districts`] a place belongs to: Hanting in the north, Fangzi in the south; between them Weicheng west
/// and Kuiwen east of the river.
pub(crate) fn district_at((x, y): Point) -> usize {
    let middle = MIDDLE_M + MIDDLE_WIDENS * (x - RIVER_EAST_M).abs();
    match () {
        () if y > middle => 3,
        () if y < -middle => 2,
        () if x < RIVER_EAST_M => 1,
        () => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sector_has_its_district() {
        let name = |at| districts()[district_at(at)].id.to_string();
        assert_eq!(name((0.0, 0.0)), "kuiwen");
        assert_eq!(name((-2_000.0, 0.0)), "weicheng");
        assert_eq!(name((-700.0, 1_500.0)), "hanting");
        assert_eq!(name((9_000.0, -9_000.0)), "fangzi");
    }
}
