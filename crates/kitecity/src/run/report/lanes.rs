//! What happened in a run, a lane for each kind.

use anyhow::Result;
use maud::Markup;
use plotters::prelude::*;

use super::marks::{Lane, Mark};
use crate::report::chart::{Heights, Span, drawn, framed, palette};

/// The lanes, and the marks on them.
pub(super) fn lanes(span: Span, label: &str, marks: &[Mark]) -> Result<Markup> {
    drawn(label, |area, moments| {
        let named = Lane::ALL.iter().map(|lane| lane.height()).collect();
        let heights = Heights { top: Lane::ALL.len() as f64, named };
        let mut plot = framed(area, span, moments, heights, &|height| Lane::at(height).name().to_owned())?;
        let of = |lane: Lane| marks.iter().filter(move |mark| mark.lane == lane).map(Mark::place);
        plot.draw_series(of(Lane::Failed).map(|at| Cross::new(at, 6, palette::BAD.stroke_width(3))))?;
        plot.draw_series(of(Lane::Raised).map(|at| TriangleMarker::new(at, 7, palette::WARN.filled())))?;
        plot.draw_series(of(Lane::Cleared).map(|at| Circle::new(at, 5, palette::WARN.stroke_width(2))))?;
        plot.draw_series(of(Lane::Settled).map(|at| Circle::new(at, 4, palette::GOOD.filled())))?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use types::Timestamp;

    use super::*;

    #[test]
    fn a_chart_of_nothing_can_be_drawn() {
        let start = Timestamp::from_millis(0);
        assert!(lanes(Span { start, end: start }, "none", &[]).is_ok());
    }
}
