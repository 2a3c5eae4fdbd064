//! zlib (RFC 1950) in both directions: our own writer, and a bounded reader.
//!
//! The writer exists because compression libraries choose a *stored* deflate block for data that does not shrink, and
//! signed data does not. PixelPass 0.6.0, the widespread reader of claim 169 codes in browsers, crashes on stored
//! blocks. This writer has one kind of block only: fixed Huffman (RFC 1951, 3.2.6).

use flate2::{Decompress, FlushDecompress, Status};

use crate::RefusalReason;

/// What a code may inflate to \[bytes\]. The same cap as other readers of claim 169.
pub(crate) const INFLATED_LEN_MAX: usize = 64 * 1024;

/// CM 8 with a 32 KiB window, and FLEVEL 3: `78 DA`.
const HEADER: [u8; 2] = [0x78, 0xda];

/// Whether this is the first byte of a zlib stream: method 8 with a window of at most 32 KiB (RFC 1950, 2.2).
///
/// No COSE_Sign1 begins so: as the first byte of CBOR it would be a number or a text.
pub(crate) fn starts_zlib(first: u8) -> bool {
    first & 0x0f == 8 && first >> 4 <= 7
}

/// The bytes within a zlib stream.
///
/// # Errors
///
/// [`RefusalReason::QrTooLarge`] if they are more than [`INFLATED_LEN_MAX`], of which no more is ever inflated;
/// [`RefusalReason::QrBadCompression`] if the stream is broken, ends early or has anything behind its end.
pub(crate) fn inflate(stream: &[u8]) -> Result<Vec<u8>, RefusalReason> {
    // Signed data does not shrink: nearly every code fits the first room. Only what does not is worth 64 KiB.
    let room = (2 * stream.len()).min(INFLATED_LEN_MAX) + 1;
    inflate_within(stream, room).unwrap_or_else(|| {
        inflate_within(stream, INFLATED_LEN_MAX + 1).unwrap_or(Err(RefusalReason::QrTooLarge))
    })
}

/// None unless fewer than `room` bytes come out.
fn inflate_within(stream: &[u8], room: usize) -> Option<Result<Vec<u8>, RefusalReason>> {
    let mut inflated = vec![0; room];
    let mut inflater = Decompress::new(true);
    let Ok(status) = inflater.decompress(stream, &mut inflated, FlushDecompress::Finish) else {
        return Some(Err(RefusalReason::QrBadCompression));
    };
    let len = inflater.total_out() as usize;
    if len >= room {
        return None;
    }
    if status != Status::StreamEnd || inflater.total_in() as usize != stream.len() {
        return Some(Err(RefusalReason::QrBadCompression));
    }
    inflated.truncate(len);
    Some(Ok(inflated))
}

/// A zlib stream of `data` in a single fixed-Huffman block.
///
/// Repetitions are looked for where the same three bytes stood last, and nowhere else: tokens are short, and most of
/// one is a signature.
pub(crate) fn deflate(data: &[u8]) -> Vec<u8> {
    let mut bits =
        BitWriter { bytes: Vec::with_capacity(data.len() + data.len() / 8 + 16), held: 0, count: 0 };
    bits.bytes.extend(HEADER);
    bits.put(0b011, 3); // BFINAL 1, BTYPE 01.
    let mut matches = MatchFinder { last: [0; 1 << MatchFinder::HASH_BITS] };
    let mut at = 0;
    while at < data.len() {
        let step = match matches.find(data, at) {
            Some((len, distance)) => {
                bits.put_match(len, distance);
                len
            }
            None => {
                bits.put_symbol(u16::from(data[at]));
                1
            }
        };
        for passed in at..at + step {
            matches.remember(data, passed);
        }
        at += step;
    }
    bits.put_symbol(END_OF_BLOCK);
    bits.flush();
    bits.bytes.extend(adler32(data).to_be_bytes());
    bits.bytes
}

/// The symbol that ends a block.
const END_OF_BLOCK: u16 = 256;
/// Shortest and longest repetition.
const MATCH_LEN: std::ops::RangeInclusive<usize> = 3..=258;
/// How far back a repetition may lie \[bytes\].
const DISTANCE_MAX: usize = 32 * 1024;

/// Base length and number of extra bits of the symbols 257 to 285 (RFC 1951, 3.2.5).
const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// Base distance and number of extra bits of the distance symbols 0 to 29 (RFC 1951, 3.2.5).
const DISTANCES: [(u16, u8); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12_289, 12),
    (16_385, 13),
    (24_577, 13),
];

/// Collects bits, the first one lowest (RFC 1951, 3.1.1).
struct BitWriter {
    bytes: Vec<u8>,
    /// Bits that do not fill a byte yet.
    held: u64,
    count: u32,
}

impl BitWriter {
    fn put(&mut self, bits: u16, count: u32) {
        self.held |= u64::from(bits) << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.held as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    /// Huffman codes, unlike everything else, begin with their highest bit.
    fn put_code(&mut self, code: u16, count: u32) {
        self.put(code.reverse_bits() >> (16 - count), count);
    }

    /// A literal byte, the end of the block, or a length (RFC 1951, 3.2.6).
    fn put_symbol(&mut self, symbol: u16) {
        match symbol {
            0..=143 => self.put_code(0b0011_0000 + symbol, 8),
            144..=255 => self.put_code(0b1_1001_0000 + (symbol - 144), 9),
            256..=279 => self.put_code(symbol - 256, 7),
            _ => self.put_code(0b1100_0000 + (symbol - 280), 8),
        }
    }

    fn put_match(&mut self, len: usize, distance: usize) {
        let (index, base, extra) = last_at_most(&LENGTHS, len as u16);
        self.put_symbol(END_OF_BLOCK + 1 + index);
        self.put(len as u16 - base, extra);
        let (index, base, extra) = last_at_most(&DISTANCES, distance as u16);
        self.put_code(index, 5);
        self.put(distance as u16 - base, extra);
    }

    fn flush(&mut self) {
        if self.count > 0 {
            self.put(0, 8 - self.count);
        }
    }
}

/// The last row whose base is at most `value`: its index, base and number of extra bits.
fn last_at_most(table: &[(u16, u8)], value: u16) -> (u16, u16, u32) {
    let index = table.partition_point(|&(base, _)| base <= value) - 1;
    (index as u16, table[index].0, u32::from(table[index].1))
}

/// Remembers where each three bytes stood last.
struct MatchFinder {
    /// One more than the place, so that 0 means nowhere. Different bytes may share an entry.
    last: [u32; 1 << Self::HASH_BITS],
}

impl MatchFinder {
    const HASH_BITS: u32 = 9;

    /// Length and distance of a repetition worth more than the literals it replaces.
    fn find(&self, data: &[u8], at: usize) -> Option<(usize, usize)> {
        let entry = *self.last.get(Self::hash(data, at)?)? as usize;
        let before = entry.checked_sub(1)?;
        let distance = at - before;
        let len =
            data[at..].iter().zip(&data[before..]).take(*MATCH_LEN.end()).take_while(|(a, b)| a == b).count();
        // Three bytes from far away cost as much as they save: 7 + 5 bits and up to 13 more.
        let near_enough = len > 3 || distance <= 256;
        (MATCH_LEN.contains(&len) && distance <= DISTANCE_MAX && near_enough).then_some((len, distance))
    }

    fn remember(&mut self, data: &[u8], at: usize) {
        if let Some(hash) = Self::hash(data, at) {
            self.last[hash] = at as u32 + 1;
        }
    }

    /// None for the last two bytes.
    fn hash(data: &[u8], at: usize) -> Option<usize> {
        let bytes = data.get(at..at + 3)?;
        let key = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
        Some((key.wrapping_mul(0x9e37_79b1) >> (32 - Self::HASH_BITS)) as usize)
    }
}

/// RFC 1950, 8.2.
fn adler32(data: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    // The longest run of bytes for which neither sum can pass 32 bits.
    const RUN: usize = 5_552;
    let (mut a, mut b) = (1, 0);
    for run in data.chunks(RUN) {
        for &byte in run {
            a += u32::from(byte);
            b += a;
        }
        a %= MODULUS;
        b %= MODULUS;
    }
    b << 16 | a
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::Compression;
    use proptest::prelude::*;

    use super::*;

    fn inflate_by_library(stream: &[u8]) -> Vec<u8> {
        let mut inflated = Vec::new();
        flate2::read::ZlibDecoder::new(stream).read_to_end(&mut inflated).unwrap();
        inflated
    }

    /// The only block is the last one, and fixed Huffman.
    fn has_one_fixed_block(stream: &[u8]) -> bool {
        stream[2] & 0b111 == 0b011
    }

    #[test]
    fn a_bomb_is_not_inflated_past_the_cap() {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::best());
        std::io::Write::write_all(&mut encoder, &vec![0; 3_000_000]).unwrap();
        assert_eq!(inflate(&encoder.finish().unwrap()), Err(RefusalReason::QrTooLarge));
        assert_eq!(inflate(&deflate(&vec![7; INFLATED_LEN_MAX + 1])), Err(RefusalReason::QrTooLarge));
        assert_eq!(
            inflate(&deflate(&vec![7; INFLATED_LEN_MAX])).map(|data| data.len()),
            Ok(INFLATED_LEN_MAX)
        );
    }

    #[test]
    fn a_stream_cut_short_or_with_something_behind_it_is_broken() {
        let stream = deflate(b"kite kite kite");
        for len in 0..stream.len() {
            assert_eq!(inflate(&stream[..len]), Err(RefusalReason::QrBadCompression), "{len}");
        }
        assert_eq!(inflate(&[&stream[..], &[0]].concat()), Err(RefusalReason::QrBadCompression));
    }

    #[test]
    fn a_wrong_checksum_is_broken() {
        let mut stream = deflate(b"kite");
        *stream.last_mut().unwrap() ^= 1;
        assert_eq!(inflate(&stream), Err(RefusalReason::QrBadCompression));
    }

    #[test]
    fn the_library_would_have_written_a_stored_block() {
        let random: Vec<u8> = (0..20).flat_map(|n| types::Seed(n).stream("noise", 0).bytes::<8>()).collect();
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::best());
        std::io::Write::write_all(&mut encoder, &random).unwrap();
        let by_library = encoder.finish().unwrap();
        assert_eq!(by_library[2] & 0b110, 0b000, "BTYPE 00");
        assert_eq!(inflate(&by_library).as_ref(), Ok(&random), "and we read it all the same");
        assert!(has_one_fixed_block(&deflate(&random)));
    }

    #[test]
    fn repetitions_are_found() {
        assert!(deflate(&b"kitecity ".repeat(100)).len() < 40);
        assert_eq!(inflate(&deflate(&b"kitecity ".repeat(100))).unwrap(), b"kitecity ".repeat(100));
    }

    #[test]
    fn every_length_and_distance_is_read_back() {
        for len in 3..300 {
            let data = [vec![1; len], vec![2, 3], vec![1; len]].concat();
            assert_eq!(inflate_by_library(&deflate(&data)), data, "{len}");
        }
        let mut noise = types::Seed(3).stream("noise", 0);
        for gap in (0..40_000).step_by(499) {
            let gap: Vec<u8> = (0..gap).map(|_| noise.next_u64() as u8).collect();
            let data = [&b"once upon a time"[..], &gap, b"once upon a time"].concat();
            assert_eq!(inflate_by_library(&deflate(&data)), data);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_back_from_one_fixed_block(data in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..2_000),
            proptest::collection::vec(0u8..3, 0..2_000),
        ]) {
            let stream = deflate(&data);
            prop_assert!(has_one_fixed_block(&stream));
            prop_assert_eq!(&stream[..2], &HEADER);
            prop_assert_eq!(&inflate_by_library(&stream), &data);
            prop_assert_eq!(inflate(&stream), Ok(data));
        }

        #[test]
        fn any_bytes_inflate_within_the_cap_or_not_at_all(data in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            for stream in [data.clone(), [&HEADER[..], &data].concat()] {
                if let Ok(inflated) = inflate(&stream) {
                    prop_assert!(inflated.len() <= INFLATED_LEN_MAX);
                }
            }
        }
    }
}
