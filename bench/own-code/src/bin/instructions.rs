//! Does one thing once, warm, inside a function that callgrind collects: `instructions authorize|refresh|authorize-silent|query`.

use own_code::{Failure, Functions};

/// Lazy parts are done, and hash maps have grown, before anything is counted.
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
    // Something after the call, or the compiler jumps there and this function is left before it has begun.
    std::hint::black_box(functions.once(what))
}
