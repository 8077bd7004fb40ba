//! The report, docs/performance.md.

use std::{fmt::Write as _, fs, process::Command};

use latchkey::clock::Clock;

use crate::{
    goals::{Goal, goals},
    rounds::{Figure, Figures, Size},
    subject::Subject,
    throttle::{FULL_PROCESSOR_MB, SHARE},
};

/// Written by hand: notes that a program can't generate.
const NOTES: &str = include_str!("../notes.md");

const TEMPLATE: &str = include_str!("../../template.yaml");

const COLUMNS: [(Figure, &str, usize); 12] = [
    (Figure::Cold, "cold ms", 1),
    (Figure::First, "first ms", 2),
    (Figure::ColdAndFirst, "cold + first ms", 1),
    (Figure::Throttled, "cold + first, slowed, ms", 1),
    (Figure::Evicted, "cold, evicted, ms", 1),
    (Figure::WarmCpu, "warm CPU µs", 0),
    (Figure::P50, "p50 µs", 0),
    (Figure::P50AboveDelay, "p50 above 3 ms, µs", 0),
    (Figure::Rss, "peak RSS MiB", 1),
    (Figure::Threads, "threads", 0),
    (Figure::Connections, "connections", 0),
    (Figure::Megabytes, "binary MB", 1),
];

/// The report in Markdown.
#[must_use]
pub fn report(subjects: &[Subject], figures: &Figures, size: Size) -> String {
    let Size { rounds, starts, hard_starts, .. } = size;
    let date = Clock::system().now().format("%Y-%m-%d");
    let slowed = match &figures.not_throttled {
        None => format!("a control group with {:.2} % of a processor from the first `next` on, in slices of 20 ms", SHARE * 100.0),
        Some(why) => format!("not measured here: {why}"),
    };
    format!(
        "# Performance

The release builds of the functions, compared with other programs that do an authorizer's work, in one run of `bench/run` on {date}:
{machine}. The times depend on this machine and its load; compare the ratios.

![cold + first of the authorizer and its peers](performance.svg)

## Figures

{table}
{about}
- **cold**: from the start of the process to its first request for an event. By then Latchkey's functions have made one
  request to DynamoDB; the peers have opened no connection.
- **first**: from the first event to its answer. **slowed**: {slowed}. **evicted**: the file was dropped from the page cache before.
- **warm CPU**: processor time of all threads per call. **p50**: from event to answer, if DynamoDB answers at once; **above
  3 ms**: if DynamoDB takes 3 ms, without that time.
- One Argon2id with the parameters of new hashes took {argon2id:.1} ms.

## Goals

H, D, N, P and B are the programs above. A goal is for the authorizer unless it says otherwise.

{goals}
`bench/run` measures all of them. Smallest and largest of the {rounds} rounds' medians of cold + first: {spread}.

## Argon2id and the memory of the login function

{memory}
## How

One process simulates the Lambda Runtime API and DynamoDB on the loopback interface: [bench/](../bench). The simulated DynamoDB is
behind TLS with a three-certificate RSA chain, and returns a login and its session in the form Latchkey writes. So the
authorizer really answers Allow; a wrong answer ends the run. The credentials have a session token of 900 characters. The
peers trust all root certificates of the machine; the functions trust Amazon's and the benchmark's own.

There are {rounds} rounds. In each, every program starts {starts} times in turn after one discarded start, then {hard_starts} times slowed and
evicted; then it answers 3,000 calls (login 60) in ten turns. A value is the median of the rounds' medians. CPU time is from
`/proc/PID/task/*/schedstat`, memory is `VmHWM`, and connections are counted by the server.

{NOTES}",
        machine = machine(),
        table = table(subjects, figures),
        about = about(subjects),
        argon2id = figures.argon2id_ms,
        goals = goals_table(&goals(figures)),
        memory = memory(figures),
        spread = spread(subjects, figures),
    )
}

fn table(subjects: &[Subject], figures: &Figures) -> String {
    let mut text = "| program |".to_owned();
    for (_, name, _) in COLUMNS {
        let _infallible = write!(text, " {name} |");
    }
    text += &format!("\n|---|{}", "--:|".repeat(COLUMNS.len()));
    for subject in subjects {
        let _infallible = write!(text, "\n| {} |", subject.name);
        for (figure, _, digits) in COLUMNS {
            let _infallible = match figures.get(subject.name, figure) {
                Some(value) => write!(text, " {value:.digits$} |"),
                None => write!(text, " |"),
            };
        }
    }
    text + "\n"
}

fn about(subjects: &[Subject]) -> String {
    subjects.iter().fold(String::new(), |text, subject| text + &format!("- `{}`: {}.\n", subject.name, subject.about))
}

fn goals_table(goals: &[Goal]) -> String {
    let mut text = "| figure | goal | reached | |\n|---|---|---|---|\n".to_owned();
    for goal in goals {
        let each = |one: &dyn Fn(&crate::goals::Limit) -> String| goal.limits.iter().map(one).collect::<Vec<_>>().join(", ");
        let number = |value: f64| match value {
            whole if whole.fract() == 0.0 => format!("{whole}"),
            small if small < 0.1 => format!("{small:.3}"),
            other => format!("{other:.2}"),
        };
        let most = each(&|limit| format!("≤ {} {}", limit.most, limit.of).trim_end().to_owned());
        let reached = each(&|limit| limit.reached.map_or_else(|| "not measured".into(), |value| format!("{} {}", number(value), limit.of)));
        let holds: Vec<_> = goal.limits.iter().map(crate::goals::Limit::holds).collect();
        let verdict = match () {
            () if holds.contains(&Some(false)) => "**missed**",
            () if holds.contains(&None) => "not measured",
            () => "reached",
        };
        let _infallible = writeln!(text, "| {} | {most} | {} | {verdict} |", goal.what, reached.trim_end());
    }
    text
}

/// The time and the price of a login by memory setting.
fn memory(figures: &Figures) -> String {
    let hash = figures.argon2id_ms;
    let for_100_ms = f64::from(FULL_PROCESSOR_MB) * hash / 100.0;
    let deployed = login_memory(TEMPLATE).map_or_else(
        || "The template names no default.".to_owned(),
        |megabytes| {
            let room = f64::from(megabytes) / for_100_ms;
            format!("The template's default of {megabytes} MB leaves room for processors {room:.1} times as slow.")
        },
    );
    let rows = figures.login_by_memory.iter().fold(String::new(), |rows, (memory, [median, high])| {
        let hashing = hash * f64::from(FULL_PROCESSOR_MB) / f64::from(*memory);
        let gigabyte_seconds = f64::from(*memory) / 1024.0 * median / 1000.0;
        rows + &format!("| {memory} | {hashing:.0} | {median:.0} | {high:.0} | {:.0} |\n", gigabyte_seconds * 1e6)
    });
    let rows = if rows.is_empty() { "\nNot measured here: no control group can be made.\n".to_owned() } else { rows };
    format!(
        "Lambda assigns a share of a processor by memory, and a whole one at {FULL_PROCESSOR_MB} MB. One Argon2id with the parameters of new hashes
(19 MiB, 2 passes, 1 lane) took {hash:.1} ms of a whole processor here. So hashing stays under 100 ms from
{FULL_PROCESSOR_MB} × {hash:.1} / 100 = {for_100_ms:.0} MB on. {deployed}
The cost hardly depends on the memory: the function hashes most of the time, and half the processor takes twice as long.

| memory, MB | hashing, computed, ms | warm login, median ms | 95 % ms | GB-seconds of a million |
|--:|--:|--:|--:|--:|
{rows}"
    )
}

/// The default of the template's parameter, in MB.
fn login_memory(template: &str) -> Option<u32> {
    let (_, parameter) = template.split_once("\n  LoginMemory:\n")?;
    parameter.lines().find_map(|line| line.trim_start().strip_prefix("Default: "))?.parse().ok()
}

fn spread(subjects: &[Subject], figures: &Figures) -> String {
    let each = subjects.iter().filter_map(|subject| {
        let (least, most) = figures.spread(subject.name, Figure::ColdAndFirst)?;
        Some(format!("{} {least:.1} to {most:.1}", subject.name))
    });
    each.collect::<Vec<_>>().join(", ") + " ms"
}

/// Processor, kernel, and the relevant versions.
fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name.to_owned()));
    let count = processors.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let said = |program: &str| {
        let output = Command::new(program).arg("--version").output().ok()?;
        String::from_utf8(output.stdout).ok()?.lines().next().map(|line| line.split(" (").next().unwrap_or(line).to_owned())
    };
    let versions: Vec<_> = ["rustc", "node", "python3"].into_iter().filter_map(said).map(|version| version.replace('v', "Node ")).collect();
    format!("{count} × {}, Linux {}, {}", name.unwrap_or_else(|| "an unknown processor".into()), kernel.trim(), versions.join(", "))
}
