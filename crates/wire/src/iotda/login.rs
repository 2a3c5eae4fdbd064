//! CONNECT: who a device says it is, and the proof.

use chrono::NaiveDate;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use types::{HOUR_MS, Timestamp};

/// How far the hour of a login may be from the platform's \[h\]: clocks differ, and hours end.
const HOURS_OFF_MAX: i64 = 1;

/// What a device's client id says: `{device_id}_0_{0|1}_{yyyyMMddHH}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientId<'a> {
    /// Which device. May hold `_` itself.
    pub device: &'a str,
    /// Whether the hour is checked against the platform's clock.
    pub checks_hour: bool,
    /// The hour, UTC, ten digits: the key of the password.
    pub hour: &'a str,
}

/// Why a device is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// The client id has another form, or names another device than the user name.
    #[error("the client id is not of this user; in IoTDA it is `{{device_id}}_0_{{0|1}}_{{yyyyMMddHH}}`")]
    ClientId,
    /// The hour is not this one nor a neighbour.
    #[error("the hour of the login is not within an hour of now")]
    Hour,
    /// The password is not the HMAC of the secret.
    #[error("wrong password")]
    Password,
}

impl<'a> ClientId<'a> {
    /// Reads a client id, from the right: a device id may hold `_`.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (rest, hour) = text.rsplit_once('_')?;
        let (rest, check) = rest.rsplit_once('_')?;
        let device = rest.strip_suffix("_0").filter(|device| !device.is_empty())?;
        let checks_hour = match check {
            "0" => false,
            "1" => true,
            _ => return None,
        };
        let ten_digits = hour.len() == 10 && hour.bytes().all(|byte| byte.is_ascii_digit());
        ten_digits.then_some(Self { device, checks_hour, hour })
    }

    /// Whether the hour is that of `now` or a neighbour of it.
    fn is_of(&self, now: Timestamp) -> bool {
        let part = |range: std::ops::Range<usize>| self.hour[range].parse::<u32>().ok();
        let hours = || {
            let day = NaiveDate::from_ymd_opt(i32::try_from(part(0..4)?).ok()?, part(4..6)?, part(6..8)?)?;
            let since = day.and_hms_opt(part(8..10)?, 0, 0)?.and_utc().timestamp_millis();
            Some(since / HOUR_MS)
        };
        hours().is_some_and(|hours| (hours - now.as_millis().div_euclid(HOUR_MS)).abs() <= HOURS_OFF_MAX)
    }
}

/// The password of a device in this hour: HMAC-SHA256 of the secret under the hour's ten digits, in 64 hex digits.
pub fn password(secret: &str, hour: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(hour.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(secret.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the device `username` may log in so.
///
/// `now` – what the wall's clock shows: devices know no other.
///
/// # Errors
///
/// [`LoginError`] says what is wrong.
pub fn admits(
    username: &str,
    client_id: &str,
    given: &[u8],
    secret: &str,
    now: Timestamp,
) -> Result<(), LoginError> {
    let client = ClientId::parse(client_id).filter(|client| client.device == username);
    let client = client.ok_or(LoginError::ClientId)?;
    let expected = password(secret, client.hour);
    // Takes the same time wherever they differ.
    let differing = expected.bytes().zip(given).fold(0, |sum, (a, b)| sum | (a ^ b));
    if given.len() != expected.len() || differing != 0 {
        return Err(LoginError::Password);
    }
    if client.checks_hour && !client.is_of(now) {
        return Err(LoginError::Hour);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of Huawei's documentation.
    const HOUR: &str = "2025041401";
    const PASSWORD: &str = "c75150e6cb841417396819e4d2ee4358a416344a03a083e3a8567074ddec820a";
    /// 2025-04-14T01:30:00Z.
    const NOW: Timestamp = Timestamp::from_millis(1_744_594_200_000);

    fn login(client_id: &str, given: &str, now: Timestamp) -> Result<(), LoginError> {
        admits("product_lamp-1", client_id, given.as_bytes(), "12345678", now)
    }

    #[test]
    fn another_client_id_is_refused() {
        for client_id in [
            "",
            "product_lamp-1",
            "product_lamp-1_0_0",
            "product_lamp-1_0_2_2025041401",
            "product_lamp-1_2_0_2025041401",
            "product_lamp-1_0_0_20250414010",
            "product_lamp-1_0_0_202504140x",
            "product_lamp-2_0_0_2025041401",
            "_0_0_2025041401",
        ] {
            assert_eq!(login(client_id, PASSWORD, NOW), Err(LoginError::ClientId), "{client_id}");
        }
    }

    #[test]
    fn a_wrong_password_is_refused() {
        for given in ["", "12345678", &PASSWORD[1..], &PASSWORD.to_uppercase(), &format!("{PASSWORD}0")] {
            assert_eq!(login("product_lamp-1_0_0_2025041401", given, NOW), Err(LoginError::Password));
        }
        let of_another_hour = password("12345678", "2025041402");
        let refused = login("product_lamp-1_0_0_2025041401", &of_another_hour, NOW);
        assert_eq!(refused, Err(LoginError::Password));
    }

    #[test]
    fn the_hour_counts_only_when_the_client_id_says_so_and_a_neighbour_will_do() {
        let at =
            |hours: i64| login("product_lamp-1_0_1_2025041401", PASSWORD, NOW.plus_millis(hours * HOUR_MS));
        assert_eq!([at(-2), at(2), at(24)], [Err(LoginError::Hour); 3]);
        assert_eq!([at(-1), at(0), at(1)], [Ok(()); 3]);
        let no_such_hour = "2025043199";
        let client_id = format!("product_lamp-1_0_1_{no_such_hour}");
        assert_eq!(login(&client_id, &password("12345678", no_such_hour), NOW), Err(LoginError::Hour));
        let years_later = NOW.plus_millis(99_999 * HOUR_MS);
        assert_eq!(login("product_lamp-1_0_0_2025041401", PASSWORD, years_later), Ok(()));
    }

    #[test]
    fn the_golden_vector_holds() {
        assert_eq!(password("12345678", HOUR), PASSWORD);
    }
}
