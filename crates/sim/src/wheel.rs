//! What is due when: a timing wheel in place of a heap.

use std::collections::BTreeMap;

use types::Timestamp;

/// Things due, handed out in order of time; those due at the same millisecond in the order they were pushed.
///
/// ```text
/// this block of 1,024 ms: a slot for each ms ◀── the next 1,024..2,048 blocks: a slot for each ◀── what is further off
/// ```
///
/// Pushing and popping take the same few nanoseconds however much is due. Whatever waits in a coarse slot was pushed
/// before anything goes straight to the fine slots it covers, so that moving it down keeps the order of pushing.
#[derive(Debug)]
pub(crate) struct Wheel<T> {
    /// No later than anything due.
    now: i64,
    /// Due at `now`, from `taken` on.
    open: Vec<T>,
    taken: usize,
    /// By millisecond, within the block of `now`.
    fine: Slots<T>,
    /// By block, up to the end of the next span.
    coarse: Slots<(u16, T)>,
    /// By span, from the one after the next.
    far: BTreeMap<i64, Vec<(i64, T)>>,
}

/// A block is this many milliseconds, as a power of two.
const BLOCK_BITS: u32 = 10;
/// A span is this many milliseconds, as a power of two: 17.5 minutes, longer than a luminaire's report period.
const SPAN_BITS: u32 = 20;
const FINE_SLOTS: usize = 1 << BLOCK_BITS;
/// Two spans of blocks: this one and the next.
const COARSE_SLOTS: usize = 2 << (SPAN_BITS - BLOCK_BITS);

impl<T: Copy> Wheel<T> {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            now: now.as_millis(),
            open: Vec::new(),
            taken: 0,
            fine: Slots::new(FINE_SLOTS),
            coarse: Slots::new(COARSE_SLOTS),
            far: BTreeMap::new(),
        }
    }

    /// Notes that `what` is due at `at`; at once, if that has passed.
    pub(crate) fn push(&mut self, at: Timestamp, what: T) {
        let at = at.as_millis().max(self.now);
        if at >> BLOCK_BITS == self.now >> BLOCK_BITS {
            self.fine.push(at as usize % FINE_SLOTS, what);
        } else if at >> SPAN_BITS <= (self.now >> SPAN_BITS) + 1 {
            self.push_coarse(at, what);
        } else {
            self.far.entry(at >> SPAN_BITS).or_default().push((at, what));
        }
    }

    /// What is due first, if that is at `limit` or before.
    pub(crate) fn pop(&mut self, limit: Timestamp) -> Option<(Timestamp, T)> {
        while self.taken == self.open.len() {
            if !self.open_next(limit.as_millis()) {
                return None;
            }
        }
        // What is open may be due later than this limit, if an earlier call had a later one.
        if self.now > limit.as_millis() {
            return None;
        }
        self.taken += 1;
        Some((Timestamp::from_millis(self.now), self.open[self.taken - 1]))
    }

    /// Opens the next millisecond at which anything is due, or moves one step nearer to it. Whether it could, within
    /// `limit`.
    fn open_next(&mut self, limit: i64) -> bool {
        self.open.clear();
        self.taken = 0;
        let block = self.now >> BLOCK_BITS;
        if let Some(slot) = self.fine.next_from(self.now as usize % FINE_SLOTS) {
            let at = (block << BLOCK_BITS) + slot as i64;
            if at <= limit {
                self.now = at;
                self.fine.take(slot, &mut self.open);
            }
            return at <= limit;
        }
        let first = (block + 1) as usize % COARSE_SLOTS;
        if let Some(slot) = self.coarse.next_around(first) {
            let next = block + 1 + ((slot + COARSE_SLOTS - first) % COARSE_SLOTS) as i64;
            return next << BLOCK_BITS <= limit && {
                self.enter_block(next, slot);
                true
            };
        }
        let Some((&span, _)) = self.far.first_key_value() else { return false };
        let within = span << SPAN_BITS <= limit;
        if within {
            self.now = span << SPAN_BITS;
            self.move_near(span);
            self.move_near(span + 1);
            // The block that has begun has its fine slots.
            self.refine(self.now >> BLOCK_BITS);
        }
        within
    }

    fn enter_block(&mut self, block: i64, slot: usize) {
        debug_assert_eq!(block as usize % COARSE_SLOTS, slot, "a slot stands for one block");
        let span_before = self.now >> SPAN_BITS;
        self.now = block << BLOCK_BITS;
        let span = self.now >> SPAN_BITS;
        if span > span_before {
            self.move_near(span + 1);
        }
        self.refine(block);
    }

    fn refine(&mut self, block: i64) {
        let mut due = self.coarse.spare.pop().unwrap_or_default();
        self.coarse.take(block as usize % COARSE_SLOTS, &mut due);
        for &(ms, what) in &due {
            self.fine.push(usize::from(ms), what);
        }
        self.coarse.give_back(due);
    }

    fn move_near(&mut self, span: i64) {
        for (at, what) in self.far.remove(&span).unwrap_or_default() {
            self.push_coarse(at, what);
        }
    }

    fn push_coarse(&mut self, at: i64, what: T) {
        let ms = (at as usize % FINE_SLOTS) as u16;
        self.coarse.push((at >> BLOCK_BITS) as usize % COARSE_SLOTS, (ms, what));
    }
}

/// Lists, and which of them are not empty.
#[derive(Debug)]
struct Slots<T> {
    lists: Box<[Vec<T>]>,
    filled: Box<[u64]>,
    /// Emptied lists, for their memory.
    spare: Vec<Vec<T>>,
}

/// Memory of an emptied list that is kept for the next one \[entries\]: a burst must not hold its memory for ever.
const SPARE_ENTRIES_MAX: usize = 1_024;

impl<T: Copy> Slots<T> {
    fn new(count: usize) -> Self {
        Self {
            lists: (0..count).map(|_| Vec::new()).collect(),
            filled: vec![0; count / 64].into(),
            spare: Vec::new(),
        }
    }

    fn push(&mut self, slot: usize, what: T) {
        let list = &mut self.lists[slot];
        if list.is_empty() {
            self.filled[slot / 64] |= 1 << (slot % 64);
            if list.capacity() == 0
                && let Some(spare) = self.spare.pop()
            {
                *list = spare;
            }
        }
        list.push(what);
    }

    /// Puts what is in the slot into `into`, which is empty.
    fn take(&mut self, slot: usize, into: &mut Vec<T>) {
        self.filled[slot / 64] &= !(1 << (slot % 64));
        let before = std::mem::replace(into, std::mem::take(&mut self.lists[slot]));
        self.give_back(before);
    }

    fn give_back(&mut self, mut list: Vec<T>) {
        list.clear();
        if (1..=SPARE_ENTRIES_MAX).contains(&list.capacity()) && self.spare.len() < self.lists.len() {
            self.spare.push(list);
        }
    }

    /// The first slot at or after `from` with anything in it.
    fn next_from(&self, from: usize) -> Option<usize> {
        let mut word = from / 64;
        let mut bits = self.filled[word] & (u64::MAX << (from % 64));
        while bits == 0 {
            word += 1;
            bits = *self.filled.get(word)?;
        }
        Some(word * 64 + bits.trailing_zeros() as usize)
    }

    /// The same, and then from the beginning.
    fn next_around(&self, from: usize) -> Option<usize> {
        self.next_from(from).or_else(|| self.next_from(0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A queue that is sorted at every step, by time and then by the order of pushing.
    #[derive(Default)]
    struct Sorted {
        due: Vec<(i64, usize)>,
    }

    impl Sorted {
        fn pop(&mut self, limit: i64) -> Option<(i64, usize)> {
            self.due.sort();
            (self.due.first()?.0 <= limit).then(|| self.due.remove(0))
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        /// This much after the last pop.
        Push(i64),
        /// With a limit this much after the last pop.
        Pop(i64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let ahead = prop_oneof![
            4 => 0..50i64,
            3 => 0..2_000i64,
            2 => 0..2_000_000i64,
            1 => 0..100_000_000i64,
            1 => (0..40i64).prop_map(|blocks| blocks << 10),
            1 => (0..5i64).prop_map(|spans| spans << 20),
        ];
        prop_oneof![3 => ahead.clone().prop_map(Step::Push), 2 => ahead.prop_map(Step::Pop)]
    }

    proptest! {
        #[test]
        fn a_wheel_hands_out_what_a_sorted_list_does(
            start in prop_oneof![Just(0), -5_000_000..5_000_000i64],
            steps in prop::collection::vec(step(), 1..300),
        ) {
            let (mut wheel, mut sorted) = (Wheel::new(Timestamp::from_millis(start)), Sorted::default());
            let mut now = start;
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Push(ahead) => {
                        wheel.push(Timestamp::from_millis(now + ahead), number);
                        sorted.due.push((now + ahead, number));
                    }
                    Step::Pop(ahead) => {
                        let limit = now + ahead;
                        let popped = wheel.pop(Timestamp::from_millis(limit));
                        let popped = popped.map(|(at, what)| (at.as_millis(), what));
                        prop_assert_eq!(popped, sorted.pop(limit));
                        now = popped.map_or(limit, |(at, _)| at);
                    }
                }
            }
            while let Some(expected) = sorted.pop(i64::MAX) {
                let (at, what) = wheel.pop(Timestamp::from_millis(i64::MAX)).unwrap();
                prop_assert_eq!((at.as_millis(), what), expected);
            }
        }
    }
}
