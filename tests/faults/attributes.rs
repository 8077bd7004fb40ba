//! Every fault at every store call that writes attributes: a user's for the first time and again, one login's own, and a login
//! that begins with some. What was acknowledged is seen by the request after it (G10), and what wasn't is settled by a retry.

use std::sync::Arc;

use latchkey::{ids::UserKey, limits::Limits};
use latchkey_tests::{
    service::{Answer, Pair},
    tap::{Call, Fault, Reach, Rule},
};
use reqwest::Method;
use serde_json::{Value, json};
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
    /// A user's, whose logins have no item of them yet.
    SetFirst,
    /// A user's, in the items that their logins have.
    SetAgain,
    /// One login's own, which has no item yet.
    ChangeFirst,
    /// One login's own, in its item.
    ChangeAgain,
    /// A login that begins with a user's and its own.
    Issue,
}

/// Two logins of the user.
struct Logins([Pair; 2]);

impl Wish {
    async fn prepare(self, subject: &Subject) -> Logins {
        let logins = Logins([subject.first_login().await, subject.log_in_directly("other-0123456789").await]);
        if matches!(self, Self::SetAgain | Self::ChangeAgain | Self::Issue) {
            let body = json!({"user_id": subject.user.user_id, "attributes": {"role": "before"}});
            assert_eq!(subject.admin(Method::PUT, "/admin/attributes", &body).await.status, 204);
        }
        logins
    }

    async fn request(self, subject: &Subject, logins: &Logins) -> Answer {
        let user_id = &subject.user.user_id;
        match self {
            Self::SetFirst | Self::SetAgain => {
                let body = json!({"user_id": user_id, "attributes": {"role": "after"}});
                subject.admin(Method::PUT, "/admin/attributes", &body).await
            }
            Self::ChangeFirst | Self::ChangeAgain => {
                let body = json!({"user_id": user_id, "login_id": logins.0[0].login_id, "attributes": {"own": "after"}});
                subject.admin(Method::PATCH, "/admin/logins/attributes", &body).await
            }
            Self::Issue => {
                let body = json!({"user_id": user_id, "device_id": "a third one", "attributes": {"own": "after"}});
                subject.admin(Method::POST, "/admin/logins", &body).await
            }
        }
    }

    fn is_acknowledged(self, answer: &Answer) -> bool {
        answer.status == if self == Self::Issue { 200 } else { 204 }
    }

    /// What the two logins show before and after.
    fn shows(self) -> [[Value; 2]; 2] {
        let none = Value::Null;
        let before = json!({"role": "before"});
        match self {
            Self::SetFirst => [[none.clone(), none], [json!({"role": "after"}), json!({"role": "after"})]],
            Self::SetAgain => [[before.clone(), before], [json!({"role": "after"}), json!({"role": "after"})]],
            Self::ChangeFirst => [[none.clone(), none.clone()], [json!({"own": "after"}), none]],
            Self::ChangeAgain => [[before.clone(), before.clone()], [json!({"role": "before", "own": "after"}), before]],
            Self::Issue => [[before.clone(), before.clone()], [before.clone(), before]],
        }
    }

    async fn calls(self, ground: &Ground) -> Vec<Call> {
        let subject = Subject::new(ground).await;
        let logins = self.prepare(&subject).await;
        subject.tap.arm(Vec::new());
        let answer = self.request(&subject, &logins).await;
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
        let logins = self.prepare(&subject).await;
        let mut tally = Tally { cells: 1, ..Tally::default() };
        let asked = subject.under(limits).await;
        subject.tap.arm(vec![rule.clone()]);
        let answer = self.request(&asked, &logins).await;
        if !subject.tap.disarm().iter().any(|call| rule.meets(call)) {
            return None;
        }
        tally.slowest = subject.take_slowest();
        *tally.answers.entry(format!("{} {}", answer.status, answer.code())).or_default() += 1;
        let label = format!("{name}: {:?}", answer.outcome());
        let [before, after] = self.shows();
        match answer.status {
            _ if self.is_acknowledged(&answer) => {
                self.check(&subject, &logins, &[&after], &mut tally, &label).await;
                self.check_issued(&subject, &answer, &mut tally, &label).await;
            }
            500 | 503 => self.check(&subject, &logins, &[&before, &after], &mut tally, &label).await,
            502 | 504 if matches!(rule.fault, Fault::Stand(_)) => {}
            // The read doesn't show the login that the caller names.
            404 if matches!(rule.fault, Fault::WithoutLogin) => {}
            _ => tally.breach(Breach::Unexpected, label),
        }

        let retry = patiently(|| self.request(&subject, &logins)).await;
        let label = format!("{name}: {:?}, then {:?}", answer.outcome(), retry.outcome());
        tally.hold(self.is_acknowledged(&retry), Breach::Unexpected, || label.clone());
        self.check(&subject, &logins, &[&after], &mut tally, &label).await;
        self.check_issued(&subject, &retry, &mut tally, &label).await;
        Table::read(&subject).await.check(&mut tally, &label);
        let register = subject.accounts.store().read_register(&UserKey::of(&subject.user.user_id)).await.unwrap().unwrap();
        // The first request's write of the register may arrive after the retry. Then it is a change that wasn't acknowledged, and pending.
        let is_late = matches!(rule.fault, Fault::ArrivesLate(_));
        tally.hold(is_late || register.attributes_pending.is_none(), Breach::Invariant, || format!("{label}: still pending"));
        Some(tally)
    }

    /// Each login shows what one of `allowed` says of it, and none has lost its attributes.
    async fn check(self, subject: &Subject, logins: &Logins, allowed: &[&[Value; 2]], tally: &mut Tally, label: &str) {
        for (place, pair) in logins.0.iter().enumerate() {
            let answer = patiently(|| subject.me(&pair.access)).await;
            tally.hold(answer.status == 200, Breach::LostSession, || format!("{label}: login {place} gets {:?}", answer.outcome()));
            let shown = &answer.body["attributes"];
            tally.hold(allowed.iter().any(|each| each[place] == *shown), Breach::WrongAllow, || {
                format!("{label}: login {place} shows {shown}")
            });
        }
    }

    async fn check_issued(self, subject: &Subject, answer: &Answer, tally: &mut Tally, label: &str) {
        if self == Self::Issue && answer.status == 200 {
            let pair = Pair::of(answer);
            let shown = patiently(|| subject.me(&pair.access)).await.body["attributes"].clone();
            tally.hold(shown == json!({"role": "before", "own": "after"}), Breach::WrongAllow, || format!("{label}: it shows {shown}"));
        }
    }
}

const KINDS: [&str; 4] = ["ValidationException", "TransactionConflictException", "ThrottlingException", "InternalServerError"];

/// A failed condition of a single write is an answer here, not a fault: it says that the copy is newer, or that the item isn't there.
/// A read that doesn't show a committed login is no fault that DynamoDB has: the register names the one in mid-commit.
fn is_fault(call: &Call, fault: &Fault) -> bool {
    match fault {
        Fault::Error(_, "ConditionalCheckFailedException") | Fault::WithoutLogin | Fault::WithoutSession => false,
        // The quick size takes one error of each kind.
        Fault::Error(_, code) => full() || KINDS.contains(code),
        Fault::Answer(_) => call.operation != "Query",
        _ => true,
    }
}

#[tokio::test]
async fn every_fault_at_every_write_of_attributes() {
    let ground = Ground::new().await;
    let (permits, mut running) = (Arc::new(Semaphore::new(12)), JoinSet::new());
    for wish in [Wish::SetFirst, Wish::SetAgain, Wish::ChangeFirst, Wish::ChangeAgain, Wish::Issue] {
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
    tally.close("faults of attributes");
}
