//! The real service, driven by the same steps.

use std::{collections::BTreeMap, sync::Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use latchkey::token::{Proof, RefreshToken, Seed, TokenPair};
use latchkey_tests::{
    seed::random,
    service::{Answer, Pair, Service, send},
    tap::{CONDITION_FAILED, Fault, Reach, Rule, cancelled},
};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use tokio::runtime::Runtime;

use crate::reference::{Expected, Mishap, Reference, Step, Which, World};

thread_local! {
    /// One service for all sequences of a test: each cleans up after itself.
    static SERVICE: Mutex<(Runtime, Service)> = {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let service = runtime.block_on(Service::start(&[]));
        Mutex::new((runtime, service))
    };
}

/// The handlers, and the pairs that a client would have kept.
pub(crate) struct Handlers {
    began: DateTime<Utc>,
    mishap: Option<Mishap>,
    pairs: BTreeMap<(usize, usize), Pair>,
}

impl StateMachineTest for Handlers {
    type SystemUnderTest = Self;
    type Reference = Reference;

    fn init_test(_: &World) -> Self {
        SERVICE.with(|kept| {
            let shared = kept.lock().unwrap_or_else(|failed| {
                // A failed sequence didn't clean up, so the shorter sequences that shrinking tries start with a new
                // service.
                kept.clear_poison();
                let mut shared = failed.into_inner();
                shared.1 = shared.0.block_on(Service::start(&[]));
                shared
            });
            Self { began: shared.1.clock.now(), mishap: None, pairs: BTreeMap::new() }
        })
    }

    fn apply(handlers: Self, world: &World, step: Step) -> Self {
        SERVICE.with(|kept| {
            let (runtime, service) = &*kept.lock().unwrap();
            handlers.take(world, &step, runtime, service)
        })
    }

    fn teardown(handlers: Self, world: World) {
        SERVICE.with(|kept| {
            let (runtime, service) = &*kept.lock().unwrap();
            handlers.end(&world, runtime, service);
        });
    }
}

impl Handlers {
    fn take(mut self, world: &World, step: &Step, runtime: &Runtime, service: &Service) -> Self {
        service.clock.set(self.began + TimeDelta::milliseconds(world.now));
        if let Step::Mishap(mishap) = step {
            self.mishap = Some(*mishap);
            return self;
        }
        service.tap.arm(self.mishap.take().map(rule).into_iter().collect());
        let ends_all = matches!(step, Step::EndAll(_));
        let mut answer = runtime.block_on(self.send(service, world, step));
        let mut later = 0;
        while later < 10 && answer.as_ref().is_some_and(|answer| answer.status == 503) {
            later += 1;
            answer = runtime.block_on(self.send(service, world, step));
        }
        drop(service.tap.disarm());
        // The first attempt may have ended the caller's own login before it answered 503.
        let ended_before = ends_all && later > 0 && answer.as_ref().is_some_and(|answer| answer.status == 401);
        if !ended_before {
            self.compare(world.expected, answer);
        }
        self
    }

    fn end(self, world: &World, runtime: &Runtime, service: &Service) {
        for (index, login) in world.logins.iter().enumerate() {
            let newest = &self.pairs[&(index, login.sessions.len() - 1)];
            // On a busy machine a request may time out with 503.
            let status = (0..10).map(|_| runtime.block_on(service.logout(&newest.access)).status).find(|status| *status != 503);
            assert_eq!(status, Some(204));
        }
        // An end whose answer was lost leaves a session without its login. No token of it passes.
        let left = runtime.block_on(service.database.sort_keys());
        assert!(left.iter().all(|key| key == "!user" || key.contains('#')), "left behind: {left:?}");
        if left.len() > 1 {
            runtime.block_on(sweep(service));
        }
        service.clock.set(self.began);
    }

    fn pair(&self, world: &World, which: &Which) -> Option<&Pair> {
        // The reference has already moved on; a token issued just now could not have been presented.
        let (login, generation) = which.of(&world.logins)?;
        self.pairs.get(&(login, generation))
    }

    async fn send(&self, service: &Service, world: &World, step: &Step) -> Option<Answer> {
        Some(match step {
            Step::Wait(_) | Step::Mishap(_) => return None,
            Step::Login => {
                // A retry has the same result, so a login whose answer was lost leaves no orphaned login.
                let device_id = format!("device-{:010}", world.logins.len());
                let password = latchkey_cli::dev::DEMO_PASSWORD;
                service.login_with(&serde_json::json!({"username": "demo", "password": password, "device_id": device_id})).await
            }
            Step::Authorize(which) => service.me(&self.pair(world, which)?.access).await,
            Step::EndAll(which) => send(service.request("DELETE", "/sessions").bearer_auth(&self.pair(world, which)?.access)).await,
            Step::Refresh(which, key) => {
                let request = service.request("POST", "/refresh").bearer_auth(&self.presented(world, which)?.refresh);
                send(key.iter().fold(request, |request, key| request.header("Idempotency-Key", format!("key-{key}")))).await
            }
            Step::RefreshForged(which) => service.refresh(&forged(&self.pair(world, which)?.refresh)).await,
            Step::RefreshWithAccess(which) => service.refresh(&self.pair(world, which)?.access).await,
            Step::LogoutWithAccess(which) => service.logout(&self.pair(world, which)?.access).await,
            Step::LogoutWithRefresh(which) => service.logout(&self.pair(world, which)?.refresh).await,
        })
    }

    /// The token that a refresh presented. If the refresh rotated, the given reference already has the successor.
    fn presented(&self, world: &World, which: &Which) -> Option<&Pair> {
        let mut before = world.logins.clone();
        if let Expected::Pair { login, generation } = world.expected
            && !self.pairs.contains_key(&(login, generation))
        {
            before[login].sessions.pop();
        }
        let (login, generation) = which.of(&before)?;
        self.pairs.get(&(login, generation))
    }

    fn compare(&mut self, expected: Expected, answer: Option<Answer>) {
        let Some(answer) = answer else {
            return assert_eq!(expected, Expected::Nothing);
        };
        match expected {
            Expected::Nothing => panic!("a request that the reference doesn't know: {}", answer.text),
            Expected::Yes => assert!(matches!(answer.status, 200 | 204), "{}", answer.text),
            Expected::No => assert_eq!(answer.outcome(), (401, "invalid_token")),
            Expected::Superseded => assert_eq!(answer.outcome(), (409, "superseded")),
            Expected::Pair { login, generation } => {
                let pair = Pair::of(&answer);
                let kept = self.pairs.entry((login, generation)).or_insert_with(|| pair.clone());
                assert_eq!(*kept, pair, "the very same pair");
            }
        }
    }
}

async fn sweep(service: &Service) {
    for item in service.database.items("SessionsTable").await.into_iter().filter(|item| item["sk"].as_s().unwrap() != "!user") {
        let key = ["user_key", "sk"].map(|name| (name.to_owned(), item[name].clone())).into();
        let table = service.database.table("SessionsTable");
        service.database.client.delete_item().table_name(table).set_key(Some(key)).send().await.unwrap();
    }
}

/// The fault for each call. The SDK doesn't retry these refusals, so they cost no time.
fn rule(mishap: Mishap) -> Rule {
    let (operation, fault) = match mishap {
        Mishap::Read => ("Query", Fault::Error(400, "AccessDeniedException")),
        Mishap::Counts => ("BatchGetItem", Fault::Error(400, "AccessDeniedException")),
        Mishap::Update => ("UpdateItem", Fault::Error(400, "AccessDeniedException")),
        Mishap::Conflict => ("TransactWriteItems", cancelled("TransactionConflict", 3)),
        Mishap::Condition => ("TransactWriteItems", cancelled(CONDITION_FAILED, 3)),
        Mishap::Transaction => ("TransactWriteItems", Fault::Error(400, "AccessDeniedException")),
        Mishap::Unheard => ("TransactWriteItems", Fault::ErrorAfter(400, "TransactionInProgressException")),
        Mishap::EndConflict => ("DeleteItem", Fault::Error(400, "TransactionConflictException")),
        Mishap::EndUnheard => ("DeleteItem", Fault::ErrorAfter(400, "AccessDeniedException")),
    };
    Rule { operation, nth: 1, reach: Reach::OneCall, fault }
}

/// The right login and generation, with a forged proof and secret.
fn forged(refresh: &str) -> String {
    let token = RefreshToken::parse(refresh).unwrap();
    let random = &random();
    let pair = TokenPair::mint(token.key(), token.generation(), &Proof::generate(random).unwrap(), &Seed::generate(random).unwrap());
    pair.unwrap().refresh.expose().to_owned()
}

/// Tests of the reference's own consistency, because the other tests trust it.
#[test]
fn the_reference_starts_with_nothing() {
    let world = World::default();
    let world = <Reference as ReferenceStateMachine>::apply(world, &Step::Login);
    assert_eq!(world.expected, Expected::Pair { login: 0, generation: 0 });
}
