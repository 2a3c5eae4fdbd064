//! Text in any of the encodings that lists of luminaires come in.

use std::io::Read;

use anyhow::{Result, bail};
use encoding_rs::{Decoder, Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Bytes read at once.
const CHUNK: usize = 64 * 1024;
/// Of a hundred bytes beyond ASCII, at least so many come in pairs in Chinese, and at most so many in Latin text.
const PAIRED_PERCENT: (u64, u64) = (90, 60);

/// Finds out which encoding a text has.
///
/// UTF-8 is known by its form. Of the others, GB18030 writes each character with two bytes beyond ASCII or more, and
/// Latin-1 writes single ones between ASCII letters.
///
/// # Errors
///
/// If it is no text, or could be either; what to do about it is in the words.
pub(super) fn detect(mut text: impl Read) -> Result<&'static Encoding> {
    let mut seen = Seen::default();
    let (mut utf_8, mut gb18030) = (UTF_8.new_decoder(), GB18030.new_decoder());
    let (mut is_utf_8, mut is_gb18030) = (true, true);
    let mut chunk = vec![0; CHUNK];
    let mut first = true;
    loop {
        let read = text.read(&mut chunk)?;
        let bytes = &chunk[..read];
        if first {
            if bytes.starts_with(b"PK") {
                bail!("this is a spreadsheet or an archive, not text: save it as \"CSV UTF-8\" first");
            }
            if let Some((encoding, _)) = Encoding::for_bom(bytes) {
                return Ok(encoding);
            }
            first = false;
        }
        seen.take(bytes);
        let last = read == 0;
        is_utf_8 = is_utf_8 && is_good(&mut utf_8, bytes, last);
        is_gb18030 = is_gb18030 && is_good(&mut gb18030, bytes, last);
        if last {
            return seen.decide(is_utf_8, is_gb18030);
        }
    }
}

/// The encoding that the user named.
pub(super) fn named(name: &str) -> Option<&'static Encoding> {
    match name.to_ascii_lowercase().as_str() {
        "latin-1" => Some(WINDOWS_1252),
        other => Encoding::for_label(other.as_bytes())
            .filter(|encoding| [UTF_8, UTF_16BE, UTF_16LE, GB18030, WINDOWS_1252].contains(encoding))
            .or_else(|| (other == "gbk" || other == "gb2312").then_some(GB18030)),
    }
}

fn is_good(decoder: &mut Decoder, bytes: &[u8], last: bool) -> bool {
    let room = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(4 * CHUNK);
    let mut text = vec![0; room];
    !decoder.decode_to_utf8(bytes, &mut text, last).3
}

/// What the bytes beyond ASCII look like.
#[derive(Debug, Default)]
struct Seen {
    high: u64,
    /// Those with another one beside them, two by two.
    paired: u64,
    alone: bool,
    nul: bool,
}

impl Seen {
    fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.nul |= byte == 0;
            if byte < 0x80 {
                self.alone = false;
                continue;
            }
            self.high += 1;
            if self.alone {
                self.paired += 2;
            }
            self.alone = !self.alone;
        }
    }

    fn decide(&self, is_utf_8: bool, is_gb18030: bool) -> Result<&'static Encoding> {
        let paired = 100 * self.paired / self.high.max(1);
        match () {
            () if self.nul => bail!("this is no text: there are zero bytes in it"),
            () if is_utf_8 => Ok(UTF_8),
            () if is_gb18030 && paired >= PAIRED_PERCENT.0 => Ok(GB18030),
            () if paired <= PAIRED_PERCENT.1 => Ok(WINDOWS_1252),
            () => bail!(
                "the encoding is not clear: say --encoding gb18030 or --encoding latin-1, or save the file as UTF-8"
            ),
        }
    }
}

/// Reads UTF-8 where another encoding is stored. What cannot be decoded becomes U+FFFD.
///
/// Every line ends in `\n`, the last one too, so that rows can be told by counting these.
pub(super) struct Decoding<R> {
    from: R,
    decoder: Decoder,
    stored: Vec<u8>,
    /// Decoded, and how much of it was handed out.
    text: Vec<u8>,
    given: usize,
    last: u8,
    ended: bool,
}

impl<R: Read> Decoding<R> {
    pub(super) fn new(from: R, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        Self { from, decoder, stored: vec![0; CHUNK], text: Vec::new(), given: 0, last: b'\n', ended: false }
    }

    fn refill(&mut self) -> std::io::Result<()> {
        let read = self.from.read(&mut self.stored)?;
        self.ended = read == 0;
        let room = self.decoder.max_utf8_buffer_length(read).unwrap_or(4 * CHUNK);
        self.text.resize(room, 0);
        let (_, _, written, _) =
            self.decoder.decode_to_utf8(&self.stored[..read], &mut self.text, self.ended);
        self.text.truncate(written);
        self.end_lines();
        self.given = 0;
        Ok(())
    }

    /// Makes `\r\n` and `\r` a `\n`, and ends the last line.
    fn end_lines(&mut self) {
        let last = &mut self.last;
        self.text.retain(|&byte| {
            let second = byte == b'\n' && *last == b'\r';
            *last = byte;
            !second
        });
        self.text.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
        if self.ended && !matches!(self.last, b'\n' | b'\r') {
            self.text.push(b'\n');
        }
    }
}

impl<R: Read> Read for Decoding<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        while self.given == self.text.len() && !self.ended {
            self.refill()?;
        }
        let ready = &self.text[self.given..];
        let given = ready.len().min(out.len());
        out[..given].copy_from_slice(&ready[..given]);
        self.given += given;
        Ok(given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &'static Encoding) {
        let encoding = detect(bytes).unwrap();
        assert_eq!(encoding, expected);
    }

    #[test]
    fn spreadsheets_and_bytes_that_are_no_text_are_refused_with_a_remedy() {
        assert!(detect(&b"PK\x03\x04..."[..]).unwrap_err().to_string().contains("CSV UTF-8"));
        assert!(detect(&b"a\0b"[..]).unwrap_err().to_string().contains("no text"));
        // Pairs and single bytes mixed: could be either.
        let mixed = [&[0xb6u8, 0xab, b' '][..], &[0xb6, 0xab, b' ', 0xe9, b' ']].concat();
        assert!(detect(&mixed[..]).unwrap_err().to_string().contains("--encoding gb18030"));
    }

    #[test]
    fn each_encoding_is_known_by_its_bytes() {
        check("编号,纬度\n东风街,36.7".as_bytes(), UTF_8);
        check(b"plain", UTF_8);
        check(&GB18030.encode("编号,纬度,经度\n东风街1号,36.7,119.1\n").0, GB18030);
        check(&WINDOWS_1252.encode("id;Straße;Höhe\n1;Schloßallee;8\n").0, WINDOWS_1252);
        check(b"\xff\xfea\0", UTF_16LE);
        assert_eq!(
            ["GBK", "gb2312", "latin-1", "utf-8"].map(named).map(Option::unwrap),
            [GB18030, GB18030, WINDOWS_1252, UTF_8]
        );
        assert_eq!(named("ebcdic"), None);
    }

    #[test]
    fn decoding_gives_what_was_encoded_whatever_the_size_of_the_reads() {
        let text = "东风街, 北海路; ".repeat(20_000);
        let stored = GB18030.encode(&text).0;
        let mut decoded = String::new();
        Decoding::new(&stored[..], GB18030).read_to_string(&mut decoded).unwrap();
        assert!(decoded == format!("{text}\n"));
        let mut marked = String::new();
        Decoding::new("\u{feff}id".as_bytes(), UTF_8).read_to_string(&mut marked).unwrap();
        assert_eq!(marked, "id\n");
        let mut lines = String::new();
        Decoding::new(&b"a\r\nb\rc\n\r\n"[..], UTF_8).read_to_string(&mut lines).unwrap();
        assert_eq!(lines, "a\nb\nc\n\n");
    }
}
