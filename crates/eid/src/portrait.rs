//! The picture in a code: a generated tile, no face, small enough for the screen of a phone.
//!
//! WebP lossless (Google, "WebP Lossless Bitstream Specification") with the simplest codes it has: red, blue and alpha
//! are the same everywhere and cost nothing, green has two values and costs one bit a pixel.

use types::Seed;

/// Pixels on each side.
const SIDE: usize = 16;
/// Squares on each side; the right half mirrors the left.
const SQUARES: usize = 8;
/// What stands before the bits: RIFF, its length, WEBP, VP8L, its length.
const HEAD_LEN: usize = 20;

/// The portrait drawn from `seed`, as a WebP file of less than 80 bytes.
pub(crate) fn webp(seed: u64) -> Vec<u8> {
    let mut chance = Seed(seed).stream("portrait", 0);
    let squares = chance.next_u64();
    let mut between = |low: u8, high: u8| low + chance.below(u64::from(high - low)) as u8;
    let colours =
        Colours { red: between(32, 224), blue: between(32, 224), green: [between(0, 64), between(160, 255)] };
    file(&bits(&colours, |x, y| is_light(squares, x, y)))
}

struct Colours {
    red: u8,
    blue: u8,
    /// The dark one and the light one, ascending: so do their codes.
    green: [u8; 2],
}

fn is_light(squares: u64, x: usize, y: usize) -> bool {
    let square = |pixel: usize| pixel * SQUARES / SIDE;
    let column = square(x).min(SQUARES - 1 - square(x));
    squares >> (column * SQUARES + square(y)) & 1 == 1
}

fn bits(colours: &Colours, is_light: impl Fn(usize, usize) -> bool) -> Vec<u8> {
    let mut bits = Bits { bytes: vec![0x2f], used: 8 };
    bits.put(SIDE as u32 - 1, 14);
    bits.put(SIDE as u32 - 1, 14);
    // No alpha, version 0; no transform, no cache of colours, one group of codes.
    bits.put(0, 1 + 3);
    bits.put(0, 1 + 1 + 1);
    // Simple codes: of two symbols, or of one that needs no bits.
    bits.put(0b111, 3);
    bits.put(colours.green[0].into(), 8);
    bits.put(colours.green[1].into(), 8);
    for symbol in [colours.red, colours.blue, u8::MAX] {
        bits.put(0b101, 3);
        bits.put(symbol.into(), 8);
    }
    // No distance is ever used: its code has the symbol 0, of one bit.
    bits.put(0b0001, 4);
    for pixel in 0..SIDE * SIDE {
        bits.put(is_light(pixel % SIDE, pixel / SIDE).into(), 1);
    }
    bits.bytes
}

fn file(bits: &[u8]) -> Vec<u8> {
    let padded = bits.len().next_multiple_of(2);
    let mut file = Vec::with_capacity(HEAD_LEN + padded);
    file.extend(b"RIFF");
    file.extend((HEAD_LEN as u32 - 8 + padded as u32).to_le_bytes());
    file.extend(b"WEBPVP8L");
    file.extend((bits.len() as u32).to_le_bytes());
    file.extend(bits);
    file.resize(HEAD_LEN + padded, 0);
    file
}

/// Bits, the lowest of each byte first.
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        for bit in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            self.bytes[self.used / 8] |= ((value >> bit & 1) as u8) << (self.used % 8);
            self.used += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image_webp::WebPDecoder;

    use super::*;

    fn pixels(seed: u64) -> Vec<u8> {
        let mut decoder = WebPDecoder::new(Cursor::new(webp(seed))).unwrap();
        assert_eq!(decoder.dimensions(), (SIDE as u32, SIDE as u32));
        assert!(!decoder.has_alpha() && !decoder.is_lossy());
        let mut pixels = vec![0; decoder.output_buffer_size().unwrap()];
        decoder.read_image(&mut pixels).unwrap();
        pixels
    }

    #[test]
    fn another_reader_sees_a_mirrored_tile_of_two_colours() {
        for seed in 0..50 {
            let pixels = pixels(seed);
            let at = |x: usize, y: usize| &pixels[3 * (y * SIDE + x)..][..3];
            let mut colours: Vec<&[u8]> = (0..SIDE * SIDE).map(|n| at(n % SIDE, n / SIDE)).collect();
            assert!((0..SIDE * SIDE).all(|n| at(n % SIDE, n / SIDE) == at(SIDE - 1 - n % SIDE, n / SIDE)));
            colours.sort_unstable();
            colours.dedup();
            assert!(colours.len() <= 2, "{colours:?}");
        }
    }

    #[test]
    fn two_people_look_different_and_nobody_takes_much_room() {
        assert_ne!(pixels(1), pixels(2));
        assert!((0..50).all(|seed| webp(seed).len() < 80), "{}", webp(0).len());
    }
}
