//! What a code costs, without the rest of the city: `cargo bench -p eid`. `kitecity bench eid` prints the same.
#![allow(clippy::print_stdout, reason = "a bench tells what it measured")]
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::time::Instant;

use eid::Profile;
use eid::bench::measure;

fn main() {
    let began = Instant::now();
    let told: Result<(), std::convert::Infallible> =
        measure(&[Profile::Anon, Profile::Name, Profile::Full], &|| began.elapsed(), |cost| {
            println!("{cost}");
            Ok(())
        });
    told.expect("printing is all there is to tell");
}
