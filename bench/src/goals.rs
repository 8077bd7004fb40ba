//! The goals for the figures: mostly ratios, because times depend on the machine.

use crate::{
    rounds::{Figure, Figures},
    subject::{AUTHORIZER, DEFAULT_SDK, HELLO, LOGIN, NODE, PYTHON, UNWARMED},
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
    /// Relative to a peer, by its letter; `None` for a count.
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
    let peers = [("H", HELLO), ("D", DEFAULT_SDK), ("N", NODE), ("P", PYTHON)];
    let ratio = |subject: &str, what: &str, figure: Figure, limits: &[(&str, f64)]| {
        let limit = |&(letter, most): &(&str, f64)| {
            let (of, peer) = peers.into_iter().find(|(each, _)| *each == letter)?;
            let reached = figures.get(subject, figure).zip(figures.get(peer, figure)).map(|(ours, theirs)| ours / theirs);
            Some(Limit { most, of, reached })
        };
        Goal { what: what.into(), limits: limits.iter().filter_map(limit).collect() }
    };
    let count = |what: &str, figure: Figure, most: f64| Goal {
        what: what.into(),
        limits: vec![Limit { most, of: "", reached: figures.get(AUTHORIZER, figure) }],
    };
    let function = |name: &'static str, less: f64, more: &str| {
        let ours = figures.get(name, Figure::ColdAndFirst).map(|time| time - less);
        let reached = ours.zip(figures.get(AUTHORIZER, Figure::ColdAndFirst)).map(|(ours, authorizer)| ours / authorizer);
        Goal { what: format!("cold + first of {name}{more}"), limits: vec![Limit { most: 1.3, of: "authorizer", reached }] }
    };
    vec![
        ratio(UNWARMED, "cold, without the warm-up", Figure::Cold, &[("H", 1.5)]),
        ratio(AUTHORIZER, "cold + first", Figure::ColdAndFirst, &[("H", 3.0), ("D", 0.15), ("N", 0.03), ("P", 0.02)]),
        ratio(AUTHORIZER, "cold + first, 7.24 % of a processor after init", Figure::Throttled, &[("H", 3.5), ("D", 0.01), ("N", 0.01)]),
        ratio(AUTHORIZER, "cold, not in the page cache", Figure::Evicted, &[("H", 3.0), ("D", 0.65)]),
        ratio(UNWARMED, "the same, without the warm-up", Figure::Evicted, &[("H", 3.0), ("D", 0.65)]),
        ratio(AUTHORIZER, "warm processor time per call", Figure::WarmCpu, &[("H", 3.0), ("D", 0.65), ("N", 0.20)]),
        ratio(AUTHORIZER, "p50 above a DynamoDB that takes 3 ms", Figure::P50AboveDelay, &[("N", 0.35)]),
        ratio(AUTHORIZER, "peak memory", Figure::Rss, &[("D", 0.75), ("N", 0.10)]),
        count("threads", Figure::Threads, 2.0),
        count("connections to DynamoDB", Figure::Connections, 1.0),
        ratio(AUTHORIZER, "stripped binary", Figure::Megabytes, &[("D", 0.60)]),
        function("refresh", 0.0, ""),
        function("sessions", 0.0, ""),
        function(LOGIN, 0.0, ""),
        function(LOGIN, figures.argon2id_ms, ", less its Argon2id"),
    ]
}
