use types::Timestamp;

/// How the driver of a luminaire moves: from one level to another at one fine step per millisecond, or not at all.
///
/// Whole milliseconds and whole fine steps only, so that where it is at any moment is exact.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drive {
    from: u32,
    to: u32,
    start: Timestamp,
}

impl Drive {
    /// Resting at a level.
    pub(super) fn resting(level: u32, start: Timestamp) -> Self {
        Self { from: level, to: level, start }
    }

    /// On its way from where this one is at `now`.
    pub(super) fn towards(self, to: u32, now: Timestamp) -> Self {
        Self { from: self.level(now), to, start: now }
    }

    /// When it set off or came to rest.
    #[inline]
    pub(super) fn start(self) -> Timestamp {
        self.start
    }

    /// The same by a clock that was set `by_ms` forward.
    pub(super) fn shifted(self, by_ms: i64) -> Self {
        Self { start: self.start.plus_millis(by_ms), ..self }
    }

    /// Where it is \[fine steps\].
    #[inline]
    pub(super) fn level(self, now: Timestamp) -> u32 {
        if !self.is_moving() {
            return self.to;
        }
        let moved = u32::try_from(now.millis_since(self.start)).unwrap_or(u32::MAX).min(self.distance());
        if self.from < self.to { self.from + moved } else { self.from - moved }
    }

    /// Where it goes or rests \[fine steps\].
    pub(super) fn goal(self) -> u32 {
        self.to
    }

    /// When it comes to rest; `None` if it rests.
    pub(super) fn arrival(self) -> Option<Timestamp> {
        self.is_moving().then(|| self.start.plus_millis(i64::from(self.distance())))
    }

    /// When it passes a level between where it set off and where it goes.
    pub(super) fn passes(self, level: u32) -> Option<Timestamp> {
        let between = level > self.from.min(self.to) && level < self.from.max(self.to);
        between.then(|| self.start.plus_millis(i64::from(self.from.abs_diff(level))))
    }

    /// Whether it has not come to rest.
    pub(super) fn is_moving(self) -> bool {
        self.from != self.to
    }

    /// Whether it rests at no light.
    pub(super) fn is_off(self) -> bool {
        self.from == 0 && self.to == 0
    }

    fn distance(self) -> u32 {
        self.from.abs_diff(self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fade_turned_back_on_its_way_starts_from_where_it_is() {
        let at = Timestamp::from_millis;
        let up = Drive::resting(0, at(0)).towards(2_000, at(0));
        assert_eq!((up.level(at(0)), up.level(at(700)), up.level(at(9_000))), (0, 700, 2_000));
        assert_eq!(up.arrival(), Some(at(2_000)));

        let down = up.towards(100, at(700));
        assert_eq!((down.level(at(700)), down.level(at(800)), down.arrival()), (700, 600, Some(at(1_300))));
    }

    #[test]
    fn a_fade_that_has_not_moved_yet_is_not_off() {
        let up = Drive::resting(0, Timestamp::default()).towards(5, Timestamp::default());
        assert!(!up.is_off() && up.is_moving());
        assert!(Drive::resting(0, Timestamp::default()).is_off());
    }
}
