//! Runs one operation once, warm, in a function that callgrind measures: `instructions
//! authorize|authorize-attributes|refresh|authorize-silent|query`.

use own_code::{Failure, Functions};

/// Before the count, lazy values are initialised and hash maps have grown.
const WARM: usize = 20;

fn main() -> Result<(), Failure> {
    let functions = Functions::new()?;
    let what = std::env::args().nth(1).unwrap_or_default();
    for _ in 0..WARM {
        functions.once(&what)?;
    }
    collected_by_callgrind(&functions, &what)
}

#[inline(never)]
fn collected_by_callgrind(functions: &Functions, what: &str) -> Result<(), Failure> {
    // A statement after the call prevents a tail call, which would leave this function before the work begins.
    std::hint::black_box(functions.once(what))
}
