//! Charts over the time of a city, as SVG.
//!
//! Each is drawn twice, wide and narrow, and the style sheet shows the one that fits: letters that shrink with the
//! drawing cannot be read on a phone. Colours are those of [`palette`]; in the dark the style sheet swaps them.

use anyhow::Result;
use maud::{Markup, PreEscaped, html};
use plotters::coord::Shift;
use plotters::coord::combinators::{BindKeyPoints as _, WithKeyPoints};
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::coord::types::RangedCoordi64;
use plotters::prelude::*;
use scenario::show_moment;
use types::{DAY_MS, HOUR_MS, LOCAL_OFFSET_MS, MINUTE_MS, SECOND_MS, Timestamp};

/// Every colour of a chart; the style sheet knows each.
pub(crate) mod palette {
    use plotters::style::RGBColor;

    pub(crate) const INK: RGBColor = RGBColor(0x57, 0x60, 0x6A);
    pub(crate) const GRID: RGBColor = RGBColor(0xD8, 0xDE, 0xE4);
    pub(crate) const LINE: RGBColor = RGBColor(0x09, 0x69, 0xDA);
    pub(crate) const GOOD: RGBColor = RGBColor(0x1A, 0x7F, 0x37);
    pub(crate) const WARN: RGBColor = RGBColor(0x9A, 0x67, 0x00);
    pub(crate) const OTHER: RGBColor = RGBColor(0x82, 0x50, 0xDF);
    pub(crate) const BAD: RGBColor = RGBColor(0xCF, 0x22, 0x2E);
}

/// How a chart is drawn: its class in the style sheet, its size \[px\], and how many moments its axis may name.
const FORMS: [(&str, (u32, u32), i64); 2] = [("wide", (880, 220), 8), ("narrow", (360, 200), 4)];
/// Left of the charts, the same for all, so that one moment is at one place \[px\].
const LABELS_WIDTH: u32 = 64;
/// Below them \[px\].
const LABELS_HEIGHT: u32 = 28;
/// Size of letters, as plotters counts \[px\].
const LETTERS: u32 = 16;
/// Distances of the moments named on an axis.
const STEPS_MS: [i64; 15] = [
    SECOND_MS,
    5 * SECOND_MS,
    15 * SECOND_MS,
    MINUTE_MS,
    2 * MINUTE_MS,
    5 * MINUTE_MS,
    10 * MINUTE_MS,
    15 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    2 * HOUR_MS,
    3 * HOUR_MS,
    6 * HOUR_MS,
    12 * HOUR_MS,
    DAY_MS,
];

/// Where a chart is drawn.
pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// A chart with its axes: time \[ms\] to the right, anything upwards.
pub(crate) type Plot<'a> =
    ChartContext<'a, SVGBackend<'a>, Cartesian2d<WithKeyPoints<RangedCoordi64>, Heights>>;

/// From when to when the charts of a run are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
}

impl Span {
    /// Never empty, for plotters cannot draw that.
    fn millis(self) -> std::ops::Range<i64> {
        let start = self.start.as_millis();
        start..self.end.as_millis().max(start + 1)
    }

    /// At most `most` round local times.
    fn ticks(self, most: i64) -> Vec<i64> {
        let range = self.millis();
        let length_ms = range.end - range.start;
        let days = |step: i64| step * (length_ms / most / step + 1);
        let step = STEPS_MS.into_iter().find(|step| length_ms / step < most).unwrap_or_else(|| days(DAY_MS));
        let first = (range.start + LOCAL_OFFSET_MS).div_euclid(step) * step - LOCAL_OFFSET_MS;
        (0..=most + 1).map(|nth| first + nth * step).filter(|at| range.contains(at)).collect()
    }

    fn name(self, at_ms: i64) -> String {
        let at = Timestamp::from_millis(at_ms);
        let days = at.local_day() - self.start.local_day();
        if days != 0 && at.local_time_ms() == 0 {
            return format!("+{days} d");
        }
        // There is little room, and the day is told at midnight.
        let name = show_moment(Timestamp::from_local(self.start.local_day(), at.local_time_ms()), self.start);
        name.strip_suffix(":00").map_or(name.clone(), str::to_owned)
    }
}

/// A number over time.
///
/// `whole` – the axis names only whole numbers.
pub(crate) fn curve(span: Span, label: &str, points: &[(Timestamp, f64)], whole: bool) -> Result<Markup> {
    drawn(label, |area, moments| {
        let most = points.iter().map(|point| point.1).fold(0.0, f64::max);
        let mut plot =
            framed(area, span, moments, Heights::up_to(most, whole), &|height| format!("{height}"))?;
        let points = points.iter().map(|(at, height)| (at.as_millis(), *height));
        let series = AreaSeries::new(points, 0.0, palette::LINE.mix(0.15));
        plot.draw_series(series.border_style(palette::LINE.stroke_width(2)))?;
        Ok(())
    })
}

/// One of several numbers over the same time.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(Timestamp, f64)>,
}

/// Colours of lines, in turns.
const LINES: [RGBColor; 5] = [palette::BAD, palette::LINE, palette::OTHER, palette::GOOD, palette::WARN];

/// Several numbers over the same time, with their names below.
pub(crate) fn lines(span: Span, label: &str, lines: &[Line]) -> Result<Markup> {
    let colour = |nth: usize| LINES[nth % LINES.len()];
    let chart = drawn(label, |area, moments| {
        let most = lines.iter().flat_map(|line| &line.points).map(|point| point.1).fold(0.0, f64::max);
        let mut plot =
            framed(area, span, moments, Heights::up_to(most, false), &|height| format!("{height}"))?;
        for (nth, line) in lines.iter().enumerate() {
            let points = line.points.iter().map(|(at, height)| (at.as_millis(), *height));
            plot.draw_series(LineSeries::new(points, colour(nth).stroke_width(2)))?;
        }
        Ok(())
    })?;
    Ok(html! {
        (chart)
        ul.legend {
            @for (nth, line) in lines.iter().enumerate() {
                @let RGBColor(red, green, blue) = colour(nth);
                li {
                    svg.swatch viewBox="0 0 24 4" aria-hidden="true" {
                        rect width="24" height="4" fill=(format!("#{red:02X}{green:02X}{blue:02X}")) {}
                    }
                    (line.name)
                }
            }
        }
    })
}

/// Axes, and room for what is drawn between them.
///
/// `moments` – how many the axis of time may name; `name` – what a height is called.
pub(crate) fn framed<'a>(
    area: &Area<'a>,
    span: Span,
    moments: i64,
    heights: Heights,
    name: &dyn Fn(f64) -> String,
) -> Result<Plot<'a>> {
    let mut plot = ChartBuilder::on(area)
        .margin(10)
        .margin_right(24)
        .x_label_area_size(LABELS_HEIGHT)
        .y_label_area_size(LABELS_WIDTH)
        .build_cartesian_2d(span.millis().with_key_points(span.ticks(moments)), heights)?;
    plot.configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(palette::GRID)
        .axis_style(palette::GRID)
        .label_style(letters())
        .x_label_formatter(&|at| span.name(*at))
        .y_label_formatter(&|height| name(*height))
        .draw()?;
    Ok(plot)
}

/// Upwards, from 0.
pub(crate) struct Heights {
    pub(crate) top: f64,
    /// The heights that the axis names.
    pub(crate) named: Vec<f64>,
}

impl Heights {
    fn up_to(most: f64, whole: bool) -> Self {
        let named = heights(most, whole);
        Self { top: named.last().copied().unwrap_or(1.0), named }
    }
}

impl Ranged for Heights {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, height: &f64, (from, to): (i32, i32)) -> i32 {
        from + (f64::from(to - from) * height / self.top).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.named.clone() }
    }

    fn range(&self) -> std::ops::Range<f64> {
        0.0..self.top
    }
}

fn letters() -> TextStyle<'static> {
    ("sans-serif", LETTERS).into_font().color(&palette::INK)
}

/// Every form of a chart. `paint` gets the area, and how many moments the axis may name.
pub(crate) fn drawn(label: &str, paint: impl Fn(&Area<'_>, i64) -> Result<()>) -> Result<Markup> {
    let mut forms = Vec::new();
    for (class, size, moments) in FORMS {
        let mut svg = String::new();
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        paint(&area, moments)?;
        area.present()?;
        drop(area);
        forms.push((class, inline(&svg).to_owned(), size));
    }
    Ok(html! {
        @for (class, shapes, (width, height)) in forms {
            svg.(class) role="img" aria-label=(label) viewBox={ "0 0 " (width) " " (height) } {
                (PreEscaped(shapes))
            }
        }
    })
}

/// What is inside of the outermost element: in HTML it needs no namespace.
fn inline(svg: &str) -> &str {
    let inside =
        svg.split_once("<svg").and_then(|(_, rest)| rest.split_once('>')).map_or("", |(_, rest)| rest);
    inside.rsplit_once("</svg>").map_or(inside, |(inside, _)| inside)
}

/// Round numbers from 0 to at least `most`, about four of them.
fn heights(most: f64, whole: bool) -> Vec<f64> {
    let rough = most.max(1e-3) / 4.0;
    let magnitude = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * magnitude).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(rough).max(if whole { 1.0 } else { 0.0 });
    let count = (most / step).ceil().max(1.0) as u32;
    // Through text, for 3 × 0.1 is not 0.3.
    (0..=count).map(|nth| f64::from(nth) * step).map(|height| (height * 1e6).round() / 1e6).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENING: i64 = 20_561;

    fn span(from_ms: i64, length_ms: i64) -> Span {
        let start = Timestamp::from_local(EVENING, from_ms);
        Span { start, end: start.plus_millis(length_ms) }
    }

    #[test]
    fn moments_on_the_axis_are_round_and_few() {
        let names =
            |span: Span, most| span.ticks(most).into_iter().map(|at| span.name(at)).collect::<Vec<_>>();
        let evening = span(18 * HOUR_MS + 37 * MINUTE_MS, 4 * HOUR_MS);
        assert_eq!(names(evening, 4), ["20:00", "22:00"]);
        assert_eq!(names(evening, 8), ["19:00", "20:00", "21:00", "22:00"].map(str::to_owned),);
        assert_eq!(names(span(23 * HOUR_MS, 2 * HOUR_MS), 4), ["23:00", "+1 d"]);
        for length_ms in [1, SECOND_MS, 90 * SECOND_MS, HOUR_MS, DAY_MS, 9 * DAY_MS, 366 * DAY_MS] {
            assert!(span(7 * HOUR_MS, length_ms).ticks(8).len() <= 9, "{length_ms}");
        }
    }

    #[test]
    fn heights_reach_the_highest_point_in_round_steps() {
        assert_eq!(heights(200.0, true), [0.0, 50.0, 100.0, 150.0, 200.0]);
        assert_eq!(heights(0.0, true), [0.0, 1.0]);
        assert_eq!(heights(3.0, true), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(heights(1.1, false), [0.0, 0.5, 1.0, 1.5]);
    }

    #[test]
    fn a_chart_of_nothing_and_of_one_moment_can_be_drawn() {
        let moment = span(0, 0);
        assert!(curve(moment, "none", &[], true).is_ok());
        assert!(curve(moment, "one", &[(moment.start, 5.0)], false).is_ok());
        assert!(lines(moment, "none", &[Line { name: "none".to_owned(), points: Vec::new() }]).is_ok());
    }

    #[test]
    fn the_style_sheet_knows_every_colour() {
        use palette::{BAD, GOOD, GRID, INK, LINE, OTHER, WARN};
        let style = include_str!("style.css");
        for RGBColor(red, green, blue) in [INK, GRID, LINE, GOOD, WARN, OTHER, BAD] {
            for attribute in ["fill", "stroke"] {
                let rule = format!("[{attribute}=\"#{red:02X}{green:02X}{blue:02X}\"]");
                assert!(style.contains(&rule), "{rule}");
            }
        }
    }
}
