//! Pictures from a camera or a file, and the code in them.

use std::io::Cursor;

use axum::body::Bytes;
use image::{GrayImage, ImageReader, Limits};

use crate::http::Problem;

/// The largest picture that is decoded \[pixels a side\].
pub(crate) const PICTURE_SIDE_MAX: u32 = 4_096;

/// What a picture shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// No QR code.
    Nothing,
    /// A QR code that cannot be read: blurred, cut off, or glaring.
    Blurred,
    /// A QR code with this text.
    Code(String),
}

/// Looks for a code in a JPEG or PNG, on a thread where that may take its time.
pub(crate) async fn look(picture: Bytes) -> Result<Seen, Problem> {
    let looking = tokio::task::spawn_blocking(move || decode(&picture).map(|picture| find(&picture)));
    looking.await.map_err(|_| Problem::invalid("the picture could not be read"))?
}

pub(crate) fn decode(picture: &[u8]) -> Result<GrayImage, Problem> {
    let mut reader = ImageReader::new(Cursor::new(picture))
        .with_guessed_format()
        .map_err(|_| Problem::invalid("the picture could not be read"))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(PICTURE_SIDE_MAX);
    limits.max_image_height = Some(PICTURE_SIDE_MAX);
    reader.limits(limits);
    let wrong =
        |_| Problem::invalid(format!("not a JPEG or PNG of at most {PICTURE_SIDE_MAX} pixels a side"));
    Ok(reader.decode().map_err(wrong)?.into_luma8())
}

pub(crate) fn find(picture: &GrayImage) -> Seen {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut prepared =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| picture.as_raw()[y * width + x]);
    let grids = prepared.detect_grids();
    let read = grids.iter().find_map(|grid| grid.decode().ok());
    match read {
        Some((_, text)) => Seen::Code(text),
        None if grids.is_empty() => Seen::Nothing,
        None => Seen::Blurred,
    }
}

#[cfg(test)]
mod tests {
    use eid::qr::{Level, Symbol};
    use image::Luma;

    use super::*;

    /// Pixels of one module.
    const MODULE: u32 = 6;

    fn picture_of(text: &str) -> GrayImage {
        let symbol = Symbol::from_text(text, Level::Low).unwrap();
        let side = (symbol.side() as u32 + 8) * MODULE;
        GrayImage::from_fn(side, side, |x, y| {
            let place = |pixel: u32| (pixel / MODULE).wrapping_sub(4) as usize;
            Luma([if symbol.is_dark(place(x), place(y)) { 0 } else { 255 }])
        })
    }

    #[test]
    fn what_is_no_picture_is_a_problem() {
        assert!(decode(b"GIF89a").is_err());
        assert!(decode(b"").is_err());
    }

    #[test]
    fn a_white_wall_shows_nothing() {
        assert_eq!(find(&GrayImage::from_pixel(200, 200, Luma([255]))), Seen::Nothing);
    }

    #[test]
    fn a_symbol_whose_middle_is_hidden_is_seen_but_not_read() {
        let mut picture = picture_of("KITECITY ".repeat(8).as_str());
        let (from, to) = (picture.width() / 3, picture.width() * 4 / 5);
        for (x, y) in (from..to).flat_map(|x| (from..to).map(move |y| (x, y))) {
            picture.put_pixel(x, y, Luma([128]));
        }
        assert_eq!(find(&picture), Seen::Blurred);
    }

    #[test]
    fn a_sharp_symbol_is_read() {
        assert_eq!(find(&picture_of("KITE")), Seen::Code("KITE".to_owned()));
    }
}
