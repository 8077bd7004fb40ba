//! What a function's first call takes beside a warm one, in processor time, which other work on the machine hardly changes.

use crate::{
    error::BenchError,
    measure::{Bench, median, milliseconds},
    subject::Subject,
};

/// Warm calls of each start.
const CALLS: u32 = 10;

/// Prints for each function that is built the medians of this many starts.
///
/// # Errors
/// [`BenchError`] if a process gives no right answer.
pub async fn first(bench: &Bench, subjects: &[Subject], starts: usize) -> Result<(), BenchError> {
    for subject in subjects.iter().filter(|subject| subject.program.exists()) {
        let mut times = Vec::with_capacity(starts);
        for _ in 0..starts {
            times.push(bench.processor_times(subject, CALLS).await?);
        }
        let [start, first, warm] = [0, 1, 2].map(|step| median(times.iter().map(|times| milliseconds(times[step]))));
        println!("{}: start {start:.2} ms, first {first:.2} ms, warm {warm:.2} ms, first / warm {:.2}", subject.name, first / warm);
    }
    Ok(())
}
