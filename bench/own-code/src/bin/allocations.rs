//! Counts the allocations of one authorize, one refresh, and the SDK's share of an authorize: a line each, its name, the
//! blocks and the bytes.

use own_code::Functions;

#[global_allocator]
static COUNTED: dhat::Alloc = dhat::Alloc;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let functions = Functions::new()?;
    let things: [(&str, &dyn Fn() -> Result<(), Failure>); 3] = [
        ("authorize", &|| functions.authorize().map(drop)),
        ("refresh", &|| functions.refresh().map(drop)),
        ("query", &|| functions.query().map(drop)),
    ];
    for (name, once) in things {
        for _ in 0..20 {
            once()?;
        }
        let profiler = dhat::Profiler::builder().testing().build();
        let before = dhat::HeapStats::get();
        once()?;
        let after = dhat::HeapStats::get();
        drop(profiler);
        println!("{name} {} {}", after.total_blocks - before.total_blocks, after.total_bytes - before.total_bytes);
    }
    Ok(())
}
