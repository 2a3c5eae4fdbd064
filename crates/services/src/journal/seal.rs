//! The seal on a city's secret: without the key file, a copy of the data folder signs nothing.

use std::io::{ErrorKind, Write as _};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::pbkdf2;
use ring::rand::{SecureRandom as _, SystemRandom};

use super::JournalError;
use crate::access::Secret;

/// Rounds of PBKDF2-HMAC-SHA256: the key file may hold words that people remember.
const ROUNDS: NonZeroU32 = NonZeroU32::new(200_000).expect("not zero");
/// The shortest content of a key file \[bytes\].
const KEY_BYTES_MIN: usize = 16;
/// The longest that is read \[bytes\].
const KEY_BYTES_MAX: usize = 4_096;
const SALT_LEN: usize = 16;
const SECRET_LEN: usize = 32;
/// What else is sealed, so that nothing else can stand in its place.
const PURPOSE: &[u8] = b"kitecity secret 1";

/// Where the key is that opens a city's secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile(PathBuf);

impl KeyFile {
    /// This file.
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// The usual place: beside the data folder, with `.key` at its name, so that a copy of the folder has no key in it.
    pub fn beside(folder: &Path) -> Self {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let mut name = folder.file_name().unwrap_or_default().to_owned();
        name.push(".key");
        Self(folder.with_file_name(name))
    }

    /// The sealed secret, in hex: salt, nonce, ciphertext with its tag. Makes the key file if there is none.
    pub(super) fn seal(&self, secret: &Secret) -> Result<String, JournalError> {
        self.make()?;
        let (salt, nonce): ([u8; SALT_LEN], [u8; NONCE_LEN]) = (random()?, random()?);
        let mut sealed = secret.to_bytes().to_vec();
        let key = self.key(&salt)?;
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(PURPOSE), &mut sealed)
            .map_err(|_| self.trouble("it cannot seal"))?;
        Ok(to_hex(&[&salt[..], &nonce, &sealed].concat()))
    }

    /// The opposite.
    pub(super) fn open(&self, sealed: &str) -> Result<Secret, JournalError> {
        let damaged = || JournalError::Medium("the sealed secret of the city is damaged".to_owned());
        let bytes = from_hex(sealed).ok_or_else(damaged)?;
        let (salt, rest) = bytes.split_first_chunk::<SALT_LEN>().ok_or_else(damaged)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(damaged)?;
        let mut sealed = rest.to_vec();
        let opened = self.key(salt)?.open_in_place(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(PURPOSE),
            &mut sealed,
        );
        let wrong =
            || self.trouble("it is not the key of this data folder: give the right one with --key-file");
        let opened: &[u8] = opened.map_err(|_| wrong())?;
        let bytes: [u8; SECRET_LEN] = opened.try_into().map_err(|_| damaged())?;
        Ok(Secret::from_bytes(bytes))
    }

    fn key(&self, salt: &[u8]) -> Result<LessSafeKey, JournalError> {
        let content = std::fs::read(&self.0).map_err(|error| match error.kind() {
            ErrorKind::NotFound => self.trouble("the data folder is sealed, and its key is not there: put it back, or say where it is with --key-file"),
            _ => self.trouble(&error.to_string()),
        })?;
        let content = content.trim_ascii();
        if !(KEY_BYTES_MIN..=KEY_BYTES_MAX).contains(&content.len()) {
            let range =
                format!("a key has {KEY_BYTES_MIN} to {KEY_BYTES_MAX} bytes, this one {}", content.len());
            return Err(self.trouble(&range));
        }
        let mut key = [0; 32];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, salt, content, &mut key);
        let key = UnboundKey::new(&CHACHA20_POLY1305, &key).expect("32 bytes are a key");
        Ok(LessSafeKey::new(key))
    }

    /// A new key that only its owner reads; whoever comes first makes it.
    fn make(&self) -> Result<(), JournalError> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = match options.open(&self.0) {
            Ok(mut file) => file.write_all(format!("{}\n", to_hex(&random::<32>()?)).as_bytes()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        };
        written.map_err(|error| self.trouble(&error.to_string()))
    }

    fn trouble(&self, reason: &str) -> JournalError {
        JournalError::KeyFile { file: self.0.display().to_string(), reason: reason.to_owned() }
    }
}

fn random<const N: usize>() -> Result<[u8; N], JournalError> {
    let mut bytes = [0; N];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| JournalError::Medium("the system gives no randomness".to_owned()))?;
    Ok(bytes)
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let byte = |&[high, low]: &[u8; 2]| Some((digit(high)? << 4 | digit(low)?) as u8);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_file(content: Option<&str>) -> (tempfile::TempDir, KeyFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("city.key");
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        (folder, KeyFile::at(path))
    }

    #[test]
    fn a_wrong_missing_or_short_key_is_refused_with_its_place_and_a_remedy() {
        let (_folder, file) = key_file(Some("correct horse battery staple\n"));
        let sealed = file.seal(&Secret::from_words("kite")).unwrap();
        let refused = |content| {
            let (_folder, other) = key_file(content);
            other.open(&sealed).unwrap_err().to_string()
        };
        for (content, words) in [
            (Some("correct horse battery stapler"), "not the key of this data folder"),
            (None, "say where it is with --key-file"),
            (Some("too short"), "16 to 4096 bytes, this one 9"),
        ] {
            let message = refused(content);
            assert!(message.contains(words) && message.contains("city.key"), "{message}");
        }
    }

    #[test]
    fn a_bent_seal_is_refused() {
        let (_folder, file) = key_file(None);
        let sealed = file.seal(&Secret::from_words("kite")).unwrap();
        for at in [0, 40, sealed.len() - 1] {
            let mut bent = sealed.clone().into_bytes();
            bent[at] = if bent[at] == b'0' { b'1' } else { b'0' };
            assert!(file.open(&String::from_utf8(bent).unwrap()).is_err(), "{at}");
        }
        for rubbish in ["", "kite", &sealed[..60]] {
            assert!(file.open(rubbish).is_err(), "{rubbish}");
        }
    }

    #[test]
    fn what_is_sealed_is_opened_by_the_key_that_was_made_and_shows_nothing() {
        let (folder, file) = key_file(None);
        let secret = Secret::from_words("kite");
        let sealed = file.seal(&secret).unwrap();
        assert_eq!(file.open(&sealed).unwrap().to_bytes(), secret.to_bytes());
        assert!(!sealed.contains(&to_hex(&secret.to_bytes())));
        assert_ne!(file.seal(&secret).unwrap(), sealed, "each seal is another one");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(folder.path().join("city.key")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn the_usual_place_is_beside_the_folder_and_never_in_it() {
        for folder in ["/x/kite", "/x/kite/"] {
            assert_eq!(KeyFile::beside(Path::new(folder)), KeyFile::at("/x/kite.key".into()));
        }
    }
}
