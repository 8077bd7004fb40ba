//! The goals for the figures: mostly ratios, because times depend on the machine.

use crate::{
    rounds::{Figure, Figures},
    subject::{AUTHORIZER, BEFORE, DEFAULT_SDK, HELLO, LOGIN, NODE, PYTHON, UNWARMED},
};

/// One figure and its limits.
#[derive(Debug)]
pub struct Goal {
    /// The figure.
    pub what: String,
    /// The goal is reached if all of them hold.
    pub limits: Vec<Limit>,
}

/// An upper limit.
#[derive(Debug)]
pub struct Limit {
    /// The maximum.
    pub most: f64,
    /// The unit: a peer, by its letter; empty for a count.
    pub of: &'static str,
    /// The measured value; `None` if it could not be measured.
    pub reached: Option<f64>,
}

impl Limit {
    /// Whether it holds; `None` if it was not measured.
    #[must_use]
    pub fn holds(&self) -> Option<bool> {
        self.reached.map(|reached| reached <= self.most)
    }
}

/// All goals.
#[must_use]
pub fn goals(figures: &Figures) -> Vec<Goal> {
    let peers = [("H", HELLO), ("D", DEFAULT_SDK), ("N", NODE), ("P", PYTHON), ("B", BEFORE)];
    let between = |ours: (&str, Figure), theirs: (&str, Figure)| Some(figures.get(ours.0, ours.1)? / figures.get(theirs.0, theirs.1)?);
    let ratio = |subject: &str, what: &str, figure: Figure, limits: &[(&'static str, f64)]| {
        // An earlier build is measured only if one is given.
        let limits = limits.iter().filter(|(letter, _)| *letter != "B" || figures.get(BEFORE, figure).is_some());
        let limit = |&(of, most): &(&'static str, f64)| {
            let (_, peer) = peers.into_iter().find(|(each, _)| *each == of)?;
            Some(Limit { most, of, reached: between((subject, figure), (peer, figure)) })
        };
        Goal { what: what.into(), limits: limits.filter_map(limit).collect() }
    };
    let single = |what: &str, most: f64, of: &'static str, reached: Option<f64>| Goal {
        what: what.into(),
        limits: vec![Limit { most, of, reached }],
    };
    let count = |what: &str, figure: Figure, most: f64, unit: &'static str| single(what, most, unit, figures.get(AUTHORIZER, figure));
    let function = |name: &'static str| {
        let reached = between((name, Figure::ColdAndFirst), (AUTHORIZER, Figure::ColdAndFirst));
        single(&format!("cold + first of {name}"), 1.3, "authorizer", reached)
    };
    // What an environment's first password hash may cost: by the time of a warm one, and by the authorizer's start.
    let login_first = between((LOGIN, Figure::First), (LOGIN, Figure::P50)).map(|ms_by_us| ms_by_us * 1e3);
    let (start, of) = match figures.get(BEFORE, Figure::ColdAndFirst) {
        Some(_) => (BEFORE, "B"),
        None => (AUTHORIZER, "authorizer"),
    };
    let login_start = between((LOGIN, Figure::ColdAndFirst), (start, Figure::ColdAndFirst));
    vec![
        ratio(UNWARMED, "cold, without the warm-up", Figure::Cold, &[("H", 1.3)]),
        ratio(AUTHORIZER, "cold + first", Figure::ColdAndFirst, &[("H", 2.4), ("D", 0.07), ("N", 0.03), ("P", 0.02), ("B", 0.67)]),
        ratio(AUTHORIZER, "cold + first, 7.24 % of a processor after init", Figure::Throttled, &[("H", 3.5), ("D", 0.01), ("N", 0.01)]),
        ratio(AUTHORIZER, "cold, not in the page cache", Figure::Evicted, &[("H", 2.6), ("D", 0.65)]),
        ratio(UNWARMED, "the same, without the warm-up", Figure::Evicted, &[("H", 2.6), ("D", 0.65)]),
        ratio(AUTHORIZER, "warm processor time per call", Figure::WarmCpu, &[("H", 2.6), ("D", 0.42), ("N", 0.13), ("B", 0.60)]),
        ratio(AUTHORIZER, "p50 above a DynamoDB that takes 3 ms", Figure::P50AboveDelay, &[("N", 0.35)]),
        ratio(AUTHORIZER, "peak memory", Figure::Rss, &[("D", 0.75), ("N", 0.10)]),
        count("threads", Figure::Threads, 2.0, ""),
        count("connections to DynamoDB", Figure::Connections, 1.0, ""),
        count("stripped binary", Figure::Megabytes, 4.5, "MB"),
        function("refresh"),
        function("sessions"),
        single("first answer of login", 2.0, "warm ones", login_first),
        single("cold + first of login", 5.0, of, login_start),
    ]
}
