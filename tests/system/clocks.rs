//! H3: environments whose clocks differ: what one stamps, another judges. SigV4 hides up to five minutes.

use chrono::TimeDelta;
use latchkey::clock::Clock;
use latchkey_tests::{
    clock::TestClock,
    emitted::series,
    service::{Pair, Service},
};

const OFF: [i64; 4] = [-120, -25, 40, 240];
/// The rule in which a clock that is wrong logs out at once: nothing but the window counts.
const WINDOW_ALONE: [(&str, &str); 1] = [("LOST_ANSWER", "window")];
const TOLERANCE: TimeDelta = TimeDelta::seconds(5);

/// Two environments of one stage: one with a right clock, one whose clock is off.
async fn two(off: i64, settings: &[(&str, &str)]) -> (Service, Service) {
    let right = Service::start(settings).await;
    let time = right.clock.clone();
    let local = Clock::from_fn(move || time.now() + TimeDelta::seconds(off));
    let wrong = Service::in_environment(right.database.clone(), right.clock.clone(), local, settings).await;
    (right, wrong)
}

#[tokio::test]
async fn a_replay_is_judged_alike_by_every_environment() {
    for off in OFF {
        let (right, wrong) = two(off, &WINDOW_ALONE).await;
        for (first, second) in [(&right, &wrong), (&wrong, &right)] {
            for waits in [TimeDelta::milliseconds(200), TimeDelta::seconds(6), TimeDelta::seconds(27)] {
                let pair = right.login().await;
                let next = Pair::of(&first.refresh(&pair.refresh).await);
                right.clock.advance(waits);
                assert_eq!(Pair::of(&second.refresh(&pair.refresh).await), next, "{off} s off, {waits} later");
                right.assert_allowed(&next.access).await;
            }
        }
    }
}

#[tokio::test]
async fn reuse_is_noticed_by_every_environment() {
    for off in OFF {
        let (right, wrong) = two(off, &WINDOW_ALONE).await;
        for (first, second) in [(&right, &wrong), (&wrong, &right)] {
            let pair = right.login().await;
            let next = Pair::of(&first.refresh(&pair.refresh).await);
            right.clock.advance(TimeDelta::seconds(30) + TOLERANCE + TimeDelta::seconds(2));
            assert_eq!(second.refresh(&pair.refresh).await.outcome(), (401, "invalid_token"), "{off} s off");
            right.assert_refused(&next.access).await;
        }
    }
}

#[tokio::test]
async fn no_expiry_is_stretched_by_more_than_the_tolerance() {
    for off in OFF {
        let (right, wrong) = two(off, &[]).await;
        let now = right.clock.now();
        let pair = wrong.login().await;
        let next = Pair::of(&wrong.refresh(&pair.refresh).await);
        for pair in [&pair, &next] {
            assert!((pair.access_expires_at - now - TimeDelta::minutes(5)).abs() < TOLERANCE, "{off} s off: {}", pair.access_expires_at);
            assert!((pair.refresh_expires_at - now - TimeDelta::days(7)).abs() < TOLERANCE, "{off} s off: {}", pair.refresh_expires_at);
        }
        // And no environment accepts it for longer.
        right.clock.set(next.access_expires_at + TOLERANCE);
        right.assert_refused(&next.access).await;
        wrong.assert_refused(&next.access).await;
    }
}

/// An environment that was frozen, or whose clock was stepped, isn't what it was at its start.
#[tokio::test]
async fn the_time_is_that_of_the_read_and_not_of_the_start() {
    let right = Service::start(&WINDOW_ALONE).await;
    let local = TestClock::default();
    local.set(right.clock.now());
    let stepped = Service::in_environment(right.database.clone(), right.clock.clone(), local.clock(), &WINDOW_ALONE).await;
    for off in OFF {
        let pair = right.login().await;
        local.set(right.clock.now() + TimeDelta::seconds(off));
        let next = Pair::of(&stepped.refresh(&pair.refresh).await);
        right.clock.advance(TimeDelta::seconds(6));
        assert_eq!(Pair::of(&right.refresh(&pair.refresh).await), next, "stepped by {off} s");
    }
}

#[tokio::test]
async fn a_wrong_clock_is_counted_and_a_right_one_is_not() {
    let (right, wrong) = two(-25, &[]).await;
    let pair = right.login().await;
    let next = Pair::of(&wrong.refresh(&pair.refresh).await);
    wrong.assert_allowed(&next.access).await;
    right.assert_allowed(&next.access).await;
    let counted =
        |service: &Service| service.emitted.take().iter().flat_map(|line| series(line)).any(|(series, _)| series.metric == "ClocksSkewed");
    assert_eq!((counted(&right), counted(&wrong)), (false, true));
}
