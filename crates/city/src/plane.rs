use types::Position;

/// The flat map of a city: metres east and north of its origin.
///
/// Good to a part in a thousand within 30 km.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plane {
    origin: Position,
    /// Cosine of the origin's latitude. One for the whole city keeps distances cheap.
    cos_lat: f64,
}

/// Length of one degree of latitude \[m\].
const METRES_PER_DEGREE: f64 = 111_320.0;

impl Plane {
    /// Around [`ORIGIN`](crate::ORIGIN). Its cosine is written out, to four digits.
    pub const WEIFANG: Self = Self { origin: crate::ORIGIN, cos_lat: 0.801_6 };

    /// Around another place. The cosine comes from `libm`, which every machine computes alike.
    pub fn around(origin: Position) -> Self {
        Self { origin, cos_lat: libm::cos(origin.lat.to_radians()).max(f64::EPSILON) }
    }

    /// Where its coordinates begin.
    pub fn origin(&self) -> Position {
        self.origin
    }

    /// The place of a point \[m east, m north → degrees\].
    pub fn place(&self, (east, north): (f64, f64)) -> Position {
        Position {
            lat: self.origin.lat + north / METRES_PER_DEGREE,
            lon: self.origin.lon + east / (METRES_PER_DEGREE * self.cos_lat),
        }
    }

    /// The point of a place \[degrees → m east, m north\].
    pub fn point(&self, place: Position) -> (f64, f64) {
        let east = (place.lon - self.origin.lon) * METRES_PER_DEGREE * self.cos_lat;
        let north = (place.lat - self.origin.lat) * METRES_PER_DEGREE;
        (east, north)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ORIGIN;

    #[test]
    fn a_place_and_its_point_are_one() {
        let hong_kong = Plane::around(Position { lat: 22.3, lon: 114.2 });
        for plane in [Plane::WEIFANG, hong_kong] {
            let (x, y) = plane.point(plane.place((1_234.5, -678.9)));
            assert!((x - 1_234.5).abs() < 1e-6 && (y + 678.9).abs() < 1e-6, "{x} {y}");
        }
        // A degree of longitude is longer in the south.
        let east = |plane: Plane| plane.point(Position { lon: plane.origin().lon + 1.0, ..plane.origin() }).0;
        assert!(east(hong_kong) > east(Plane::WEIFANG));
        assert!((east(Plane::around(ORIGIN)) / east(Plane::WEIFANG) - 1.0).abs() < 1e-3);
    }
}
