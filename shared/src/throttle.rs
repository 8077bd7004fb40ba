//! The login throttle: it limits guesses, and it still lets the owner of an attacked account log in.
//!
//! An attempt has three counts. One conditional update changes each of them before the password is verified:
//! - the account and network: it waits longer after each failure;
//! - the network: it has a budget per window, because carriers put thousands of users behind one address;
//! - the account: after too many failures in a row only networks with a recent success may try, and all others once an hour.

use std::{net::IpAddr, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    clock::later,
    crypto::{base64url, sha256},
    username::Username,
};

/// For so long after a success the network is known to the account.
pub const KNOWN_NETWORK_DAYS: i64 = 30;
/// How often unknown networks may try an account that has failed too often.
pub const STRANGER_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// The throttle's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// Failures for an account from a network before the first wait.
    pub free_failures: u32,
    /// The longest wait. The first wait is 1 s, and each further failure doubles it up to this.
    pub max_delay: Duration,
    /// Failures of a network in a window.
    pub network_failures: u32,
    /// The window.
    pub network_window: Duration,
    /// Failures of an account in a row before unknown networks have to wait.
    pub account_failures: u32,
}

impl Throttle {
    /// The waits after `free_failures`, `free_failures` + 1, … failures. The last and longest one also applies to more failures.
    pub fn delays(&self) -> impl Iterator<Item = (u32, Duration)> {
        let longest = self.max_delay;
        let doublings = (0..32).map(|doubling| Duration::from_secs(1 << doubling));
        let rising = doublings.take_while(move |delay| *delay < longest).chain([longest]);
        (self.free_failures..).zip(rising)
    }

    /// The wait after this many failures.
    #[must_use]
    pub fn delay_after(&self, failures: u32) -> Duration {
        if failures < self.free_failures {
            return Duration::ZERO;
        }
        self.delays().find(|(count, _)| *count == failures).map_or(self.max_delay, |(_, delay)| delay)
    }
}

/// The keys that an attempt is counted under. They are labelled hashes, never the name or the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subjects {
    /// The account as seen from the network.
    pub pair: String,
    /// The account.
    pub account: String,
    /// The network in the window that the attempt falls in.
    pub network: String,
    /// When that window ends.
    pub window_ends_at: DateTime<Utc>,
}

impl Subjects {
    /// The subjects of an attempt at `now`. `source_ip` comes from the gateway, never from a header.
    #[must_use]
    pub fn of(username: &Username, source_ip: &str, throttle: &Throttle, now: DateTime<Utc>) -> Self {
        let network = network_of(source_ip);
        let seconds = i64::try_from(throttle.network_window.as_secs()).unwrap_or(i64::MAX).max(1);
        let window = now.timestamp().div_euclid(seconds);
        let hash = |label: &str, parts: &[&str]| {
            // A name can't hold a line feed, so the parts can't run into each other.
            base64url(&sha256(&[b"latchkey:attempts:", label.as_bytes(), b"\n", parts.join("\n").as_bytes()]))
        };
        Self {
            pair: hash("pair", &[username.as_str(), &network]),
            account: hash("account", &[username.as_str()]),
            network: hash("network", &[&network, &window.to_string()]),
            window_ends_at: DateTime::from_timestamp((window + 1).saturating_mul(seconds), 0).unwrap_or(DateTime::<Utc>::MAX_UTC),
        }
    }
}

/// An IPv4 address, or the /64 of an IPv6 one: a subscriber usually gets a whole /64.
fn network_of(source_ip: &str) -> String {
    match source_ip.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V4(ip)) => ip.to_string(),
        Ok(IpAddr::V6(ip)) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Err(_) => source_ip.to_owned(),
    }
}

/// The results of the three updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// The count of the account and network.
    pub pair: PairCount,
    /// Whether the network was counted. If not, its budget is used up.
    pub network_counted: bool,
    /// Whether the account was counted. If not, it has failed too often and its hour isn't over.
    pub account_counted: bool,
}

/// The result of the update of the account and network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairCount {
    /// Whether it was counted. If not, it has to wait longer.
    pub counted: bool,
    /// Failures, including this attempt if it was counted.
    pub failures: u32,
    /// The time of the last attempt that was counted, possibly this one.
    pub last_at: DateTime<Utc>,
    /// The last success from the network.
    pub last_success_at: Option<DateTime<Utc>>,
}

/// The count that an attempt has to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum WaitsFor {
    /// Failures for this account from this network.
    AccountAndNetwork,
    /// Failures from this network in the window.
    Network,
    /// Failures for this account in a row, from anywhere.
    Account,
}

/// How long an attempt has to wait, and for which count: the one with the longest wait. `None` if it may go on.
#[must_use]
pub fn wait_until(
    counts: &Counts,
    throttle: &Throttle,
    window_ends_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<(DateTime<Utc>, WaitsFor)> {
    let pair = counts.pair;
    let known = pair.last_success_at.is_some_and(|success| now < success + TimeDelta::days(KNOWN_NETWORK_DAYS));
    let waits = [
        (!pair.counted).then(|| (later(pair.last_at, throttle.delay_after(pair.failures)), WaitsFor::AccountAndNetwork)),
        (!counts.network_counted).then_some((window_ends_at, WaitsFor::Network)),
        (!counts.account_counted && !known).then(|| (later(now, STRANGER_INTERVAL), WaitsFor::Account)),
    ];
    waits.into_iter().flatten().max_by_key(|(until, _)| *until)
}

#[cfg(test)]
mod tests {
    use super::*;

    const THROTTLE: Throttle = Throttle {
        free_failures: 5,
        max_delay: Duration::from_secs(900),
        network_failures: 300,
        network_window: Duration::from_secs(300),
        account_failures: 100,
    };

    #[test]
    fn five_are_free_then_the_wait_doubles_up_to_a_quarter_of_an_hour() {
        let waits: Vec<u64> = (0..18).map(|failures| THROTTLE.delay_after(failures).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        assert_eq!(THROTTLE.delays().last(), Some((15, Duration::from_secs(900))));
        let up_to_a_doubling = Throttle { max_delay: Duration::from_secs(4), ..THROTTLE };
        assert_eq!(up_to_a_doubling.delays().collect::<Vec<_>>(), [(5, 1), (6, 2), (7, 4)].map(|(n, s)| (n, Duration::from_secs(s))));
    }

    #[test]
    fn an_ipv6_network_is_a_64() {
        assert_eq!(network_of("2001:db8:1:2:3:4:5:6"), network_of("2001:db8:1:2:ffff::1"));
        assert_ne!(network_of("2001:db8:1:2::1"), network_of("2001:db8:1:3::1"));
        assert_eq!(network_of("::ffff:192.0.2.1"), network_of("192.0.2.1"));
        assert_ne!(network_of("192.0.2.1"), network_of("192.0.2.2"));
    }

    #[test]
    fn subjects_are_hashes_and_the_networks_moves_with_the_window() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let name = Username::parse("ada").unwrap();
        let of = |now| Subjects::of(&name, "192.0.2.1", &THROTTLE, now);
        assert_eq!(of(now).pair.len(), 43);
        assert_eq!(of(now), of(now + TimeDelta::seconds(299)));
        assert_ne!(of(now).network, of(now + TimeDelta::seconds(300)).network);
        assert_eq!(of(now).window_ends_at, now + TimeDelta::seconds(300));
    }

    #[test]
    fn the_longest_wait_counts_and_a_known_network_passes_a_beleaguered_account() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let ends = now + TimeDelta::seconds(200);
        let pair = PairCount { counted: true, failures: 1, last_at: now, last_success_at: None };
        let open = Counts { pair, network_counted: true, account_counted: true };
        let wait =
            |counts: Counts| wait_until(&counts, &THROTTLE, ends, now).map(|(until, waits_for)| ((until - now).num_seconds(), waits_for));
        assert_eq!(wait(open), None);
        assert_eq!(
            wait(Counts { pair: PairCount { counted: false, failures: 7, ..pair }, ..open }),
            Some((4, WaitsFor::AccountAndNetwork))
        );
        assert_eq!(wait(Counts { network_counted: false, ..open }), Some((200, WaitsFor::Network)));
        assert_eq!(wait(Counts { account_counted: false, ..open }), Some((3600, WaitsFor::Account)));
        let all = Counts { pair: PairCount { counted: false, failures: 7, ..pair }, network_counted: false, account_counted: false };
        assert_eq!(wait(all), Some((3600, WaitsFor::Account)), "the longest wait");
        let known = PairCount { last_success_at: Some(now - TimeDelta::days(29)), ..pair };
        assert_eq!(wait(Counts { account_counted: false, pair: known, ..open }), None);
        let forgotten = PairCount { last_success_at: Some(now - TimeDelta::days(30)), ..pair };
        assert_eq!(wait(Counts { account_counted: false, pair: forgotten, ..open }), Some((3600, WaitsFor::Account)));
    }
}
