//! A measured program, and the kernel's figures on it.

use std::{fs, path::Path, process::Stdio, time::Duration, time::Instant};

use rustix::fs::{Advice, fadvise};
use tokio::process::{Child, Command};

use crate::{
    error::{BenchError, While as _},
    subject::Subject,
};

/// A running program, ended when it is dropped.
pub struct Process {
    /// Just before it was started.
    pub started: Instant,
    /// Its process id.
    pub pid: u32,
    child: Child,
}

/// The peak figures of a process.
#[derive(Debug, Clone, Copy)]
pub struct Footprint {
    /// Peak resident memory, MiB.
    pub rss_mib: f64,
    /// Its threads.
    pub threads: f64,
}

impl Process {
    /// Starts `subject` with `environment` as its whole environment.
    ///
    /// # Errors
    /// [`BenchError::Io`] if it can't be started.
    pub fn start(subject: &Subject, environment: &[(String, String)]) -> Result<Self, BenchError> {
        let mut command = Command::new(&subject.program);
        command.args(&subject.arguments).env_clear().envs(environment.iter().cloned());
        // Log lines go to standard output, where Lambda would collect them. They are dropped here.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
        let started = Instant::now();
        let child = command.spawn().during(format!("starting {}", subject.program.display()))?;
        let pid = child.id().ok_or_else(|| BenchError::Setup(format!("{} exited right after its start", subject.name)))?;
        Ok(Self { started, pid, child })
    }

    /// Waits until it exits and returns its exit status.
    pub async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Ends it and waits until it has exited.
    pub async fn end(mut self) {
        let _already_gone = self.child.kill().await;
    }

    /// Processor time so far, of all its threads.
    ///
    /// # Errors
    /// [`BenchError::Io`] if it has exited.
    pub fn cpu(&self) -> Result<Duration, BenchError> {
        let tasks = format!("/proc/{}/task", self.pid);
        let mut nanoseconds = 0;
        for task in fs::read_dir(&tasks).during(&tasks)? {
            let path = task.during(&tasks)?.path().join("schedstat");
            // A thread may have ended since it was listed.
            let Ok(text) = fs::read_to_string(path) else { continue };
            nanoseconds += text.split(' ').next().and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Memory and threads.
    ///
    /// # Errors
    /// [`BenchError`] if it has exited.
    pub fn footprint(&self) -> Result<Footprint, BenchError> {
        let path = format!("/proc/{}/status", self.pid);
        let status = fs::read_to_string(&path).during(&path)?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
            number.ok_or_else(|| BenchError::Setup(format!("{path} has no {name}")))
        };
        Ok(Footprint { rss_mib: field("VmHWM")? / 1024.0, threads: field("Threads")? })
    }
}

/// Drops a file from the page cache, as in an environment where it has not been run before.
///
/// # Errors
/// [`BenchError::Io`].
pub fn evict(path: &Path) -> Result<(), BenchError> {
    let what = || format!("dropping {} from the page cache", path.display());
    let file = fs::File::open(path).during(what())?;
    // Pages that are not written yet can't be dropped.
    file.sync_all().during(what())?;
    fadvise(&file, 0, None, Advice::DontNeed).map_err(std::io::Error::from).during(what())
}
