//! Whether an attempt is looked at.

use chrono::{DateTime, Utc};

use super::{Count, Room, Scope, Throttle};

/// What one read saw of an attempt's subjects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// The account's counts.
    pub counts: Vec<(Scope, Count)>,
    /// Whether a budget of the network is used up.
    pub network_is_used_up: bool,
    /// When the budgets' window ends.
    pub window_ends_at: DateTime<Utc>,
}

/// The count that an attempt has to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum WaitsFor {
    /// Failures for this account from this device.
    AccountAndDevice,
    /// Failures for this account from this network.
    AccountAndNetwork,
    /// Failures from this network in the window.
    Network,
    /// Failures for this account, from anywhere.
    Account,
}

/// Whether an attempt is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It is, once it has a place in these counts.
    LookAt(Vec<Scope>),
    /// Not before this time.
    Wait(DateTime<Utc>, WaitsFor),
}

/// Decides on an attempt. There are three ways in, and one that is open is enough:
///
/// 1. By a **known device**: its own count alone matters.
/// 2. From a **known network**: that network's count of this account alone matters.
/// 3. As a **stranger**: every count must have room.
///
/// So guesses from elsewhere, however many, close only the third. If all are closed, the way that opens first says how long.
#[must_use]
pub fn admit(seen: &Counts, throttle: &Throttle, now: DateTime<Utc>) -> Admission {
    let known = |scope| seen.counts.iter().any(|(at, count)| *at == scope && count.is_known(now));
    let known = [Scope::Device, Scope::Network].into_iter().filter(|scope| known(*scope)).map(|scope| vec![scope]);
    let stranger = seen.counts.iter().map(|(scope, _)| *scope).collect();
    let ways: Vec<(Vec<Scope>, Room, WaitsFor)> = known
        .map(|scopes| (scopes, false))
        .chain([(stranger, true)])
        .map(|(scopes, is_stranger)| {
            let (room, waits_for) = narrowest(seen, &scopes, is_stranger, throttle, now);
            (scopes, room, waits_for)
        })
        .collect();
    let widest = ways.into_iter().min_by_key(|(_, room, _)| *room);
    match widest {
        Some((scopes, Room::Open | Room::Settling, _)) => Admission::LookAt(scopes),
        Some((_, Room::Until(until), waits_for)) => Admission::Wait(until, waits_for),
        None => Admission::LookAt(Vec::new()),
    }
}

/// The least room in these counts, and in the network's budgets for a stranger.
fn narrowest(seen: &Counts, scopes: &[Scope], is_stranger: bool, throttle: &Throttle, now: DateTime<Utc>) -> (Room, WaitsFor) {
    let counts = seen.counts.iter().filter(|(scope, _)| scopes.contains(scope));
    let rooms = counts.map(|(scope, count)| (count.room(*scope, throttle, now), WaitsFor::from(*scope)));
    let budget = (is_stranger && seen.network_is_used_up).then_some((Room::Until(seen.window_ends_at), WaitsFor::Network));
    rooms.chain(budget).max_by_key(|(room, _)| *room).unwrap_or((Room::Open, WaitsFor::Account))
}

impl From<Scope> for WaitsFor {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Device => Self::AccountAndDevice,
            Scope::Network | Scope::WideNetwork => Self::AccountAndNetwork,
            Scope::Account => Self::Account,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::{
        super::{AttemptId, Verdict, count::tests::THROTTLE},
        *,
    };

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn failed(scope: Scope, times: u32) -> (Scope, Count) {
        let attempt = AttemptId("x".into());
        (scope, (0..times).fold(Count::default(), |count, _| count.settled(scope, &attempt, Verdict::Wrong, &THROTTLE, now())))
    }

    fn known((scope, count): (Scope, Count)) -> (Scope, Count) {
        (scope, count.settled(scope, &AttemptId("x".into()), Verdict::Right, &THROTTLE, now()))
    }

    fn seen(counts: &[(Scope, Count)], network_is_used_up: bool) -> Admission {
        let seen = Counts { counts: counts.to_vec(), network_is_used_up, window_ends_at: now() + TimeDelta::seconds(200) };
        admit(&seen, &THROTTLE, now())
    }

    fn wait(seconds: i64, waits_for: WaitsFor) -> Admission {
        Admission::Wait(now() + TimeDelta::seconds(seconds), waits_for)
    }

    use Scope::{Account, Device, Network, WideNetwork};

    #[test]
    fn a_stranger_needs_room_in_every_count() {
        let open = [failed(Device, 4), failed(Network, 4), failed(WideNetwork, 4), failed(Account, 99)];
        assert_eq!(seen(&open, false), Admission::LookAt(vec![Device, Network, WideNetwork, Account]));
        assert_eq!(seen(&open, true), wait(200, WaitsFor::Network));
        let closed = |scope, times| open.clone().map(|count| if count.0 == scope { failed(scope, times) } else { count });
        assert_eq!(seen(&closed(Device, 7), false), wait(4, WaitsFor::AccountAndDevice));
        assert_eq!(seen(&closed(Network, 7), false), wait(4, WaitsFor::AccountAndNetwork));
        assert_eq!(seen(&closed(WideNetwork, 7), false), wait(4, WaitsFor::AccountAndNetwork));
        assert_eq!(seen(&closed(Account, 100), false), wait(3600, WaitsFor::Account));
        assert_eq!(seen(&closed(Account, 100), true), wait(3600, WaitsFor::Account), "the longest wait");
    }

    #[test]
    fn a_known_network_passes_whatever_others_do() {
        let beleaguered = [failed(Device, 9), known(failed(Network, 4)), failed(WideNetwork, 9), failed(Account, 100)];
        assert_eq!(seen(&beleaguered, true), Admission::LookAt(vec![Network]));
    }

    #[test]
    fn a_known_device_passes_whatever_others_do() {
        let beleaguered = [known(failed(Device, 4)), failed(Network, 9), failed(Account, 100)];
        assert_eq!(seen(&beleaguered, true), Admission::LookAt(vec![Device]));
    }

    /// A thief with a copied device id can't block the owner's network, and a neighbour can't block the owner's device.
    #[test]
    fn one_known_way_is_enough() {
        assert_eq!(seen(&[known(failed(Device, 9)), known(failed(Network, 1))], false), Admission::LookAt(vec![Network]));
        assert_eq!(seen(&[known(failed(Device, 1)), known(failed(Network, 9))], false), Admission::LookAt(vec![Device]));
        let both_closed = [known(failed(Device, 9)), known(failed(Network, 7)), failed(Account, 100)];
        assert_eq!(seen(&both_closed, false), wait(4, WaitsFor::AccountAndNetwork), "the shorter wait");
    }
}
