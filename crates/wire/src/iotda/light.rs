//! The service `Light`: what a device must call its properties to be a luminaire.

use lighting::{DimLevel, Mode};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The service.
pub const LIGHT: &str = "Light";

/// The highest power a luminaire may have \[W\].
const POWER_W_MAX: f64 = 10_000.0;
/// The highest voltage \[V\].
const VOLTAGE_V_MAX: f64 = 1_000.0;
/// The highest meter reading \[kWh\]: a street's in a century.
const ENERGY_KWH_MAX: f64 = 1e8;
/// The longest life \[h\].
const HOURS_MAX: f64 = 1e6;

/// What a device told of its light; `None` = nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// `target`: what it should give \[%\].
    pub target: Option<DimLevel>,
    /// `level`: what it drives \[%\].
    pub level: Option<DimLevel>,
    /// `actual`: what it really gives \[%\].
    pub actual: Option<DimLevel>,
    /// `mode`: why `target` is what it is.
    pub mode: Option<Mode>,
    /// `power`, in W: active power \[mW\].
    pub power_mw: Option<u32>,
    /// `voltage`, in V: mains \[mV\].
    pub voltage_mv: Option<u32>,
    /// `energy`, in kWh: the meter \[mWh\].
    pub energy_mwh: Option<u64>,
    /// `burningHours`, in h: time with light \[s\].
    pub burning_s: Option<u64>,
    /// `switchCount`: switch-ons.
    pub switch_count: Option<u32>,
}

impl Reading {
    /// Reads the properties it knows and passes over the others; `null` is nothing.
    ///
    /// # Errors
    ///
    /// Which property is impossible, and why. Then none of them counts.
    pub fn of(properties: &Map<String, Value>) -> Result<Self, String> {
        let number = |name: &str, max: f64| number(properties, name, max);
        let level = |name: &str| -> Result<Option<DimLevel>, String> {
            let Some(percent) = number(name, 100.0)? else { return Ok(None) };
            if percent.fract() != 0.0 {
                return Err(format!("`{name}` is {percent}, expected whole percent"));
            }
            Ok(DimLevel::from_percent(percent as u8).ok())
        };
        Ok(Self {
            target: level("target")?,
            level: level("level")?,
            actual: level("actual")?,
            mode: mode(properties)?,
            power_mw: number("power", POWER_W_MAX)?.map(|watts| (watts * 1e3).round() as u32),
            voltage_mv: number("voltage", VOLTAGE_V_MAX)?.map(|volts| (volts * 1e3).round() as u32),
            energy_mwh: number("energy", ENERGY_KWH_MAX)?.map(|kwh| (kwh * 1e6).round() as u64),
            burning_s: number("burningHours", HOURS_MAX)?.map(|hours| (hours * 3_600.0).round() as u64),
            switch_count: number("switchCount", f64::from(u32::MAX))?.map(|count| count as u32),
        })
    }

    /// The opposite of [`of`](Self::of).
    pub fn properties(&self) -> Map<String, Value> {
        let Self { target, level, actual, mode, power_mw, voltage_mv, energy_mwh, burning_s, switch_count } =
            *self;
        let percent = |level: Option<DimLevel>| level.map(|level| level.percent().into());
        let scaled = |number: Option<f64>, unit: f64| number.map(|number| (number / unit).into());
        let told: [(&str, Option<Value>); 9] = [
            ("target", percent(target)),
            ("level", percent(level)),
            ("actual", percent(actual)),
            ("mode", mode.map(|mode| serde_json::to_value(mode).expect("a mode is JSON"))),
            ("power", scaled(power_mw.map(f64::from), 1e3)),
            ("voltage", scaled(voltage_mv.map(f64::from), 1e3)),
            ("energy", scaled(energy_mwh.map(|mwh| mwh as f64), 1e6)),
            ("burningHours", scaled(burning_s.map(|s| s as f64), 3_600.0)),
            ("switchCount", switch_count.map(Value::from)),
        ];
        told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// Takes over what `newer` told.
    pub fn update(&mut self, newer: Self) {
        let Self { target, level, actual, mode, power_mw, voltage_mv, energy_mwh, burning_s, switch_count } =
            newer;
        self.target = target.or(self.target);
        // A level without a measurement beside it is all that is known of the light now.
        self.actual = actual.or(if level.is_some() { None } else { self.actual });
        self.level = level.or(self.level);
        self.mode = mode.or(self.mode);
        self.power_mw = power_mw.or(self.power_mw);
        self.voltage_mv = voltage_mv.or(self.voltage_mv);
        self.energy_mwh = energy_mwh.or(self.energy_mwh);
        self.burning_s = burning_s.or(self.burning_s);
        self.switch_count = switch_count.or(self.switch_count);
    }

    /// Whether it tells of the light.
    pub fn is_of_light(&self) -> bool {
        self.target.is_some() || self.level.is_some() || self.actual.is_some() || self.mode.is_some()
    }

    /// Whether it tells of electricity.
    pub fn is_of_power(&self) -> bool {
        self.power_mw.is_some() || self.voltage_mv.is_some() || self.energy_mwh.is_some()
    }
}

fn number(properties: &Map<String, Value>, name: &str, max: f64) -> Result<Option<f64>, String> {
    match properties.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            Some(number) if (0.0..=max).contains(&number) => Ok(Some(number)),
            Some(number) => Err(format!("`{name}` is {number}, expected 0 to {max}")),
            None => Err(format!("`{name}` is no number")),
        },
    }
}

fn mode(properties: &Map<String, Value>) -> Result<Option<Mode>, String> {
    match properties.get("mode") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => Mode::deserialize(value)
            .map(Some)
            .map_err(|_| "`mode` is none of default, programme, override, sensor".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn readings() -> impl Strategy<Value = Reading> {
        let level = || {
            proptest::option::of((0..=100_u8).prop_map(|percent| DimLevel::from_percent(percent).unwrap()))
        };
        let modes = [Mode::Default, Mode::Programme, Mode::Override, Mode::Sensor];
        let small = || proptest::option::of(0..1_000_000_u32);
        let large = || proptest::option::of(0..3_000_000_000_u64);
        let mode = proptest::option::of(proptest::sample::select(modes.to_vec()));
        (level(), level(), level(), mode, small(), small(), large(), large(), small()).prop_map(
            |(target, level, actual, mode, power_mw, voltage_mv, energy_mwh, burning_s, switch_count)| {
                Reading {
                    target,
                    level,
                    actual,
                    mode,
                    power_mw,
                    voltage_mv,
                    energy_mwh,
                    burning_s,
                    switch_count,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(reading in readings()) {
            prop_assert_eq!(Reading::of(&reading.properties()), Ok(reading));
        }
    }

    fn read(properties: &Value) -> Result<Reading, String> {
        Reading::of(properties.as_object().unwrap())
    }

    #[test]
    fn impossible_values_are_refused_by_name() {
        for (properties, words) in [
            (json!({ "level": 300 }), "`level` is 300, expected 0 to 100"),
            (json!({ "level": -1 }), "`level` is -1, expected 0 to 100"),
            (json!({ "target": 40.5 }), "`target` is 40.5, expected whole percent"),
            (json!({ "actual": "40" }), "`actual` is no number"),
            (json!({ "power": 1e300 }), "`power` is 1"),
            (json!({ "voltage": -230 }), "`voltage` is -230"),
            (json!({ "energy": true }), "`energy` is no number"),
            (json!({ "mode": "manual" }), "`mode` is none of"),
        ] {
            let refusal = read(&properties).unwrap_err();
            assert!(refusal.starts_with(words), "{refusal}");
        }
    }

    #[test]
    fn what_it_knows_is_read_and_the_rest_passed_over() {
        let reading = read(&json!({
            "level": 40.0, "mode": "override", "power": 31.25, "voltage": 229.9, "energy": 1.000_001,
            "burningHours": 0.5, "switchCount": 3, "colour": "warm", "target": null,
        }));
        let level = DimLevel::from_percent(40).ok();
        let expected = Reading {
            level,
            mode: Some(Mode::Override),
            power_mw: Some(31_250),
            voltage_mv: Some(229_900),
            energy_mwh: Some(1_000_001),
            burning_s: Some(1_800),
            switch_count: Some(3),
            ..Reading::default()
        };
        assert_eq!(reading, Ok(expected));
    }
}
