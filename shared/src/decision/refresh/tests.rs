use super::*;
use crate::{
    decision::states::{Chain, STEP_MS, WINDOW_MS, at},
    model::LoginState,
    token::TokenPair,
};

fn decide<'a>(state: &'a LoginState, pair: &TokenPair, now: DateTime<Utc>) -> RefreshDecision<'a> {
    decide_refresh(state, RefreshRequest { claim: &pair.refresh.claim(), replay_key: None, possession: None, minted: None, now })
}

#[test]
fn no_login_is_ended() {
    let chain = Chain::of(3);
    assert_eq!(decide(&LoginState::default(), &chain.pair(3), chain.now()), RefreshDecision::Refuse(RefreshRefusal::Ended));
    assert_eq!(decide(&chain.without_login(), &chain.pair(3), chain.now()), RefreshDecision::Refuse(RefreshRefusal::Ended));
}

#[test]
fn a_generation_still_to_come_is_forged() {
    let chain = Chain::of(3);
    assert_eq!(decide(&chain.state(), &chain.pair(4), chain.now()), RefreshDecision::Refuse(RefreshRefusal::Forged));
}

/// R7: the right key fields with a wrong proof end nothing, whatever the generation.
#[test]
fn a_wrong_proof_is_forged_and_ends_nothing() {
    let chain = Chain::of(3);
    let mut state = chain.state();
    if let Some(login) = &mut state.login {
        login.proofs = crate::model::ProofHashes::of(&crate::token::test_values::other_proof()).ok();
    }
    for presented in 0..=3 {
        assert_eq!(decide(&state, &chain.pair(presented), chain.now()), RefreshDecision::Refuse(RefreshRefusal::Forged), "{presented}");
    }
}

#[test]
fn an_expired_login_is_refused_without_an_event_from_the_exact_instant() {
    let chain = Chain::of(3);
    let state = chain.state();
    let expiry = chain.login().refresh_token_expires_at;
    for presented in 0..=3 {
        assert_eq!(decide(&state, &chain.pair(presented), expiry), RefreshDecision::Refuse(RefreshRefusal::Expired), "{presented}");
    }
    assert!(matches!(decide(&state, &chain.pair(3), expiry - at(1)), RefreshDecision::Rotate { .. }));
}

#[test]
fn the_current_token_rotates_and_its_forgery_does_not() {
    let chain = Chain::of(3);
    assert!(
        matches!(decide(&chain.state(), &chain.pair(3), chain.now()), RefreshDecision::Rotate { login, .. } if *login == chain.login())
    );
    assert_eq!(decide(&chain.state(), &chain.forged(3), chain.now()), RefreshDecision::Refuse(RefreshRefusal::Forged));
}

/// F5: a torn read says nothing about the token, so it is read again.
#[test]
fn a_login_without_its_session_is_torn_before_it_is_anything_else() {
    let chain = Chain::of(3);
    let state = chain.without_session();
    let long_after = chain.now() + at(10 * WINDOW_MS);
    for presented in [2, 3] {
        for now in [chain.now(), long_after] {
            assert_eq!(decide(&state, &chain.pair(presented), now), RefreshDecision::Torn, "{presented}");
        }
    }
}

#[test]
fn what_this_request_minted_is_success_even_after_the_window() {
    let chain = Chain::of(3);
    let state = chain.state();
    let minted = chain.pair(3).refresh.hash();
    let claim = chain.pair(2).refresh.claim();
    let request =
        RefreshRequest { claim: &claim, replay_key: None, possession: None, minted: Some(&minted), now: chain.now() + at(10 * WINDOW_MS) };
    assert_eq!(decide_refresh(&state, request), RefreshDecision::Success { session: &chain.session(3) }.matching(&state));
}

impl<'a> RefreshDecision<'a> {
    /// Seals are random, so compare a success by its place only.
    fn matching(self, state: &'a LoginState) -> Self {
        match (self, &state.login) {
            (RefreshDecision::Success { session }, Some(_)) => {
                RefreshDecision::Success { session: state.session(session.generation).unwrap() }
            }
            (other, _) => other,
        }
    }
}

#[test]
fn the_previous_token_replays_strictly_inside_its_window_and_is_reuse_after_the_tolerance() {
    let chain = Chain::of(3);
    let state = chain.state();
    let until = chain.replay_until(2);
    assert!(matches!(decide(&state, &chain.pair(2), until - at(1)), RefreshDecision::Replay { .. }));
    for now in [until, until + TOLERANCE - at(1)] {
        assert_eq!(decide(&state, &chain.pair(2), now), RefreshDecision::Superseded { keys_differ: false });
    }
    assert!(matches!(decide(&state, &chain.pair(2), until + TOLERANCE), RefreshDecision::Reuse { .. }));
}

#[test]
fn a_genuine_proof_around_an_invented_token_is_forged_at_any_time() {
    let chain = Chain::of(3);
    for now in [chain.now(), chain.now() + at(10 * WINDOW_MS)] {
        assert_eq!(decide(&chain.state(), &chain.forged(2), now), RefreshDecision::Refuse(RefreshRefusal::Forged));
    }
}

/// A login at generation 3 whose session says `first_use`.
fn used(first_use: FirstUse) -> LoginState {
    let mut state = Chain::of(3).state();
    for predecessor in state.sessions.iter_mut().filter_map(|session| session.predecessor.as_mut()) {
        predecessor.first_use = first_use;
    }
    state
}

#[test]
fn a_lost_answer_is_recovered_until_the_login_expires_while_its_tokens_are_unused() {
    let chain = Chain::of(3);
    let state = used(FirstUse::Awaited);
    let (until, expiry) = (chain.replay_until(2), chain.login().refresh_token_expires_at);
    for (now, late) in [(until - at(1), false), (until, true), (until + at(10 * WINDOW_MS), true), (expiry - at(1), true)] {
        assert!(matches!(decide(&state, &chain.pair(2), now), RefreshDecision::Replay { recovered, .. } if recovered == late));
    }
    assert_eq!(decide(&state, &chain.pair(2), expiry), RefreshDecision::Refuse(RefreshRefusal::Expired));
    assert_eq!(decide(&state, &chain.forged(2), until), RefreshDecision::Refuse(RefreshRefusal::Forged));
    assert!(matches!(decide(&state, &chain.pair(1), until + TOLERANCE), RefreshDecision::Reuse { .. }), "one behind only");
}

#[test]
fn after_the_first_use_the_previous_token_is_answered_for_one_window_more() {
    let chain = Chain::of(3);
    let used_until = chain.replay_until(2) + at(3_600_000 / 2);
    let state = used(FirstUse::ReplayUntil(used_until));
    let recovered = decide(&state, &chain.pair(2), used_until - at(1));
    assert!(matches!(recovered, RefreshDecision::Replay { recovered: true, .. }), "{recovered:?}");
    for now in [used_until, used_until + TOLERANCE - at(1)] {
        assert_eq!(decide(&state, &chain.pair(2), now), RefreshDecision::Superseded { keys_differ: false });
    }
    assert!(matches!(decide(&state, &chain.pair(2), used_until + TOLERANCE), RefreshDecision::Reuse { .. }));

    let early = used(FirstUse::ReplayUntil(chain.now()));
    let until = chain.replay_until(2);
    assert!(matches!(decide(&early, &chain.pair(2), until - at(1)), RefreshDecision::Replay { recovered: false, .. }), "the later of both");
    assert!(matches!(decide(&early, &chain.pair(2), until + TOLERANCE), RefreshDecision::Reuse { .. }));
}

/// Else a client whose token was rotated by another party would get 409 for ever: neither served nor told to log in.
#[test]
fn unequal_keys_never_wait_for_a_first_use() {
    let chain = Chain::of(3);
    let (key, claim, until) = (ReplayKeyHash::of("one"), chain.pair(2).refresh.claim(), chain.replay_until(2));
    for first_use in [FirstUse::NotAwaited, FirstUse::Awaited, FirstUse::ReplayUntil(until + at(10 * WINDOW_MS))] {
        let state = used(first_use);
        let inside =
            RefreshRequest { claim: &claim, replay_key: Some(&key), possession: None, minted: None, now: until + TOLERANCE - at(1) };
        assert_eq!(decide_refresh(&state, inside), RefreshDecision::Superseded { keys_differ: true }, "{first_use:?}");
        let after = RefreshRequest { now: until + TOLERANCE, ..inside };
        assert!(matches!(decide_refresh(&state, after), RefreshDecision::Reuse { .. }), "{first_use:?}");
    }
}

/// Every generation, with the right hash or an invented one, with the right proof or another, at every instant where the
/// table changes: only a token that was issued, and whose window is over, ends a login.
#[test]
fn no_near_miss_of_a_recent_token_ends_the_login() {
    let chain = Chain::of(3);
    let mut other_proof = chain.state();
    if let Some(login) = &mut other_proof.login {
        login.proofs = crate::model::ProofHashes::of(&crate::token::test_values::other_proof()).ok();
    }
    let instants = [chain.now(), chain.replay_until(0), chain.replay_until(1) + TOLERANCE, chain.replay_until(2) + at(10 * WINDOW_MS)];
    for (generation, now) in (0..=5).flat_map(|generation| instants.map(|now| (generation, now))) {
        for pair in [chain.pair(generation), chain.forged(generation)] {
            assert_eq!(decide(&other_proof, &pair, now), RefreshDecision::Refuse(RefreshRefusal::Forged), "{generation} {now}");
        }
        if generation >= 2 {
            assert_eq!(
                decide(&chain.state(), &chain.forged(generation), now),
                RefreshDecision::Refuse(RefreshRefusal::Forged),
                "{generation} {now}"
            );
        }
    }
    // Two and more behind no hash is kept. There an invented token is judged as the genuine one of its generation is.
    for (generation, now) in (0..2).flat_map(|generation| instants.map(|now| (generation, now))) {
        let state = chain.state();
        assert_eq!(decide(&state, &chain.forged(generation), now), decide(&state, &chain.pair(generation), now));
    }
}

/// R8: a thief has the token and not the key.
#[test]
fn a_replay_must_bring_the_key_that_the_rotation_brought() {
    let chain = Chain::of(3);
    let (one, two) = (ReplayKeyHash::of("one"), ReplayKeyHash::of("two"));
    for (stored, sent, replays) in [
        (None, None, true),
        (Some(&one), Some(&one), true),
        (Some(&one), Some(&two), false),
        (Some(&one), None, false),
        (None, Some(&one), false),
    ] {
        let mut state = chain.state();
        for session in &mut state.sessions {
            if let Some(predecessor) = &mut session.predecessor {
                predecessor.replay_key = stored.cloned();
            }
        }
        let claim = chain.pair(2).refresh.claim();
        let inside = RefreshRequest { claim: &claim, replay_key: sent, possession: None, minted: None, now: chain.now() };
        let after = RefreshRequest { now: chain.replay_until(2) + TOLERANCE, ..inside };
        match decide_refresh(&state, inside) {
            RefreshDecision::Replay { .. } => assert!(replays, "{stored:?} {sent:?}"),
            RefreshDecision::Superseded { keys_differ: true } => assert!(!replays, "{stored:?} {sent:?}"),
            other => panic!("{other:?}"),
        }
        assert!(matches!(decide_refresh(&state, after), RefreshDecision::Reuse { .. }));
    }
}

/// R3: each grandparent has its own window, remembered for four rotations.
#[test]
fn an_older_token_is_superseded_inside_its_own_window_and_reuse_after() {
    let chain = Chain::of(5);
    let state = chain.state();
    for presented in 1..=3 {
        let until = chain.replay_until(presented);
        assert_eq!(
            decide(&state, &chain.pair(presented), until + TOLERANCE - at(1)),
            RefreshDecision::Superseded { keys_differ: false },
            "{presented}"
        );
        assert!(matches!(decide(&state, &chain.pair(presented), until + TOLERANCE), RefreshDecision::Reuse { .. }), "{presented}");
    }
}

/// Off a full list counts as inside while the oldest remembered window is open.
#[test]
fn a_token_off_the_list_is_judged_by_the_oldest_window() {
    let chain = Chain::of(7);
    let state = chain.state();
    let oldest = chain.replay_until(3);
    for presented in 0..=2 {
        assert_eq!(
            decide(&state, &chain.pair(presented), oldest + TOLERANCE - at(1)),
            RefreshDecision::Superseded { keys_differ: false },
            "{presented}"
        );
        assert!(matches!(decide(&state, &chain.pair(presented), oldest + TOLERANCE), RefreshDecision::Reuse { .. }), "{presented}");
    }
}

/// The grandparent needs no session to be judged: a torn read changes nothing for it.
#[test]
fn an_older_token_is_judged_on_a_torn_read_as_on_a_whole_one() {
    let chain = Chain::of(5);
    for now in [chain.now(), chain.now() + at(STEP_MS * 10)] {
        let (torn, whole) = (chain.without_session(), chain.state());
        assert_eq!(decide(&torn, &chain.pair(2), now), decide(&whole, &chain.pair(2), now));
    }
}

/// A login that came with the pair of [`Chain`]'s first session, as an imported one.
fn imported(generation: u32, known_until: DateTime<Utc>) -> LoginState {
    let mut state = Chain::of(generation).state();
    if let Some(login) = &mut state.login {
        let first = Chain::of(0).session(0);
        login.imported = Some(crate::model::ImportedPair {
            access_token_hash: first.access_token_hash,
            refresh_token_hash: first.refresh_token_hash,
            known_until,
        });
    }
    state
}

#[test]
fn an_imported_token_is_judged_by_the_same_table_as_long_as_it_is_known() {
    let claim_of = |pair: TokenPair| Claim { proof: None, ..pair.refresh.claim() };
    let (own, other) = (claim_of(Chain::of(0).pair(0)), claim_of(Chain::of(0).forged(0)));
    let decide = |state: &LoginState, claim: &Claim<Refresh>, now| {
        let request = RefreshRequest { claim, replay_key: None, possession: None, minted: None, now };
        format!("{:?}", decide_refresh(state, request)).split([' ', '{']).next().unwrap().to_owned()
    };
    let forever = Chain::of(0).now() + at(1_000_000_000);
    assert_eq!(decide(&imported(0, forever), &own, Chain::of(0).now()), "Rotate");
    let (once, until) = (imported(1, forever), Chain::of(1).replay_until(0));
    assert_eq!(decide(&once, &own, until - at(1)), "Replay");
    assert_eq!(decide(&once, &own, until + TOLERANCE), "Reuse");
    assert_eq!(decide(&once, &other, until), "Refuse(Forged)", "not what this login came with");
    assert_eq!(decide(&Chain::of(1).state(), &own, until), "Refuse(Forged)", "a login that wasn't imported");
    let known = imported(1, until + TOLERANCE + at(1));
    assert_eq!(decide(&known, &own, until + TOLERANCE), "Reuse");
    assert_eq!(decide(&known, &own, until + TOLERANCE + at(1)), "Refuse(Expired)");
}

/// Nothing that a later read could show makes a token good that the login hasn't come to.
#[test]
fn a_generation_that_was_never_reached_is_forged_even_on_a_torn_read() {
    let chain = Chain::of(3);
    let claim = chain.pair(4).refresh.claim();
    for state in [chain.state(), chain.without_session()] {
        let request = RefreshRequest { claim: &claim, replay_key: None, possession: None, minted: None, now: chain.now() };
        assert_eq!(decide_refresh(&state, request), RefreshDecision::Refuse(RefreshRefusal::Forged));
    }
}

mod bound {
    use super::*;
    use crate::dpop::{AnsweredProofs, NotTaken, Possession, ProofId, Thumbprint};

    const OWN: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    const OTHER: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

    fn proof(jkt: &str, jti: &str, now: DateTime<Utc>) -> Possession {
        let good_until = DateTime::from_timestamp(now.timestamp() + 360, 0).unwrap();
        Possession { key: Thumbprint::parse(jkt).unwrap(), id: ProofId::of(jti).unwrap(), good_until }
    }

    fn bound(chain: &Chain) -> LoginState {
        let mut state = chain.state();
        state.login.as_mut().unwrap().bound_to = Thumbprint::parse(OWN);
        state
    }

    fn decide<'a>(state: &'a LoginState, pair: &TokenPair, proof: Option<&Possession>, now: DateTime<Utc>) -> RefreshDecision<'a> {
        decide_refresh(state, RefreshRequest { claim: &pair.refresh.claim(), replay_key: None, possession: proof, minted: None, now })
    }

    /// Whatever the token's generation, and however late: nothing is ended without the key.
    #[test]
    fn without_the_key_there_is_one_answer() {
        let chain = Chain::of(6);
        let state = bound(&chain);
        let later = chain.now() + at(30 * WINDOW_MS);
        for generation in 0..=6 {
            for now in [chain.now(), later] {
                let by_another = proof(OTHER, "a", now);
                assert_eq!(decide(&state, &chain.pair(generation), None, now), RefreshDecision::AnotherKey);
                assert_eq!(decide(&state, &chain.pair(generation), Some(&by_another), now), RefreshDecision::AnotherKey);
            }
        }
        let own = proof(OWN, "a", later);
        assert!(matches!(decide(&state, &chain.pair(3), Some(&own), later), RefreshDecision::Reuse { .. }));
        // What the login never issued says nothing of a key, and neither does one that is gone.
        assert_eq!(decide(&state, &chain.pair(7), None, later), RefreshDecision::Refuse(RefreshRefusal::Forged));
        let expired = chain.session(6).refresh_token_expires_at;
        assert_eq!(decide(&state, &chain.pair(6), None, expired), RefreshDecision::Refuse(RefreshRefusal::Expired));
        assert_eq!(decide(&LoginState::default(), &chain.pair(6), None, later), RefreshDecision::Refuse(RefreshRefusal::Ended));
    }

    #[test]
    fn a_rotation_hands_the_answered_proofs_on() {
        let chain = Chain::of(6);
        let (mut state, now) = (bound(&chain), chain.now());
        let before = AnsweredProofs::default().with(&proof(OWN, "before", now), now).unwrap();
        state.sessions[0].answered_proofs = before.clone();
        let new = proof(OWN, "new", now);
        let RefreshDecision::Rotate { answered, .. } = decide(&state, &chain.pair(6), Some(&new), now) else { panic!("no rotation") };
        assert_eq!(answered, before.with(&new, now).unwrap());
    }

    /// No window, no first use and no idempotency key counts.
    #[test]
    fn a_replay_is_answered_however_late_once_its_proof_is_written() {
        let chain = Chain::of(6);
        let mut state = bound(&chain);
        if let Some(predecessor) = &mut state.sessions[0].predecessor {
            predecessor.replay_key = Some(ReplayKeyHash::of("another"));
        }
        for later in [0, WINDOW_MS - 1, 100 * WINDOW_MS] {
            let now = chain.now() + at(later);
            let new = proof(OWN, "new", now);
            let expected = AnsweredProofs::default().with(&new, now).unwrap();
            match decide(&state, &chain.pair(5), Some(&new), now) {
                RefreshDecision::Replay { answered, recovered, .. } => {
                    assert_eq!((answered, recovered), (Some(expected), later >= WINDOW_MS - 1));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Also with a token two or more behind, where it would be taken for reuse otherwise.
    #[test]
    fn an_answered_proof_ends_nothing() {
        let chain = Chain::of(6);
        let (mut state, now) = (bound(&chain), chain.now() + at(30 * WINDOW_MS));
        let used = proof(OWN, "used", now);
        state.sessions[0].answered_proofs = AnsweredProofs::default().with(&used, now).unwrap();
        for generation in 0..=6 {
            assert_eq!(decide(&state, &chain.pair(generation), Some(&used), now), RefreshDecision::NotAnswered(NotTaken::Repeated));
        }
        // But the request that was answered with it finds its own session, whose answer it didn't hear.
        let (claim, minted) = (chain.pair(5).refresh.claim(), chain.pair(6).refresh.hash());
        let own = RefreshRequest { claim: &claim, replay_key: None, possession: Some(&used), minted: Some(&minted), now };
        assert!(matches!(decide_refresh(&state, own), RefreshDecision::Success { .. }));
    }
}
