//! Counts the allocations of an authorize, one with attributes, a refresh, an authorize without metrics, and the SDK's query. Prints a line for
//! each: its name, the blocks and the bytes.

use own_code::{COUNTED, Failure, Functions};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const WARM: usize = 20;

fn main() -> Result<(), Failure> {
    let functions = Functions::new()?;
    for what in COUNTED {
        for _ in 0..WARM {
            functions.once(what)?;
        }
        let profiler = dhat::Profiler::builder().testing().build();
        functions.once(what)?;
        let counted = dhat::HeapStats::get();
        drop(profiler);
        println!("{what} {} {}", counted.total_blocks, counted.total_bytes);
    }
    Ok(())
}
