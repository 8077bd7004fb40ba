//! The machine of the measurement.

use std::fs;

/// Processors and kernel, as Linux names them.
pub fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let names: Vec<_> = processors.lines().filter_map(|line| line.strip_prefix("model name")).collect();
    let name = names.first().and_then(|line| line.split(": ").nth(1)).unwrap_or("unknown");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} × {name}, Linux {}", names.len(), kernel.trim())
}
