//! Codes outside this crate: in pictures, and in another implementation of the format.

mod classes;
mod day;
mod other_readers;
mod phones;
mod pictures;
mod strict_inflate;
mod town;
