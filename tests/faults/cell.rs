//! One cell: a path, a call of it, a fault, and how far the fault reaches.

use std::time::Duration;

use latchkey::aws::REQUEST_BUDGET;
use latchkey_tests::{
    service::Answer,
    tap::{Call, Fault, Reach, Rule, cancelled},
};

use crate::{
    paths::Path,
    rounds::patiently,
    subject::{Ground, Subject},
    tally::{Breach, Tally},
};

/// Two shared processors do other things as well; the promise is the budget, and this is what a timer may be late.
const TIMER_SLACK: Duration = Duration::from_millis(1_000);

/// What happened already when the fault comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prelude {
    /// Nothing: the fault meets the first occurrence.
    Nothing,
    /// The first write met another transaction, so that all calls are made a second time.
    Conflict,
    /// The first write was committed and its answer was lost: the read that follows sees its own work.
    AnswerLost,
}

impl Prelude {
    fn rules(self, path: Path) -> Vec<Rule> {
        let operation = match path {
            Path::Login | Path::Refresh => "TransactWriteItems",
            _ => "DeleteItem",
        };
        let fault = match self {
            Self::Nothing => return Vec::new(),
            Self::Conflict if operation == "DeleteItem" => Fault::Error(400, "TransactionConflictException"),
            Self::Conflict => cancelled("TransactionConflict", 3),
            Self::AnswerLost => Fault::LostAfter,
        };
        vec![Rule { operation, nth: 1, reach: Reach::OneCall, fault }]
    }
}

/// A cell of the matrix.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) path: Path,
    pub(crate) prelude: Prelude,
    pub(crate) rule: Option<Rule>,
}

impl Cell {
    fn rules(&self) -> Vec<Rule> {
        let mut rules = self.prelude.rules(self.path);
        rules.extend(self.rule.clone());
        rules
    }

    fn name(&self) -> String {
        let Self { path, prelude, rule } = self;
        match rule {
            None => format!("{path:?} after {prelude:?}"),
            Some(Rule { operation, nth, reach, fault }) => format!("{path:?} after {prelude:?}: {fault:?} at {operation} {nth}, {reach:?}"),
        }
    }

    /// The calls that the path makes, each once.
    pub(crate) async fn calls(&self, ground: &Ground) -> Vec<Call> {
        let subject = Subject::new(ground).await;
        let held = self.path.prepare(&subject).await;
        subject.tap.arm(self.rules());
        let answer = self.path.request(&subject, &held).await;
        assert_eq!(answer.status, self.path.settled_status(), "{}: {}", self.name(), answer.text);
        let mut calls = subject.tap.disarm();
        calls.retain(|call| call.attempt == 1);
        calls
    }

    /// Runs it on a service of its own; again where the machine was too busy to bring the request as far as its fault.
    pub(crate) async fn run(self, ground: &Ground) -> Tally {
        for _ in 0..5 {
            if let Some(tally) = self.try_once(ground).await {
                return tally;
            }
        }
        let mut tally = Tally { cells: 1, ..Tally::default() };
        tally.breach(Breach::Unexpected, format!("{}: the fault met no call", self.name()));
        tally
    }

    /// The request under the fault, what its answer promises, and the retry without the fault.
    async fn try_once(&self, ground: &Ground) -> Option<Tally> {
        let working = ground.work().await;
        let subject = &Subject::new(ground).await;
        let held = &self.path.prepare(subject).await;
        drop(working);
        let name = self.name();
        let mut tally = Tally { cells: 1, ..Tally::default() };
        let _ = subject.take_slowest();
        subject.tap.arm(self.rules());
        let answer = self.path.request(subject, held).await;
        let calls = subject.tap.disarm();
        let met = self.rule.as_ref().is_none_or(|rule| calls.iter().any(|call| rule.meets(call)));
        if !met {
            return None;
        }
        tally.hold(subject.take_panics() == 0, Breach::Unexpected, || format!("{name}: a panic"));
        let took = subject.take_slowest();
        tally.slowest = took;
        tally.late = usize::from(took > REQUEST_BUDGET + TIMER_SLACK);
        *tally.answers.entry(format!("{} {}", answer.status, answer.code())).or_default() += 1;

        let _working = ground.work().await;
        self.judge(&answer, &mut tally, &name);
        // A read that saw no login says that it has ended; that it ended it is not said.
        let shown_none = matches!(self.rule, Some(Rule { fault: Fault::WithoutLogin, .. }));
        if !(shown_none && self.path == Path::Reuse) {
            self.path.check_acknowledged(subject, held, &answer, &mut tally, &name).await;
        }
        let retry = patiently(|| self.path.request(subject, held)).await;
        self.path.check_retried(subject, held, &answer, &retry, &mut tally, &name).await;
        Some(tally)
    }

    /// Whether a faulted request may be answered so.
    fn judge(&self, answer: &Answer, tally: &mut Tally, name: &str) {
        let fault = self.rule.as_ref().map(|rule| &rule.fault);
        let authorizes = matches!(self.path, Path::AuthorizeCurrent | Path::AuthorizeRotated | Path::AuthorizeOrphan);
        let ours = match fault {
            Some(Fault::Error(_, "ValidationException")) => true,
            Some(Fault::Cancelled(codes)) => codes.contains(&"ValidationError"),
            _ => false,
        };
        let told = format!("{name}: {:?}", answer.outcome());
        match answer.status {
            status if status == self.path.settled_status() => {}
            401 => match fault {
                // No transaction shows a live login so: this is what an ended one looks like, and the one read is final.
                Some(Fault::WithoutLogin) => tally.refused_on_torn += 1,
                // Between two generations neither token is the current one.
                Some(Fault::WithoutSession) if authorizes => tally.refused_on_torn += 1,
                _ => tally.breach(Breach::Wrong401, told),
            },
            200 => tally.breach(Breach::WrongAllow, told),
            503 if !ours || authorizes => {}
            500 if ours => {}
            // The handler was stopped dead: the gateway answers in its place.
            500..=504 if matches!(fault, Some(Fault::Stand(_))) => {}
            // A count that says "no" holds an attempt back.
            429 | 500 if matches!(fault, Some(Fault::Error(_, "ConditionalCheckFailedException"))) => {}
            _ => tally.breach(Breach::Unexpected, told),
        }
    }
}
