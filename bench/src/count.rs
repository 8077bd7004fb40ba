//! Warm calls of a function under a program that counts its instructions or its system calls.
//!
//! The counting program reports a process's total when it ends. Two runs that differ in their calls only tell what a call takes.

use std::{fs, time::Duration};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    error::{BenchError, While as _},
    measure::Bench,
    subject::{AUTHORIZER, Subject},
};

/// Sends the authorizer, and the refresh if it is built, `calls` events under `under`.
///
/// # Errors
/// [`BenchError`] if a process gives no right answer.
pub async fn count(bench: &Bench, subjects: &[Subject], under: &str, calls: usize) -> Result<(), BenchError> {
    for subject in subjects.iter().filter(|subject| [AUTHORIZER, "refresh"].contains(&subject.name) && subject.program.exists()) {
        println!("{}", subject.name);
        let mut words = under.split_whitespace().map(str::to_owned);
        let program = words.next().unwrap_or_default().into();
        let arguments = words.chain([subject.program.display().to_string()]).collect();
        let mut running = bench.run(&Subject { program, arguments, ..subject.clone() }).await?;
        running.ask(subject, calls).await?;
        // The function itself, so that the counting program sees its end and reports. It is that program's child, or was
        // loaded into it.
        let pid = running.process.pid;
        let path = format!("/proc/{pid}/task/{pid}/children");
        let children = fs::read_to_string(&path).during(&path)?;
        let counted = children.split_whitespace().next().and_then(|child| child.parse().ok()).or_else(|| i32::try_from(pid).ok());
        if let Some(counted) = counted.and_then(Pid::from_raw) {
            kill_process(counted, Signal::TERM).map_err(std::io::Error::from).during("ending a counted process")?;
        }
        let _status = tokio::time::timeout(Duration::from_secs(60), running.process.ended()).await;
    }
    Ok(())
}
