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
    /// The same, and nearer to the first of it, so that a pop in vain is quick.
    first: i64,
    /// By millisecond, within the block of `now`.
    fine: Fine<T>,
    /// By block, up to the end of the next span.
    coarse: Coarse<T>,
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
            first: now.as_millis(),
            fine: Fine::new(),
            coarse: Coarse::new(),
            far: BTreeMap::new(),
        }
    }

    /// Notes that `what` is due at `at`; at once, if that has passed.
    pub(crate) fn push(&mut self, at: Timestamp, what: T) {
        let at = at.as_millis().max(self.now);
        self.first = self.first.min(at);
        if at >> BLOCK_BITS == self.now >> BLOCK_BITS {
            self.fine.push(at as usize % FINE_SLOTS, what);
        } else if at >> SPAN_BITS <= (self.now >> SPAN_BITS) + 1 {
            self.coarse.push(at, what);
        } else {
            self.far.entry(at >> SPAN_BITS).or_default().push((at, what));
        }
    }

    /// What is due first, if that is at `limit` or before. Shows `soon` what is due soon after it, a few at a time, and
    /// whether that is one of many at one moment.
    pub(crate) fn pop(&mut self, limit: Timestamp, mut soon: impl FnMut(T, bool)) -> Option<(Timestamp, T)> {
        let limit = limit.as_millis();
        if self.first > limit {
            return None;
        }
        loop {
            let block = self.now >> BLOCK_BITS;
            if let Some(slot) = self.fine.filled.next_from(self.now as usize % FINE_SLOTS) {
                let at = (block << BLOCK_BITS) + slot as i64;
                self.first = at;
                if at > limit {
                    return None;
                }
                self.now = at;
                self.fine.show_soon(slot, &mut soon);
                return Some((Timestamp::from_millis(at), self.fine.pop(slot)));
            }
            let next = self.next_block(block)?;
            if next << BLOCK_BITS > limit {
                self.first = next << BLOCK_BITS;
                return None;
            }
            self.enter(next);
            self.fine.shown = Shown::NOTHING;
            self.coarse.empty(next, |ms, what| self.fine.push(ms, what));
        }
    }

    /// The first block after `block` in which anything is, or may be, due.
    fn next_block(&self, block: i64) -> Option<i64> {
        let first = (block + 1) as usize % COARSE_SLOTS;
        if let Some(slot) = self.coarse.filled.next_around(first) {
            return Some(block + 1 + ((slot + COARSE_SLOTS - first) % COARSE_SLOTS) as i64);
        }
        self.far.first_key_value().map(|(span, _)| span << (SPAN_BITS - BLOCK_BITS))
    }

    /// Goes to the beginning of a block, and moves what has come near out of the far spans.
    fn enter(&mut self, block: i64) {
        let before = self.now >> SPAN_BITS;
        self.now = block << BLOCK_BITS;
        let span = self.now >> SPAN_BITS;
        while before < span
            && let Some(entry) = self.far.first_entry()
            && *entry.key() <= span + 1
        {
            for (at, what) in entry.remove() {
                self.coarse.push(at, what);
            }
        }
    }
}

/// A list for each millisecond of a block.
#[derive(Debug)]
struct Fine<T> {
    /// First and last node of each list.
    ends: Box<[(u32, u32)]>,
    filled: Filled,
    nodes: Vec<(T, u32)>,
    /// The first node that is in no list; the others follow it.
    free: u32,
    shown: Shown,
}

/// What was shown as due soon.
#[derive(Clone, Copy, Debug)]
struct Shown {
    /// In which lists: those of one word of the bitmap.
    word: usize,
    slot: usize,
    /// How much of the list of `slot`.
    ahead: u32,
}

impl Shown {
    const NOTHING: Self = Self { word: usize::MAX, slot: usize::MAX, ahead: 0 };
}

/// How much of one list is shown ahead.
const AHEAD: u32 = 32;

/// No node.
const END: u32 = u32::MAX;
/// Nodes kept when none is used: a burst must not hold its memory for ever.
const SPARE_NODES_MAX: usize = 4_096;

impl<T: Copy> Fine<T> {
    fn new() -> Self {
        Self {
            ends: vec![(END, END); FINE_SLOTS].into(),
            filled: Filled::new(FINE_SLOTS),
            nodes: Vec::new(),
            free: END,
            shown: Shown::NOTHING,
        }
    }

    fn push(&mut self, slot: usize, what: T) {
        let node = self.free;
        let node = if let Some(spare) = self.nodes.get_mut(node as usize) {
            self.free = spare.1;
            *spare = (what, END);
            node
        } else {
            self.nodes.push((what, END));
            (self.nodes.len() - 1) as u32
        };
        let (first, last) = &mut self.ends[slot];
        if *first == END {
            *first = node;
            self.filled.set(slot);
        } else {
            self.nodes[*last as usize].1 = node;
        }
        *last = node;
    }

    /// Shows what is due in the 64 ms around `slot` as soon as the first of it is, but only so much of each list at a
    /// time: memory fetched too early is gone again when it is needed.
    fn show_soon(&mut self, slot: usize, soon: &mut impl FnMut(T, bool)) {
        if self.shown.slot != slot {
            if self.shown.word != slot / 64 {
                self.shown.word = slot / 64;
                let mut bits = self.filled.0[slot / 64];
                while bits != 0 {
                    let next = slot / 64 * 64 + bits.trailing_zeros() as usize;
                    self.show(self.ends[next].0, |what| soon(what, false));
                    bits &= bits - 1;
                }
            }
            (self.shown.slot, self.shown.ahead) = (slot, AHEAD);
        }
        if self.shown.ahead == 0 {
            self.show(self.ends[slot].0, |what| soon(what, true));
            self.shown.ahead = AHEAD;
        }
        self.shown.ahead -= 1;
    }

    fn show(&self, mut node: u32, mut soon: impl FnMut(T)) {
        for _ in 0..AHEAD {
            let Some(&(what, next)) = self.nodes.get(node as usize) else { return };
            soon(what);
            node = next;
        }
    }

    /// Takes out the first of a list that is not empty.
    fn pop(&mut self, slot: usize) -> T {
        let first = &mut self.ends[slot].0;
        let node = *first;
        let (what, next) = self.nodes[node as usize];
        *first = next;
        self.nodes[node as usize].1 = self.free;
        self.free = node;
        if next == END {
            self.filled.clear(slot);
            if self.nodes.len() > SPARE_NODES_MAX && self.filled.next_from(0).is_none() {
                (self.nodes, self.free) = (Vec::new(), END);
            }
        }
        what
    }
}

/// A list for each block of two spans.
#[derive(Debug)]
struct Coarse<T> {
    lists: Box<[Vec<(u16, T)>]>,
    filled: Filled,
    /// Emptied lists, for their memory.
    spare: Vec<Vec<(u16, T)>>,
}

/// Memory of an emptied list that is kept for the next one \[entries\].
const SPARE_ENTRIES_MAX: usize = 1_024;

impl<T: Copy> Coarse<T> {
    fn new() -> Self {
        let lists = (0..COARSE_SLOTS).map(|_| Vec::new()).collect();
        Self { lists, filled: Filled::new(COARSE_SLOTS), spare: Vec::new() }
    }

    fn push(&mut self, at: i64, what: T) {
        let slot = (at >> BLOCK_BITS) as usize % COARSE_SLOTS;
        let list = &mut self.lists[slot];
        if list.is_empty() {
            self.filled.set(slot);
            if let Some(spare) = self.spare.pop() {
                *list = spare;
            }
        }
        list.push(((at as usize % FINE_SLOTS) as u16, what));
    }

    /// Takes everything out of a block.
    fn empty(&mut self, block: i64, mut each: impl FnMut(usize, T)) {
        let slot = block as usize % COARSE_SLOTS;
        self.filled.clear(slot);
        let mut list = std::mem::take(&mut self.lists[slot]);
        for (ms, what) in list.drain(..) {
            each(usize::from(ms), what);
        }
        if (1..=SPARE_ENTRIES_MAX).contains(&list.capacity()) {
            self.spare.push(list);
        }
    }
}

/// Which lists are not empty.
#[derive(Debug)]
struct Filled(Box<[u64]>);

impl Filled {
    fn new(count: usize) -> Self {
        Self(vec![0; count / 64].into())
    }

    fn set(&mut self, slot: usize) {
        self.0[slot / 64] |= 1 << (slot % 64);
    }

    fn clear(&mut self, slot: usize) {
        self.0[slot / 64] &= !(1 << (slot % 64));
    }

    /// The first at or after `from`.
    fn next_from(&self, from: usize) -> Option<usize> {
        let mut word = from / 64;
        let mut bits = self.0[word] & (u64::MAX << (from % 64));
        while bits == 0 {
            word += 1;
            bits = *self.0.get(word)?;
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
                        let popped = wheel.pop(Timestamp::from_millis(limit), |_, _| ());
                        let popped = popped.map(|(at, what)| (at.as_millis(), what));
                        prop_assert_eq!(popped, sorted.pop(limit));
                        now = popped.map_or(limit, |(at, _)| at);
                    }
                }
            }
            while let Some(expected) = sorted.pop(i64::MAX) {
                let (at, what) = wheel.pop(Timestamp::from_millis(i64::MAX), |_, _| ()).unwrap();
                prop_assert_eq!((at.as_millis(), what), expected);
            }
        }
    }
}
