//! The time of Latchkey's own code, part by part, and everything that the authorizer adds to the SDK's query: parse, hash,
//! decide, answer.
#![expect(clippy::expect_used, reason = "a benchmark that fails has no result")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use latchkey::{
    clock::Clock,
    decision::{RefreshDecision, RefreshRequest, authorize, decide_refresh},
    entropy::Random,
    ids::Generation,
    model::LoginState,
    store::{login_item, read_login, read_session, session_item},
    token::{Access, ImportedTokens, PresentedToken, Proof, Refresh, SealedSeed, Seed, TokenPair},
};
use own_code::{COUNTED, Functions};

fn micro(criterion: &mut Criterion) {
    let functions = Functions::new().expect("the functions start");
    for each in COUNTED {
        functions.once(each).expect("the operation succeeds");
    }
    let issued = &functions.work.issued;
    let (login, session) = (&issued.new.login, &issued.new.session);
    let (login_as_item, session_as_item) = (login_item(login), session_item(session));
    let state = LoginState { login: Some(login.clone()), sessions: vec![session.clone()], ..LoginState::default() };
    let access = issued.pair.access.claim();
    let refresh = issued.pair.refresh.claim();
    let now = Clock::system().now();
    let random = Random::system();
    let proof = Proof::<Refresh>::generate(&random).expect("random bytes");
    let seed = Seed::generate(&random).expect("random bytes");
    let presented = PresentedToken::from(issued.pair.refresh.clone());
    let successor = Generation::FIRST.next().expect("a next generation");
    let sealed = SealedSeed::seal(&presented, &login.key, successor, &seed, &random).expect("the seed is sealed");

    criterion.bench_function("parse a token", |bencher| {
        bencher.iter(|| PresentedToken::<Access>::parse(black_box(issued.pair.access.expose()), ImportedTokens::Refused));
    });
    criterion.bench_function("hash a token", |bencher| bencher.iter(|| black_box(&issued.pair.access).hash()));
    criterion.bench_function("read a login and a session", |bencher| {
        bencher.iter(|| (read_login(black_box(&login_as_item)), read_session(black_box(&session_as_item))));
    });
    criterion.bench_function("decide an authorize", |bencher| {
        bencher.iter(|| authorize(black_box(&state), &access, now).is_ok());
    });
    criterion.bench_function("decide a refresh", |bencher| {
        let request = || RefreshRequest { claim: &refresh, replay_key: None, possession: None, minted: None, now };
        bencher.iter(|| matches!(decide_refresh(black_box(&state), request()), RefreshDecision::Rotate { .. }));
    });
    criterion.bench_function("mint a pair", |bencher| {
        bencher.iter(|| TokenPair::mint(black_box(&login.key), successor, &proof, &seed));
    });
    criterion.bench_function("seal a seed", |bencher| {
        bencher.iter(|| SealedSeed::seal(black_box(&presented), &login.key, successor, &seed, &random));
    });
    criterion.bench_function("open a seed", |bencher| bencher.iter(|| sealed.open(black_box(&presented), &login.key, successor)));

    criterion.bench_function("the authorizer's own code: authorize less query", |bencher| {
        bencher.iter_custom(|times| by_turns(times, || drop(functions.authorize_silently()), || drop(functions.query())));
    });
    criterion.bench_function("the same with metrics", |bencher| {
        bencher.iter_custom(|times| by_turns(times, || drop(functions.authorize()), || drop(functions.query())));
    });
    criterion.bench_function("authorize with the SDK, no network", |bencher| bencher.iter(|| functions.authorize()));
    criterion.bench_function("the query alone, with the SDK", |bencher| bencher.iter(|| functions.query()));
    criterion.bench_function("refresh with the SDK, no network", |bencher| bencher.iter(|| functions.refresh()));
}

/// How much longer `all` takes than `part`: the median difference of `times` pairs, multiplied by `times`. A slowdown of the
/// machine affects both of a pair, so it cancels out.
fn by_turns(times: u64, all: impl Fn(), part: impl Fn()) -> Duration {
    let pair = |_| {
        let begun = Instant::now();
        all();
        let between = Instant::now();
        part();
        (between - begun).saturating_sub(between.elapsed())
    };
    let mut more: Vec<_> = (0..times).map(pair).collect();
    more.sort();
    let median = more.get(more.len() / 2).copied().unwrap_or_default();
    median.mul_f64(times as f64)
}

criterion_group!(benches, micro);
criterion_main!(benches);
