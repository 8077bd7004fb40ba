//! A processor as slow as a small Lambda's, by the kernel's bandwidth control.

use std::{fs, io, path::PathBuf, time::Duration};

/// The memory, in MB, with which a function gets one whole processor
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>).
pub const FULL_PROCESSOR_MB: u32 = 1769;
/// The share of a processor that 128 MB of memory buy: 128 / 1769.
pub const SHARE: f64 = 0.0724;
/// Lambda hands processor time out in slices of 20 ms
/// (<https://engineering.opsnough.com/the-occasional-chaos-of-aws-lambda-runtime-performance-880773620a7e>); the kernel's
/// default of 100 ms would let 7 ms pass unthrottled.
const PERIOD: Duration = Duration::from_millis(20);

/// A control group with a share of a processor. Removed when it is dropped.
#[derive(Debug)]
pub struct Throttle(PathBuf);

impl Throttle {
    /// Creates a group with `share` of a processor, under version 2 of the kernel's control groups or version 1.
    ///
    /// # Errors
    /// Why this machine doesn't allow one.
    pub fn new(share: f64) -> Result<Self, String> {
        let period = PERIOD.as_micros();
        let quota = (PERIOD.as_micros() as f64 * share).round();
        let name = format!("latchkey-bench-{}-{quota}", std::process::id());
        let version_2 = |root: &str| -> io::Result<PathBuf> {
            // The controller is already enabled on most machines. If it isn't and can't be, the next line fails.
            let _already_so = fs::write(PathBuf::from(root).join("cgroup.subtree_control"), "+cpu");
            let group = PathBuf::from(root).join(&name);
            fs::create_dir(&group)?;
            fs::write(group.join("cpu.max"), format!("{quota} {period}")).inspect_err(|_| drop(fs::remove_dir(&group)))?;
            Ok(group)
        };
        let version_1 = || -> io::Result<PathBuf> {
            let group = PathBuf::from("/sys/fs/cgroup/cpu").join(&name);
            fs::create_dir(&group)?;
            fs::write(group.join("cpu.cfs_period_us"), period.to_string())
                .and_then(|()| fs::write(group.join("cpu.cfs_quota_us"), quota.to_string()))
                .inspect_err(|_| drop(fs::remove_dir(&group)))?;
            Ok(group)
        };
        version_1().or_else(|_| version_2("/sys/fs/cgroup")).map(Self).map_err(|error| format!("no control group can be made: {error}"))
    }

    /// Waits until the time that the previous process used beyond its share is paid off. Otherwise the next process would
    /// pay it.
    pub async fn rest(&self) {
        tokio::time::sleep(PERIOD * 10).await;
    }

    /// Throttles a process from now on.
    ///
    /// # Errors
    /// The kernel's error.
    pub fn hold(&self, pid: u32) -> io::Result<()> {
        fs::write(self.0.join("cgroup.procs"), pid.to_string())
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        // A process that has just ended may still be counted in the group.
        for _ in 0..50 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
