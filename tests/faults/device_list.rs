//! Every fault at every store call of the device list: list the logins, end one, end all others, end all.

use std::sync::Arc;

use latchkey::limits::Limits;
use latchkey_tests::{
    service::{Answer, Pair},
    tap::{Call, Fault, Reach, Rule},
};
use reqwest::Method;
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    cell::limits_of,
    matrix::{OPERATIONS, faults},
    rounds::patiently,
    sizes::full,
    subject::{Ground, Subject},
    table::Table,
    tally::{Breach, Tally},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    List,
    EndOne,
    EndOthers,
    EndEverywhere,
}

/// The user's current device and a second one.
struct Devices {
    own: Pair,
    other: Pair,
}

impl Wish {
    async fn prepare(subject: &Subject) -> Devices {
        let own = subject.first_login().await;
        Devices { own, other: subject.log_in_directly("other-0123456789").await }
    }

    async fn request(self, subject: &Subject, devices: &Devices) -> Answer {
        let (method, path) = match self {
            Self::List => (Method::GET, "/sessions".to_owned()),
            Self::EndOne => (Method::DELETE, format!("/sessions/{}", devices.other.login_id)),
            Self::EndOthers => (Method::DELETE, "/sessions?keep=current".to_owned()),
            Self::EndEverywhere => (Method::DELETE, "/sessions".to_owned()),
        };
        subject.ask(method, &path, &devices.own.access).await
    }

    /// Whether the other device's login and the user's own must exist afterwards.
    fn leaves(self) -> (bool, bool) {
        match self {
            Self::List => (true, true),
            Self::EndOne | Self::EndOthers => (false, true),
            Self::EndEverywhere => (false, false),
        }
    }

    fn is_acknowledged(self, answer: &Answer) -> bool {
        match self {
            Self::List => answer.status == 200,
            Self::EndOne | Self::EndOthers | Self::EndEverywhere => answer.status == 204,
        }
    }

    /// Whether the same request, sent again by the app, gets its answer.
    fn is_settled(self, retry: &Answer) -> bool {
        let refused = match self {
            Self::List | Self::EndOthers => false,
            // The first request ended the other login, so there is nothing to end.
            Self::EndOne => retry.status == 404,
            // The first request ended the caller's own login. All other logins must be gone by then.
            Self::EndEverywhere => retry.status == 401,
        };
        refused || self.is_acknowledged(retry)
    }

    async fn calls(self, ground: &Ground) -> Vec<Call> {
        let subject = Subject::new(ground).await;
        let devices = Self::prepare(&subject).await;
        subject.tap.arm(Vec::new());
        let answer = self.request(&subject, &devices).await;
        assert!(self.is_acknowledged(&answer), "{self:?}: {}", answer.text);
        subject.tap.disarm()
    }

    async fn run(self, ground: Ground, rule: Rule) -> Tally {
        for limits in limits_of(Some(&rule)) {
            if let Some(tally) = self.run_under(limits, &ground, &rule).await {
                return tally;
            }
        }
        let mut tally = Tally::default();
        tally.breach(Breach::Unexpected, format!("{self:?}: {rule:?} met no call"));
        tally
    }

    /// `None` if the fault met no call.
    async fn run_under(self, limits: Limits, ground: &Ground, rule: &Rule) -> Option<Tally> {
        let name = format!("{self:?}: {:?} at {} {}, {:?}", rule.fault, rule.operation, rule.nth, rule.reach);
        let subject = Subject::new(ground).await;
        let devices = Self::prepare(&subject).await;
        let mut tally = Tally { cells: 1, ..Tally::default() };
        let asked = subject.under(limits).await;
        subject.tap.arm(vec![rule.clone()]);
        let answer = self.request(&asked, &devices).await;
        if !subject.tap.disarm().iter().any(|call| rule.meets(call)) {
            return None;
        }
        tally.slowest = subject.take_slowest();
        *tally.answers.entry(format!("{} {}", answer.status, answer.code())).or_default() += 1;
        let label = format!("{name}: {:?}", answer.outcome());
        match answer.status {
            _ if self.is_acknowledged(&answer) => check(self, &subject, &devices, &mut tally, &label).await,
            // The authorizer reads only once, and this read shows no login with a session of this generation.
            401 if matches!(rule.fault, Fault::WithoutLogin | Fault::WithoutSession) && rule.nth == 1 => tally.refused_on_torn += 1,
            401 => tally.breach(Breach::Wrong401, label),
            500 | 503 => {}
            502 | 504 if matches!(rule.fault, Fault::Stand(_)) => {}
            _ => tally.breach(Breach::Unexpected, label),
        }

        let retry = patiently(|| self.request(&subject, &devices)).await;
        let label = format!("{name}: {:?}, then {:?}", answer.outcome(), retry.outcome());
        tally.hold(self.is_settled(&retry), Breach::Unexpected, || label.clone());
        check(self, &subject, &devices, &mut tally, &label).await;
        Some(tally)
    }
}

async fn check(wish: Wish, subject: &Subject, devices: &Devices, tally: &mut Tally, label: &str) {
    let table = Table::read(subject).await;
    table.check(tally, label);
    let there = (table.logins.contains_key(&devices.other.login_id), table.logins.contains_key(&devices.own.login_id));
    let (other, own) = wish.leaves();
    tally.hold(there.0 <= other && there.1 <= own, Breach::WrongAllow, || format!("{label}: (other, own) exist: {there:?}"));
    tally.hold(there.0 >= other && there.1 >= own, Breach::LostSession, || format!("{label}: (other, own) exist: {there:?}"));
    for (pair, alive) in [(&devices.other, there.0), (&devices.own, there.1)] {
        tally.hold(subject.allows(&pair.access).await == alive, Breach::WrongAllow, || format!("{label}: the table says {there:?}"));
    }
}

const KINDS: [&str; 4] = ["ValidationException", "TransactionConflictException", "ThrottlingException", "InternalServerError"];

/// A failed condition is an answer here, not a fault: it says that there is nothing to end. A transaction never hides a
/// committed login from the complete read before an end, because the register names a login in mid-commit.
fn is_fault(call: &Call, fault: &Fault) -> bool {
    match fault {
        Fault::Error(_, "ConditionalCheckFailedException") => false,
        Fault::WithoutLogin => call.nth == 1,
        // The quick size takes one error of each kind.
        Fault::Error(_, code) => full() || KINDS.contains(code),
        _ => true,
    }
}

#[tokio::test]
async fn every_fault_at_every_call_of_the_device_list() {
    let ground = Ground::new().await;
    let (permits, mut running) = (Arc::new(Semaphore::new(12)), JoinSet::new());
    for wish in [Wish::List, Wish::EndOne, Wish::EndOthers, Wish::EndEverywhere] {
        for call in wish.calls(&ground).await {
            let operation = OPERATIONS.into_iter().find(|name| *name == call.operation).unwrap();
            for (fault, reaches) in faults(&call).into_iter().filter(|(fault, _)| is_fault(&call, fault)) {
                // The longest reach is the hardest.
                let reach = reaches.last().copied().unwrap_or(Reach::OneCall);
                let rule = Rule { operation, nth: call.nth, reach, fault };
                let (ground, permits) = (ground.clone(), Arc::clone(&permits));
                running.spawn(async move {
                    let _permit = permits.acquire_owned().await;
                    wish.run(ground, rule).await
                });
            }
        }
    }
    let mut tally = Tally::default();
    while let Some(cell) = running.join_next().await {
        tally.add(cell.unwrap());
    }
    tally.close("faults of the device list");
}
