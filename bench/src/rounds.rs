//! All measurements, in rounds that take turns, so that a slowdown of the machine affects every program.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use bench_work::Work;
use latchkey::password::Hasher;

use crate::{
    error::BenchError,
    measure::{Bench, Start, median},
    subject::{LOGIN, Subject},
    throttle::{FULL_PROCESSOR_MB, SHARE, Throttle},
};

/// The number of measurements.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub rounds: usize,
    /// Starts of each program in a round, after a discarded first one.
    pub starts: usize,
    /// Throttled starts, and starts with an evicted file, in a round.
    pub hard_starts: usize,
    /// A program's warm calls are divided by this.
    pub fewer_calls: usize,
}

impl Size {
    /// Enough measurements for figures.
    pub const FULL: Self = Self { rounds: 3, starts: 10, hard_starts: 5, fewer_calls: 1 };
    /// Enough to check that it works.
    pub const SMOKE: Self = Self { rounds: 1, starts: 1, hard_starts: 1, fewer_calls: 60 };
}

/// The figures of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// Start to the first `next`, ms.
    Cold,
    /// The first invocation, ms.
    First,
    /// Both, ms.
    ColdAndFirst,
    /// Both, the processor slowed down in between, ms.
    Throttled,
    /// Start to the first `next`, the file not in the page cache, ms.
    Evicted,
    /// Processor time per warm call, µs.
    WarmCpu,
    /// Median of a warm call, DynamoDB answering at once, µs.
    P50,
    /// Median of a warm call above a slower DynamoDB, µs.
    P50AboveDelay,
    /// Peak resident memory, MiB.
    Rss,
    /// Threads.
    Threads,
    /// Connections to DynamoDB.
    Connections,
    /// Size of the program's file, MB.
    Megabytes,
}

/// The values of each round, by program and figure.
#[derive(Debug, Default)]
pub struct Figures {
    values: BTreeMap<(&'static str, Figure), Vec<Vec<f64>>>,
    /// Why no start was throttled, if none was.
    pub not_throttled: Option<String>,
    /// One Argon2id verification in this process, ms.
    pub argon2id_ms: f64,
    /// A warm login by memory setting, with its share of a processor: MB, and the median and the 95th percentile in ms.
    pub login_by_memory: Vec<(u32, [f64; 2])>,
}

/// The number of turns for a round's warm calls; in each turn all programs run one after the other.
const TURNS: usize = 10;

/// Memory settings of the login function, MB.
const LOGIN_MEMORY: [u32; 6] = [256, 512, 768, 1024, 1536, 1769];

impl Figures {
    fn add(&mut self, subject: &Subject, figure: Figure, round: usize, value: f64) {
        let rounds = self.values.entry((subject.name, figure)).or_default();
        rounds.resize_with(rounds.len().max(round + 1), Vec::new);
        if let Some(values) = rounds.get_mut(round) {
            values.push(value);
        }
    }

    /// The median of the rounds' medians; `None` if it was not measured.
    #[must_use]
    pub fn get(&self, subject: &str, figure: Figure) -> Option<f64> {
        let rounds = self.rounds(subject, figure)?;
        Some(median(rounds))
    }

    /// The number of values.
    #[must_use]
    pub fn count(&self) -> usize {
        self.values.values().flatten().map(Vec::len).sum()
    }

    /// The smallest and the largest of the rounds' medians.
    #[must_use]
    pub fn spread(&self, subject: &str, figure: Figure) -> Option<(f64, f64)> {
        let rounds = self.rounds(subject, figure)?;
        Some((rounds.iter().copied().fold(f64::INFINITY, f64::min), rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max)))
    }

    fn rounds(&self, subject: &str, figure: Figure) -> Option<Vec<f64>> {
        let (_, rounds) = self.values.iter().find(|((name, of), _)| *name == subject && *of == figure)?;
        Some(rounds.iter().filter(|values| !values.is_empty()).map(|values| median(values.iter().copied())).collect())
    }
}

/// Runs all measurements and prints the progress.
///
/// # Errors
/// If a program gives no right answer.
pub async fn measure(bench: &Bench, subjects: &[Subject], work: &Work, size: Size) -> Result<Figures, BenchError> {
    let throttle = Throttle::new(SHARE);
    let mut figures = Figures { not_throttled: throttle.as_ref().err().cloned(), ..Figures::default() };
    let mut hashes = Vec::new();
    for round in 0..size.rounds {
        eprintln!("round {} of {}: starts", round + 1, size.rounds);
        for start in 0..=size.starts {
            for subject in subjects {
                let started = bench.start(subject, Start::Plain).await?;
                if start == 0 {
                    continue;
                }
                figures.add(subject, Figure::Cold, round, started.cold);
                figures.add(subject, Figure::First, round, started.first);
                figures.add(subject, Figure::ColdAndFirst, round, started.cold + started.first);
            }
        }
        eprintln!("round {} of {}: slow and evicted starts", round + 1, size.rounds);
        for _ in 0..size.hard_starts {
            for subject in subjects {
                if let Ok(throttle) = &throttle {
                    let started = bench.start(subject, Start::Throttled(throttle)).await?;
                    figures.add(subject, Figure::Throttled, round, started.cold + started.first);
                }
                if subject.single_file {
                    let started = bench.start(subject, Start::Evicted).await?;
                    figures.add(subject, Figure::Evicted, round, started.cold);
                }
            }
        }
        eprintln!("round {} of {}: warm calls", round + 1, size.rounds);
        hashes.push(argon2id(work, size));
        let calls = |subject: &Subject| subject.warm_calls.div_ceil(size.fewer_calls).div_ceil(TURNS);
        let mut processes = Vec::new();
        for subject in subjects {
            processes.push((subject, bench.warm(subject, calls(subject)).await?));
        }
        for _ in 0..TURNS {
            for (subject, process) in &mut processes {
                let turn = bench.turn(process, calls(subject)).await?;
                figures.add(subject, Figure::WarmCpu, round, turn.cpu_us);
                figures.add(subject, Figure::P50, round, turn.p50_us);
                // Login makes calls in parallel, so the delays of its trips don't add up.
                if subject.name != LOGIN {
                    figures.add(subject, Figure::P50AboveDelay, round, turn.p50_above_delay_us);
                }
            }
        }
        for (subject, process) in processes {
            let taken = process.end().await?;
            figures.add(subject, Figure::Rss, round, taken.rss_mib);
            figures.add(subject, Figure::Threads, round, taken.threads);
            figures.add(subject, Figure::Connections, round, taken.connections);
        }
    }
    figures.argon2id_ms = median(hashes);
    for (subject, memory) in
        subjects.iter().filter(|subject| subject.name == LOGIN).flat_map(|login| LOGIN_MEMORY.map(|memory| (login, memory)))
    {
        eprintln!("login with {memory} MB");
        if let Ok(throttle) = Throttle::new(f64::from(memory) / f64::from(FULL_PROCESSOR_MB)) {
            let times = bench.held(subject, &throttle, subject.warm_calls.div_ceil(size.fewer_calls)).await?;
            figures.login_by_memory.push((memory, times));
        }
    }
    for subject in subjects {
        if let (true, Ok(file)) = (subject.single_file, subject.program.metadata()) {
            figures.add(subject, Figure::Megabytes, 0, file.len() as f64 / 1e6);
        }
    }
    Ok(figures)
}

/// The time of a login's password hash alone.
fn argon2id(work: &Work, size: Size) -> f64 {
    let (password, hash) = &work.password;
    let mut hasher = Hasher::default();
    let times = (0..=size.starts * 2).map(|_| {
        let begun = Instant::now();
        let _right = password.verify(hash, &mut hasher);
        begun.elapsed()
    });
    median(times.skip(1).map(|time: Duration| time.as_secs_f64() * 1e3))
}
