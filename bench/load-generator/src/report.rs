//! The report, docs/load.md.

use std::fmt::Write as _;

use chrono::Utc;

use crate::{
    VISITORS,
    growth::Point,
    logins,
    machine::machine,
    server::Database,
    slope::{DELAYS, Slope},
    soak::Soak,
    tally::{Tally, Times},
};

/// The report in Markdown.
pub fn report(
    loads: &[(Database, Tally, Tally)],
    soak: &Soak,
    slopes: &[Slope; 3],
    by_sessions: &[Point],
    by_logins: &[logins::Point],
) -> String {
    let mut rows = String::new();
    for (database, closed, open) in loads {
        for (how, tally) in [("closed", closed), ("open", open)] {
            row(&mut rows, database.name(), how, tally);
        }
    }
    row(&mut rows, soak.database.name(), "open, soak", &soak.tally);
    let tallies: Vec<&Tally> = loads.iter().flat_map(|(_, closed, open)| [closed, open]).chain([&soak.tally]).collect();
    let sum = |of: fn(&Tally) -> u64| tallies.iter().map(|tally| of(tally)).sum::<u64>();
    let undecided = sum(Tally::undecided);
    let resident = soak.resident.iter().map(|mib| format!("{mib:.1}")).collect::<Vec<_>>().join(", ");
    let [first, last] = [soak.resident.get(1), soak.resident.last()].map(|mib| mib.copied().unwrap_or_default());
    format!(
        "# Under load

The whole service on one machine, by `bench/load` on {date}: `latchkey dev` (the local gateway, the authorizer before every
request, the functions), the load generator and the database shared {machine}. So compare the figures
with each other, not with AWS; [performance.md](performance.md) measures each function by itself.

## Throughput and right answers

{VISITORS} apps. 75 % of their requests are protected ones with a valid token, 5 % are refreshes, and 5 % each have a token that is
expired, replaced, logged out, or invented. *Closed*: each app sends its next request after the answer. *Open*: requests come at
random times, half as many as the closed loop reached; the time that a request waits for a late answer counts as its own.

| database | loop | decisions | per second | allowed p50 / p99 / p99.9 ms | refused | refreshed |
|---|---|--:|--:|--:|--:|--:|
{rows}
**Wrong allows {allows}, wrong denies {denies} of {decided} decisions**; {undecided} answers were no decision (503, or no answer).

## Memory

Resident memory of `latchkey dev` at each tenth of the soak of {minutes:.0} minutes, on {soaked}, MiB: {resident}.
From the second tenth to the last it changed by {change:+.1} %.

{trips}
## Growth

On the embedded DynamoDB (SQLite), medians in milliseconds. A login hashes a password. As the table grows, its data are files, as with
`latchkey dev --data`. Ten million sessions weren't measured: they take 29 GB, and 100 minutes to fill.

![medians by sessions in the table](growth.svg)

{by_sessions}
{by_logins}",
        date = Utc::now().format("%Y-%m-%d"),
        machine = machine(),
        allows = sum(|tally| tally.wrong_allows),
        denies = sum(|tally| tally.wrong_denies),
        decided = sum(Tally::decided),
        soaked = soak.database.name(),
        minutes = soak.tally.lasted.as_secs_f64() / 60.0,
        change = (last - first) / first * 100.0,
        trips = trips(slopes),
        by_sessions = growth(by_sessions),
        by_logins = logins::table(by_logins),
    )
}

/// The number of sequential trips, as seen from outside.
pub fn trips(slopes: &[Slope; 3]) -> String {
    format!(
        "## Trips to DynamoDB, seen from outside

Every answer of DynamoDB is delayed; medians in milliseconds. The slope is the delay of an answer per
millisecond that DynamoDB is delayed: the number of trips in sequence. The first use of a pair is
[written down](adr/0028-a-lost-answer-is-recovered-until-first-use.md).

| | {delays} | slope |
|---|{dashes}--:|
{slopes}",
        delays = DELAYS.map(|delay| format!("+{delay} ms")).join(" | "),
        dashes = "--:|".repeat(DELAYS.len()),
        slopes = slopes.iter().map(slope_row).collect::<String>(),
    )
}

fn row(rows: &mut String, database: &str, how: &str, tally: &Tally) {
    let times = |times: &Times| format!("{:.1} / {:.1} / {:.1}", times.at(50.0), times.at(99.0), times.at(99.9));
    // Writing to a string doesn't fail.
    let _written = writeln!(
        rows,
        "| {database} | {how} | {} | {:.0} | {} | {} | {} |",
        tally.decided(),
        tally.per_second(),
        times(&tally.allowed),
        times(&tally.refused),
        times(&tally.refreshed)
    );
}

fn slope_row(slope: &Slope) -> String {
    format!("| {} | {} | **{:.2}** |\n", slope.what, slope.medians.map(|median| format!("{median:.2}")).join(" | "), slope.slope)
}

/// The table, with the ratio of the last row to the first.
pub fn growth(points: &[Point]) -> String {
    let mut rows: String = points
        .iter()
        .map(|point| format!("| {} | {:.2} | {:.2} | {:.1} |\n", point.size, point.authorize, point.refresh, point.login))
        .collect();
    if let [first, .., last] = points {
        let [authorize, refresh, login] =
            [last.authorize / first.authorize, last.refresh / first.refresh, last.login / first.login].map(|ratio| format!("{ratio:.2}"));
        rows.push_str(&format!("| {} : {} | {authorize} | {refresh} | {login} |\n", last.size, first.size));
    }
    format!("| sessions in the table | authorize | refresh | login |\n|--:|--:|--:|--:|\n{rows}")
}
