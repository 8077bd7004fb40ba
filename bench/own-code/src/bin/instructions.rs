//! Does one thing once, warm, inside a function that callgrind collects: `instructions authorize|refresh|query`.

use own_code::Functions;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Lazy parts are done, and hash maps have grown, before anything is counted.
const WARM: usize = 20;

fn main() -> Result<(), Failure> {
    let functions = Functions::new()?;
    let what = std::env::args().nth(1).unwrap_or_default();
    let once: &dyn Fn() -> Result<(), Failure> = match what.as_str() {
        "authorize" => &|| functions.authorize().map(drop),
        "refresh" => &|| functions.refresh().map(drop),
        "query" => &|| functions.query().map(drop),
        _ => return Err("instructions authorize|refresh|query".into()),
    };
    for _ in 0..WARM {
        once()?;
    }
    collected_by_callgrind(once)
}

#[inline(never)]
fn collected_by_callgrind(once: &dyn Fn() -> Result<(), Failure>) -> Result<(), Failure> {
    // Something after the call, or the compiler jumps there and the function is never left.
    std::hint::black_box(once())
}
