//! A reader of zlib that cannot read stored blocks, as PixelPass 0.6.0 cannot: it reads fixed-Huffman blocks only.

/// Base length and extra bits of the symbols 257 to 285, base distance and extra bits of 0 to 29 (RFC 1951, 3.2.5),
/// computed rather than copied from the writer.
fn length_of(symbol: usize) -> (usize, u32) {
    match symbol {
        285 => (258, 0),
        257..=264 => (symbol - 254, 0),
        _ => {
            let extra = (symbol as u32 - 261) / 4;
            (3 + ((4 + (symbol - 261) % 4) << extra), extra)
        }
    }
}

fn distance_of(symbol: usize) -> (usize, u32) {
    if symbol < 4 {
        (symbol + 1, 0)
    } else {
        let extra = symbol as u32 / 2 - 1;
        (1 + ((2 + symbol % 2) << extra), extra)
    }
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> usize {
        let bit = self.bytes[self.at / 8] >> (self.at % 8) & 1;
        self.at += 1;
        bit.into()
    }

    /// Least significant bit first, as numbers are.
    fn number(&mut self, bits: u32) -> usize {
        (0..bits).map(|n| self.bit() << n).sum()
    }

    /// Most significant bit first, as Huffman codes are.
    fn code(&mut self, start: usize, bits: u32) -> usize {
        (0..bits).fold(start, |code, _| code << 1 | self.bit())
    }

    /// A symbol of the fixed code (RFC 1951, 3.2.6).
    fn symbol(&mut self) -> usize {
        let seven = self.code(0, 7);
        if seven < 0b001_1000 {
            return 256 + seven;
        }
        let eight = self.code(seven, 1);
        match eight {
            0b0011_0000..=0b1011_1111 => eight - 0b0011_0000,
            0b1100_0000..=0b1100_0111 => 280 + eight - 0b1100_0000,
            _ => 144 + self.code(eight, 1) - 0b1_1001_0000,
        }
    }
}

/// Whether a zlib stream is made of fixed-Huffman blocks and its checksum is right.
pub(crate) fn inflates_without_stored_blocks(stream: &[u8]) -> bool {
    let mut bits = Bits { bytes: &stream[2..stream.len() - 4], at: 0 };
    let mut out: Vec<u8> = Vec::new();
    loop {
        let is_last = bits.bit() == 1;
        if bits.number(2) != 1 {
            return false;
        }
        loop {
            match bits.symbol() {
                256 => break,
                literal @ 0..256 => out.push(literal as u8),
                symbol => {
                    let (length, extra) = length_of(symbol);
                    let length = length + bits.number(extra);
                    let symbol = bits.code(0, 5);
                    let (distance, extra) = distance_of(symbol);
                    let distance = distance + bits.number(extra);
                    (0..length).for_each(|_| out.push(out[out.len() - distance]));
                }
            }
        }
        if is_last {
            break;
        }
    }
    let (a, b) = out.iter().fold((1u32, 0u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    stream[stream.len() - 4..] == (b << 16 | a).to_be_bytes()
}
