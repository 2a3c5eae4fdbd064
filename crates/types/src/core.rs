use crate::Timestamp;

/// The one shape of everything stateful in the city.
///
/// A core does no I/O and reads no clock. Its driver – live or virtual – hands it inputs and the time, and carries
/// away what it writes to `out`:
///
/// 1. [`handle`](Self::handle) when an input arrives, or [`handle_timeout`](Self::handle_timeout) when the moment of
///    [`next_timeout`](Self::next_timeout) has come;
/// 2. take what was appended to `out`, in order;
/// 3. ask [`next_timeout`](Self::next_timeout) again: any call may have moved it.
///
/// `now` never goes backwards from one call to the next. `out` belongs to the driver, so that a hundred thousand
/// cores share one buffer (docs/decisions/0001-core-shape.md).
pub trait Core {
    /// What can happen to it.
    type Input;
    /// What it wants done.
    type Output;

    /// Takes one input.
    fn handle(&mut self, now: Timestamp, input: Self::Input, out: &mut Vec<Self::Output>);

    /// Does what is due at `now`. Harmless when nothing is.
    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Self::Output>);

    /// When [`handle_timeout`](Self::handle_timeout) should be called next, if ever.
    fn next_timeout(&self) -> Option<Timestamp>;
}
