/// Values by number; a number is used again once its value was taken.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    values: Vec<Option<T>>,
    free: Vec<u32>,
}

/// Places kept when all are free: a burst must not hold its memory for ever.
const SPARE_MAX: usize = 4_096;

impl<T> Slab<T> {
    pub(crate) fn new() -> Self {
        Self { values: Vec::new(), free: Vec::new() }
    }

    pub(crate) fn insert(&mut self, value: T) -> u32 {
        match self.free.pop() {
            Some(number) => {
                self.values[number as usize] = Some(value);
                number
            }
            None => {
                self.values.push(Some(value));
                (self.values.len() - 1) as u32
            }
        }
    }

    /// Takes a value out; `None` if it was taken before.
    pub(crate) fn take(&mut self, number: u32) -> Option<T> {
        let value = self.values.get_mut(number as usize)?.take()?;
        self.free.push(number);
        if self.free.len() == self.values.len() && self.free.len() > SPARE_MAX {
            (self.values, self.free) = (Vec::new(), Vec::new());
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_used_again_but_never_twice_at_once() {
        let mut slab = Slab::new();
        let (a, b) = (slab.insert('a'), slab.insert('b'));
        assert_eq!((slab.take(a), slab.take(a)), (Some('a'), None));
        let c = slab.insert('c');
        assert_eq!(c, a);
        assert_eq!((slab.take(b), slab.take(c)), (Some('b'), Some('c')));
    }
}
