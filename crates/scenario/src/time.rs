//! Moments and durations as scenarios write them.

use lighting::AstroTable;
use types::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Timestamp};

/// The longest duration [ms]: a year and a day.
const DURATION_MAX_MS: i64 = 366 * DAY_MS;

/// Reads a duration such as `90s`, `2h 30m` or `1d` \[ms\].
///
/// # Errors
///
/// In words, with examples.
pub fn duration_ms(text: &str) -> Result<i64, String> {
    let wrong = || format!("expected a duration such as \"90s\", \"15m\" or \"2h30m\", got \"{text}\"");
    let mut rest = text.trim();
    let mut total = 0_i64;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: i64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = rest[digits..].trim_start();
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit_ms = match &rest[..letters] {
            "ms" => 1,
            "s" => SECOND_MS,
            "m" | "min" => MINUTE_MS,
            "h" => HOUR_MS,
            "d" => DAY_MS,
            _ => return Err(wrong()),
        };
        total = total.saturating_add(number.saturating_mul(unit_ms));
        rest = rest[letters..].trim_start();
    }
    if total > DURATION_MAX_MS {
        return Err(format!("\"{text}\" is longer than a year and a day"));
    }
    Ok(total)
}

/// What moments are reckoned from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) astro: &'a AstroTable,
}

impl Frame<'_> {
    /// Reads a moment between start and end: `21:00`, `sunset + 5m`, `start + 1h`, `end - 1m`.
    ///
    /// A time of day is the first such time from the start on; sunset is that of the day of the start, sunrise the
    /// first after the start.
    pub(crate) fn moment(&self, text: &str) -> Result<Timestamp, String> {
        let at = self.reckon(text)?;
        if at < self.start || at > self.end {
            let (start, end) = (show(self.start, self.start), show(self.end, self.start));
            return Err(format!(
                "\"{text}\" is {}, outside of the scenario: it runs from {start} to {end}",
                show(at, self.start)
            ));
        }
        Ok(at)
    }

    fn reckon(&self, text: &str) -> Result<Timestamp, String> {
        let (base, shift_ms) = split(text)?;
        let day = self.start.local_day();
        let base = match base {
            "start" => self.start,
            "end" => self.end,
            "sunset" => self.astro.sunset(day),
            "sunrise" => [day, day + 1]
                .map(|day| self.astro.sunrise(day))
                .into_iter()
                .find(|&at| at >= self.start)
                .unwrap_or(self.end),
            time => {
                let today = Timestamp::from_local(day, time_of_day_ms(time).ok_or_else(|| wrong(text))?);
                if today < self.start { today.plus_millis(DAY_MS) } else { today }
            }
        };
        Ok(base.plus_millis(shift_ms))
    }
}

/// Reads when a scenario starts on local day `day`: `18:30`, `sunset - 10m`.
pub(crate) fn start(text: &str, day: i64, astro: &AstroTable) -> Result<Timestamp, String> {
    let (base, shift_ms) = split(text)?;
    let base = match base {
        "sunset" => astro.sunset(day),
        "sunrise" => astro.sunrise(day),
        time => Timestamp::from_local(day, time_of_day_ms(time).ok_or_else(|| wrong(text))?),
    };
    Ok(base.plus_millis(shift_ms))
}

/// `base + shift` → base and shift \[ms\].
pub(crate) fn split(text: &str) -> Result<(&str, i64), String> {
    let text = text.trim();
    match text.find(['+', '-']) {
        None => Ok((text, 0)),
        Some(at) => {
            let shift_ms = duration_ms(&text[at + 1..]).map_err(|_| wrong(text))?;
            Ok((text[..at].trim_end(), if text.as_bytes()[at] == b'-' { -shift_ms } else { shift_ms }))
        }
    }
}

/// `21:30` or `21:30:05` → time since midnight \[ms\].
pub(crate) fn time_of_day_ms(text: &str) -> Option<i64> {
    let mut parts = text.split(':').map(|part| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<i64>().ok()).flatten()
    });
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().map_or(Some(0), |second| second)?;
    let valid = parts.next().is_none() && hour < 24 && minute < 60 && second < 60;
    valid.then_some(hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS)
}

fn wrong(text: &str) -> String {
    format!("expected a moment such as \"21:30\", \"sunset + 5m\", \"start + 1h\" or \"end\", got \"{text}\"")
}

/// A day of the calendar, `2026-04-18` → its year, and local days since 1970-01-01.
///
/// # Errors
///
/// In words, with an example.
pub fn local_day(text: &str) -> Result<(i32, i64), String> {
    let wrong = || format!("expected a date such as \"2026-04-18\", got \"{text}\"");
    let mut parts = text.split('-').map(str::parse::<i64>);
    let (Some(Ok(year)), Some(Ok(month)), Some(Ok(day)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(wrong());
    };
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let february = if leap { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = usize::try_from(month - 1).ok().and_then(|month| months.get(month)).copied();
    if !length.is_some_and(|length| (1..=length).contains(&day)) || !(2000..2100).contains(&year) {
        return Err(wrong());
    }
    let before: i64 = months[..month as usize - 1].iter().sum();
    let leaps = |year: i64| (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    let years = (year - 1970) * 365 + leaps(year) - leaps(1970);
    Ok((year as i32, years + before + day - 1))
}

/// A moment for people: local time, and how many days after the start if it is not the same day.
pub fn show(at: Timestamp, start: Timestamp) -> String {
    let ms = at.local_time_ms();
    let (hour, minute, second) = (ms / HOUR_MS, ms / MINUTE_MS % 60, ms / SECOND_MS % 60);
    let days = at.local_day() - start.local_day();
    let day = if days == 0 { String::new() } else { format!("day {days:+} ") };
    let millis = if ms % SECOND_MS == 0 { String::new() } else { format!(".{:03}", ms % SECOND_MS) };
    format!("{day}{hour:02}:{minute:02}:{second:02}{millis}")
}

/// A duration for people: two units at most.
pub fn show_duration(ms: i64) -> String {
    let of = |number: i64, unit: &str| if number == 0 { String::new() } else { format!(" {number} {unit}") };
    match ms {
        ms if ms >= HOUR_MS => format!("{} h{}", ms / HOUR_MS, of(ms / MINUTE_MS % 60, "min")),
        ms if ms >= MINUTE_MS => format!("{} min{}", ms / MINUTE_MS, of(ms / SECOND_MS % 60, "s")),
        ms if ms >= SECOND_MS && ms % SECOND_MS == 0 => format!("{} s", ms / SECOND_MS),
        ms if ms >= SECOND_MS => format!("{:.1} s", ms as f64 / 1e3),
        ms => format!("{ms} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_without_number_or_unit_are_refused() {
        for text in ["", "5", "m", "5 parsecs", "-5m", "1h-5m", "400d", "99999999999999999999s"] {
            assert!(duration_ms(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_add_up() {
        assert_eq!(duration_ms("2h30m"), Ok(150 * MINUTE_MS));
        assert_eq!(duration_ms(" 1d 2h "), Ok(26 * HOUR_MS));
        assert_eq!(duration_ms("250ms"), Ok(250));
    }

    #[test]
    fn impossible_dates_and_times_are_refused() {
        for text in ["2026-02-29", "2026-13-01", "2026-00-10", "1999-01-01", "2026-1", "today"] {
            assert!(local_day(text).is_err(), "{text}");
        }
        for text in ["24:00", "7:30", "12:60", "12:30:61", "noon", "12"] {
            assert_eq!(time_of_day_ms(text), None, "{text}");
        }
    }

    #[test]
    fn days_are_counted_from_1970() {
        assert_eq!(local_day("2000-01-01"), Ok((2000, 10_957)));
        assert_eq!(local_day("2000-02-29"), Ok((2000, 11_016)));
        assert_eq!(local_day("2026-04-18"), Ok((2026, 20_561)));
    }

    #[test]
    fn a_time_of_day_is_the_next_one_and_must_be_in_the_scenario() {
        let astro = city::astro_table(2026).unwrap();
        let start = Timestamp::from_local(20_561, 18 * HOUR_MS);
        let frame = Frame { start, end: start.plus_millis(12 * HOUR_MS), astro: &astro };
        assert_eq!(frame.moment("21:00"), Ok(start.plus_millis(3 * HOUR_MS)));
        assert_eq!(frame.moment("01:00"), Ok(start.plus_millis(7 * HOUR_MS)));
        assert_eq!(frame.moment("start + 5m"), Ok(start.plus_millis(5 * MINUTE_MS)));
        assert!(frame.moment("17:00").unwrap_err().contains("outside"));
        assert!(frame.moment("soon").unwrap_err().contains("expected a moment"));
        let sunrise = frame.moment("sunrise - 10m").unwrap();
        assert_eq!(sunrise.local_day(), 20_562);
    }
}
