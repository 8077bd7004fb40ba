//! One cell of the matrix: a path, one of its store calls, a fault, and the fault's reach.

use std::time::Duration;

use latchkey::limits::Limits;
use latchkey_tests::{
    database::TEST_LIMITS,
    service::Answer,
    tap::{Call, Fault, Reach, Rule, cancelled},
};

use crate::{
    matrix::LATE,
    paths::Path,
    rounds::patiently,
    sizes::full,
    subject::{Ground, Subject},
    tally::{Breach, Tally},
};

/// The time limits to run a cell with, in order, until its fault strikes.
///
/// A minute is enough for any request that can finish by itself. If a fault never passes, some handlers keep reading until
/// their budget is spent, and then end in 503 however long it is: a second will do. On a busy machine a second can pass before
/// the request comes to its fault. Then the cell runs again with more.
pub(crate) fn limits_of(rule: Option<&Rule>) -> impl Iterator<Item = Limits> {
    let lasts = rule.is_some_and(|rule| rule.reach == Reach::FromThenOn && !ours(&rule.fault));
    let first = match lasts {
        false => TEST_LIMITS.request,
        true if full() => Limits::PRODUCTION.request,
        true => Duration::from_secs(1),
    };
    let longer = |budget: &Duration| (*budget < TEST_LIMITS.request).then(|| (*budget * 8).min(TEST_LIMITS.request));
    std::iter::successors(Some(first), longer).map(|request| Limits { request, ..TEST_LIMITS })
}

/// Whether DynamoDB rejects the request itself: the answer is 500, and no retry helps.
fn ours(fault: &Fault) -> bool {
    match fault {
        Fault::Error(_, "ValidationException") => true,
        Fault::Cancelled(codes) => codes.contains(&"ValidationError"),
        _ => false,
    }
}

/// The state of the path when the fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prelude {
    /// Nothing has happened yet: the fault strikes the first occurrence of the call.
    Nothing,
    /// The first write conflicted with another transaction, so the handler makes all calls a second time.
    Conflict,
    /// The first write was committed and its answer was lost, so the next read returns the handler's own write.
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

    /// The distinct calls that the path makes.
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

    /// Runs the cell until its fault strikes.
    pub(crate) async fn run(self, ground: &Ground) -> Tally {
        for limits in limits_of(self.rule.as_ref().filter(|_| !self.is_about_a_mark())) {
            if let Some(tally) = self.run_under(limits, ground).await {
                return tally;
            }
        }
        let mut tally = Tally::default();
        tally.breach(Breach::Unexpected, format!("{}: the fault met no call", self.name()));
        tally
    }

    /// Runs the cell on its own service: sends the request under the fault, checks what its answer promises, and retries
    /// without the fault. `None` if the fault met no call.
    async fn run_under(&self, limits: Limits, ground: &Ground) -> Option<Tally> {
        let subject = &Subject::new(ground).await;
        let held = &self.path.prepare(subject).await;
        let name = self.name();
        let mut tally = Tally { cells: 1, ..Tally::default() };
        let _ = subject.take_slowest();
        // Only the request under the fault has the budget. Everything before and after it takes its time.
        let asked = subject.under(limits).await;
        subject.tap.arm(self.rules());
        let answer = self.path.request(&asked, held).await;
        let calls = subject.tap.disarm();
        if !self.rule.as_ref().is_none_or(|rule| calls.iter().any(|call| rule.meets(call))) {
            return None;
        }
        tally.hold(subject.take_panics() == 0, Breach::Unexpected, || format!("{name}: a panic"));
        let took = subject.take_slowest();
        tally.slowest = took;
        *tally.answers.entry(format!("{} {}", answer.status, answer.code())).or_default() += 1;

        let late = matches!(self.rule, Some(Rule { fault: Fault::ArrivesLate(delay), .. }) if delay == Duration::from_millis(LATE[1]));
        if !late {
            subject.tap.arrived().await;
        }
        self.judge(&answer, &mut tally, &name);
        // A read that saw no login proves that the login has ended, not that this request ended it.
        let shown_none = matches!(self.rule, Some(Rule { fault: Fault::WithoutLogin, .. }));
        if !(shown_none && self.path == Path::Reuse) {
            self.path.check_acknowledged(subject, held, &answer, &mut tally, &name).await;
        }
        let retry = patiently(|| self.path.request(subject, held)).await;
        subject.tap.arrived().await;
        self.path.check_retried(subject, held, &answer, &retry, &mut tally, &name).await;
        Some(tally)
    }

    /// Whether the fault is at the mark of a first use. The request passes then, whatever becomes of the mark.
    fn is_about_a_mark(&self) -> bool {
        self.path == Path::AuthorizeCurrent && self.rule.as_ref().is_some_and(|rule| rule.operation == "UpdateItem")
    }

    /// Whether this answer is allowed for a request under the fault.
    fn judge(&self, answer: &Answer, tally: &mut Tally, name: &str) {
        let fault = self.rule.as_ref().map(|rule| &rule.fault);
        let authorizes = matches!(self.path, Path::AuthorizeCurrent | Path::AuthorizeRotated | Path::AuthorizeOrphan);
        let ours = fault.is_some_and(ours);
        let label = format!("{name}: {:?}", answer.outcome());
        match answer.status {
            status if status == self.path.settled_status() => {}
            401 => match fault {
                // Only an ended login looks like this: no transaction leaves a live login in this state. The handler
                // doesn't read again.
                Some(Fault::WithoutLogin) => tally.refused_on_torn += 1,
                // Between two generations neither token is the current one.
                Some(Fault::WithoutSession) if authorizes => tally.refused_on_torn += 1,
                _ => tally.breach(Breach::Wrong401, label),
            },
            200 => tally.breach(Breach::WrongAllow, label),
            503 if self.is_about_a_mark() && !matches!(fault, Some(Fault::Stand(_))) => tally.breach(Breach::LostSession, label),
            503 if !ours || authorizes => {}
            500 if ours => {}
            // The handler was stopped, so the gateway answers for it.
            500..=504 if matches!(fault, Some(Fault::Stand(_))) => {}
            // The proof was written and the answer was lost. The second attempt finds a proof, which may be another request's. The client
            // signs anew, and no token is lost.
            400 if answer.code() == "invalid_dpop_proof"
                && matches!(fault, Some(Fault::LostAfter | Fault::SilentAfter | Fault::ErrorAfter(..))) => {}
            // A count whose condition fails throttles the attempt.
            429 | 500 if matches!(fault, Some(Fault::Error(_, "ConditionalCheckFailedException"))) => {}
            _ => tally.breach(Breach::Unexpected, label),
        }
    }
}
