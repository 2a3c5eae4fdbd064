//! Draws QR symbols (ISO/IEC 18004), for a page or a terminal.

use std::fmt::Write as _;

use qrcode::bits::Bits;
use qrcode::canvas::{Canvas, MaskPattern};
use qrcode::ec::construct_codewords;
use qrcode::types::{Color, EcLevel, Mode, QrError, Version};

/// The largest symbol to show on a phone \[modules a side\]: at a width of 60 mm, 0.78 mm a module.
pub const SCREEN_MODULES_MAX: usize = 77;

/// The light border a symbol needs \[modules\].
pub const QUIET_ZONE: usize = 4;

/// The largest version.
const VERSION_MAX: i16 = 40;

/// Always the same mask. Trying all eight, as the standard wants, takes sixty times as long as everything else here
/// together, and readers cope with any one as well as with the best: what is drawn is as good as random.
const MASK: MaskPattern = MaskPattern::Checkerboard;

/// How much of a symbol may be unreadable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// L: about 7 %. For screens.
    #[default]
    Low,
    /// M: about 15 %. For paper.
    Medium,
    /// Q: about 25 %.
    Quartile,
    /// H: about 30 %.
    High,
}

/// Why a text has no symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("text of {got} bytes is too long for a QR code")]
pub struct TextTooLong {
    /// The length of the text \[bytes\].
    pub got: usize,
}

/// A symbol: a square of dark and light modules, without the quiet zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    side: usize,
    modules: Vec<bool>,
}

impl Symbol {
    /// The smallest symbol for a text.
    ///
    /// A text of `0-9 A-Z $%*+-./:` and blanks, such as a code, takes 5.5 bits a character; any other, such as a URL
    /// with small letters, is drawn as UTF-8.
    ///
    /// # Errors
    ///
    /// [`TextTooLong`] if it does not fit the largest symbol: 4,296 characters of the former kind or 2,953 bytes of
    /// the latter, at [`Level::Low`].
    pub fn from_text(text: &str, level: Level) -> Result<Self, TextTooLong> {
        let mode = if text.bytes().all(is_alphanumeric) { Mode::Alphanumeric } else { Mode::Byte };
        let version =
            smallest_version(text.len(), mode, level.into()).ok_or(TextTooLong { got: text.len() })?;
        Ok(draw(text.as_bytes(), mode, version, level.into()).expect("the text fits this version"))
    }

    /// Modules a side, `21..=177`.
    pub fn side(&self) -> usize {
        self.side
    }

    /// The modules row by row, from the top left; dark is `true`.
    pub fn modules(&self) -> &[bool] {
        &self.modules
    }

    /// Whether a module is dark. Outside the symbol everything is light.
    pub fn is_dark(&self, x: usize, y: usize) -> bool {
        x < self.side && y < self.side && self.modules[y * self.side + x]
    }

    /// An SVG image, black on white with its quiet zone, that grows to whatever box it is put in.
    ///
    /// One path: a stroke for each run of dark modules, a move for each gap.
    pub fn to_svg(&self) -> String {
        let full = self.side + 2 * QUIET_ZONE;
        let mut svg = String::with_capacity(4 * self.modules.len());
        write!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {full} {full}\" role=\"img\" \
             aria-label=\"QR code / 二维码\" shape-rendering=\"crispEdges\"><path fill=\"#fff\" \
             d=\"M0 0h{full}v{full}H0z\"/><path stroke=\"#000\" d=\""
        )
        .expect("a String takes every text");
        for (y, row) in self.modules.chunks(self.side).enumerate() {
            write_row(&mut svg, row, y + QUIET_ZONE);
        }
        svg.push_str("\"/></svg>");
        svg
    }

    /// Lines of half blocks, two modules a character, with the quiet zone and a line end after each.
    ///
    /// What is light is drawn and what is dark is left blank: for light letters on a dark ground.
    pub fn to_terminal(&self) -> String {
        let full = self.side + 2 * QUIET_ZONE;
        // Below and right of the symbol `is_dark` says light; above and left, the wrapped number is outside too.
        let is_light =
            |x: usize, y: usize| !self.is_dark(x.wrapping_sub(QUIET_ZONE), y.wrapping_sub(QUIET_ZONE));
        let mut text = String::with_capacity(3 * full * (full / 2 + 1));
        for y in (0..full).step_by(2) {
            text.extend((0..full).map(|x| match (is_light(x, y), is_light(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            }));
            text.push('\n');
        }
        text
    }
}

impl From<Level> for EcLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Low => Self::L,
            Level::Medium => Self::M,
            Level::Quartile => Self::Q,
            Level::High => Self::H,
        }
    }
}

/// The alphabet of both base45 (RFC 9285) and the alphanumeric mode.
fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || b" $%*+-./:".contains(&byte)
}

fn smallest_version(len: usize, mode: Mode, level: EcLevel) -> Option<Version> {
    let bits = |version: Version| {
        version.mode_bits_count() + mode.length_bits_count(version) + mode.data_bits_count(len)
    };
    let fits = |version: &Version| Bits::new(*version).max_len(level).is_ok_and(|max| bits(*version) <= max);
    (1..=VERSION_MAX).map(Version::Normal).find(fits)
}

fn draw(text: &[u8], mode: Mode, version: Version, level: EcLevel) -> Result<Symbol, QrError> {
    let mut bits = Bits::new(version);
    match mode {
        Mode::Alphanumeric => bits.push_alphanumeric_data(text)?,
        _ => bits.push_byte_data(text)?,
    }
    bits.push_terminator(level)?;
    let (data, correction) = construct_codewords(&bits.into_bytes(), version, level)?;
    let mut canvas = Canvas::new(version, level);
    canvas.draw_all_functional_patterns();
    canvas.draw_data(&data, &correction);
    canvas.apply_mask(MASK);
    let modules = canvas.into_colors().into_iter().map(|color| color == Color::Dark).collect();
    Ok(Symbol { side: version.width().unsigned_abs().into(), modules })
}

/// Appends the strokes of one row to the path.
fn write_row(svg: &mut String, row: &[bool], y: usize) {
    let mut x = 0;
    // Where the pen is; None before the first stroke of the row.
    let mut pen = None;
    for run in row.chunk_by(|a, b| a == b) {
        if run[0] {
            match pen {
                // The middle of the row: a stroke is as wide to one side as to the other.
                None => write!(svg, "M{} {y}.5", x + QUIET_ZONE),
                Some(pen) => write!(svg, "m{} 0", x - pen),
            }
            .and_then(|()| write!(svg, "h{}", run.len()))
            .expect("a String takes every text");
            pen = Some(x + run.len());
        }
        x += run.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_over_the_largest_symbol_is_refused() {
        let check = |text: String, level| {
            let got = text.len();
            assert_eq!(Symbol::from_text(&text, level), Err(TextTooLong { got }));
        };
        check("A".repeat(4_297), Level::Low);
        check("a".repeat(2_954), Level::Low);
        check("A".repeat(1_853), Level::High);
        assert_eq!(Symbol::from_text(&"A".repeat(4_296), Level::Low).map(|symbol| symbol.side()), Ok(177));
        assert_eq!(Symbol::from_text(&"a".repeat(2_953), Level::Low).map(|symbol| symbol.side()), Ok(177));
    }

    #[test]
    fn the_smallest_version_that_holds_a_text_is_taken() {
        let side = |len, level| Symbol::from_text(&"A".repeat(len), level).unwrap().side();
        // Capacities of ISO/IEC 18004, table 7.
        assert_eq!((side(25, Level::Low), side(26, Level::Low)), (21, 25));
        assert_eq!((side(20, Level::Medium), side(21, Level::Medium)), (21, 25));
        assert_eq!((side(335, Level::Low), side(336, Level::Low)), (53, 57));
        assert_eq!(side(0, Level::Low), 21);
    }

    #[test]
    fn what_is_not_data_is_drawn_as_the_slow_way_draws_it() {
        let symbol = Symbol::from_text("HELLO WORLD", Level::Quartile).unwrap();
        let slow = qrcode::QrCode::with_error_correction_level("HELLO WORLD", EcLevel::Q).unwrap();
        assert_eq!(symbol.side(), slow.width());
        // The mask is not the same, but whatever is not data is.
        for y in 0..slow.width() {
            for x in 0..slow.width() {
                let is_format = x == 8 || y == 8;
                if slow.is_functional(x, y) && !is_format {
                    let dark = slow[(x, y)] == Color::Dark;
                    assert_eq!(symbol.is_dark(x, y), dark, "{x} {y}");
                }
            }
        }
    }

    /// Follows the pen of the black path.
    fn modules_of(svg: &str, side: usize) -> Vec<bool> {
        let path = svg.split("stroke=\"#000\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        let mut modules = vec![false; side * side];
        let (mut x, mut y) = (0, 0);
        let mut rest = path;
        while let Some(command) = rest.chars().next() {
            let end = rest[1..].find(['M', 'm', 'h']).map_or(rest.len(), |end| end + 1);
            let numbers: Vec<f64> = rest[1..end].split(' ').map(|number| number.parse().unwrap()).collect();
            match command {
                'M' => (x, y) = (numbers[0] as usize - QUIET_ZONE, (numbers[1] - 0.5) as usize - QUIET_ZONE),
                'm' => x += numbers[0] as usize,
                _ => {
                    for _ in 0..numbers[0] as usize {
                        modules[y * side + x] = true;
                        x += 1;
                    }
                }
            }
            rest = &rest[end..];
        }
        modules
    }

    #[test]
    fn the_svg_shows_every_module() {
        for text in ["HELLO WORLD", "https://example.org/kite?n=1", "潍坊风筝"] {
            let symbol = Symbol::from_text(text, Level::Medium).unwrap();
            assert_eq!(modules_of(&symbol.to_svg(), symbol.side()), symbol.modules(), "{text}");
        }
    }

    #[test]
    fn the_svg_is_one_picture_with_a_name_and_a_quiet_zone() {
        let svg = Symbol::from_text("HELLO WORLD", Level::Low).unwrap().to_svg();
        let start = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 29 29\" role=\"img\"";
        assert!(svg.starts_with(start), "{svg}");
        assert!(svg.contains("shape-rendering=\"crispEdges\"") && svg.contains("d=\"M4 4.5h7"), "{svg}");
        assert!(svg.ends_with("</svg>"));
    }

    #[test]
    fn the_terminal_shows_every_module_and_the_quiet_zone() {
        let symbol = Symbol::from_text("HELLO WORLD", Level::Low).unwrap();
        let full = symbol.side() + 2 * QUIET_ZONE;
        let text = symbol.to_terminal();
        let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
        assert_eq!((lines.len(), lines[0].len()), (full.div_ceil(2), full));
        for (x, y) in (0..full).flat_map(|y| (0..full).map(move |x| (x, y))) {
            let half = if y % 2 == 0 { '▀' } else { '▄' };
            let dark = ![half, '█'].contains(&lines[y / 2][x]);
            let expected =
                x >= QUIET_ZONE && y >= QUIET_ZONE && symbol.is_dark(x - QUIET_ZONE, y - QUIET_ZONE);
            assert_eq!(dark, expected, "{x} {y}");
        }
    }
}
