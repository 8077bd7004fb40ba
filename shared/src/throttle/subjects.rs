//! What an attempt is counted under.

use std::net::IpAddr;

use chrono::{DateTime, Utc};

use super::Throttle;
use crate::{
    crypto::{base64url, sha256},
    username::Username,
};

/// What one count of an account is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The account as seen from a device.
    Device,
    /// The account as seen from a network: an IPv4 address, or an IPv6 /64.
    Network,
    /// The account as seen from an IPv6 /48, the most that one customer usually gets.
    WideNetwork,
    /// The account, from anywhere.
    Account,
}

/// A count's key in the table: a labelled hash, never a name, an address or a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What it is about.
    pub scope: Scope,
    /// The key.
    pub key: String,
}

/// The failures of a network in the current window, over all accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// The key: a labelled hash.
    pub key: String,
    /// How many there may be.
    pub most: u32,
}

/// The subjects of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subjects {
    /// The counts of the account.
    pub counts: Vec<Subject>,
    /// The budgets of the network.
    pub budgets: Vec<Budget>,
    /// When the budgets' window ends.
    pub window_ends_at: DateTime<Utc>,
    /// The network's pseudonym in the log, the same in each window.
    network: String,
}

/// An IPv6 /48 may fail so many times as often as a /64: it may hold many customers, or one.
const WIDE_BUDGETS: u32 = 4;

/// How much of a subject's hash the log shows.
const PSEUDONYM_CHARACTERS: usize = 8;

impl Subjects {
    /// The subjects of an attempt at `now`. `source_ip` comes from the gateway, never from a header.
    #[must_use]
    pub fn of(username: &Username, device_id: Option<&str>, source_ip: &str, throttle: &Throttle, now: DateTime<Utc>) -> Self {
        let networks = Networks::of(source_ip);
        let seconds = i64::try_from(throttle.network_window.as_secs()).unwrap_or(i64::MAX).max(1);
        let window = now.timestamp().div_euclid(seconds);
        let name = username.as_str();
        let subject = |scope, label, parts: &[&str]| Subject { scope, key: hash(label, parts) };
        let counts = [
            device_id.map(|device_id| subject(Scope::Device, "device", &[name, device_id])),
            Some(subject(Scope::Network, "pair", &[name, &networks.narrow])),
            networks.wide.as_deref().map(|wide| subject(Scope::WideNetwork, "pair", &[name, wide])),
            Some(Subject { scope: Scope::Account, key: Self::account(username) }),
        ];
        let budget = |network: &str, most| Budget { key: hash("network", &[network, &window.to_string()]), most };
        let wide = networks.wide.as_deref().map(|wide| budget(wide, throttle.network_failures.saturating_mul(WIDE_BUDGETS)));
        Self {
            counts: counts.into_iter().flatten().collect(),
            budgets: [Some(budget(&networks.narrow, throttle.network_failures)), wide].into_iter().flatten().collect(),
            window_ends_at: DateTime::from_timestamp((window + 1).saturating_mul(seconds), 0).unwrap_or(DateTime::<Utc>::MAX_UTC),
            network: hash("network", &[&networks.narrow]),
        }
    }

    /// The key of the account's count.
    #[must_use]
    pub fn account(username: &Username) -> String {
        hash("account", &[username.as_str()])
    }

    /// What the log calls the account: the first eight characters of its key. `latchkey users find --subject` leads back from it
    /// to the name.
    #[must_use]
    pub fn account_pseudonym(username: &Username) -> String {
        shortened(&Self::account(username))
    }

    /// What the log calls the network. Who has the log can find an IPv4 address by trying all of them.
    #[must_use]
    pub fn network_pseudonym(&self) -> String {
        shortened(&self.network)
    }
}

fn hash(label: &str, parts: &[&str]) -> String {
    // Neither a name nor an address nor a device id can hold a line feed, so the parts can't run into each other.
    base64url(&sha256(&[b"latchkey:attempts:2:", label.as_bytes(), b"\n", parts.join("\n").as_bytes()]))
}

fn shortened(hash: &str) -> String {
    hash.chars().take(PSEUDONYM_CHARACTERS).collect()
}

/// The networks that an address belongs to.
struct Networks {
    narrow: String,
    wide: Option<String>,
}

impl Networks {
    /// An IPv4 address; of an IPv6 one the /64, which a subscriber usually gets, and the /48.
    fn of(source_ip: &str) -> Self {
        match source_ip.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
            Ok(IpAddr::V4(ip)) => Self { narrow: ip.to_string(), wide: None },
            Ok(IpAddr::V6(ip)) => {
                let [a, b, c, d, ..] = ip.segments();
                Self { narrow: format!("{a:x}:{b:x}:{c:x}:{d:x}::/64"), wide: Some(format!("{a:x}:{b:x}:{c:x}::/48")) }
            }
            Err(_) => Self { narrow: source_ip.to_owned(), wide: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::{super::count::tests::THROTTLE, *};

    fn of(device: Option<&str>, address: &str) -> Subjects {
        Subjects::of(&Username::parse("ada").unwrap(), device, address, &THROTTLE, start())
    }

    fn start() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn key(subjects: &Subjects, scope: Scope) -> Option<&str> {
        subjects.counts.iter().find(|subject| subject.scope == scope).map(|subject| subject.key.as_str())
    }

    #[test]
    fn an_ipv6_address_is_counted_by_its_64_and_its_48() {
        let [here, same_64, same_48, other_48] =
            ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2:ffff::1", "2001:db8:1:3::1", "2001:db8:2:2::1"].map(|address| of(None, address));
        assert_eq!(here, same_64);
        assert_ne!(key(&here, Scope::Network), key(&same_48, Scope::Network));
        assert_eq!(key(&here, Scope::WideNetwork), key(&same_48, Scope::WideNetwork));
        assert_ne!(key(&here, Scope::WideNetwork), key(&other_48, Scope::WideNetwork));
        assert_eq!(here.budgets.iter().map(|budget| budget.most).collect::<Vec<_>>(), [300, 1200]);
        assert_eq!(here.budgets[1], same_48.budgets[1]);
    }

    #[test]
    fn an_ipv4_address_is_one_network_however_it_is_written() {
        assert_eq!(of(None, "::ffff:192.0.2.1"), of(None, "192.0.2.1"));
        assert_ne!(of(None, "192.0.2.1"), of(None, "192.0.2.2"));
        assert_eq!(key(&of(None, "192.0.2.1"), Scope::WideNetwork), None);
        assert_eq!(of(None, "192.0.2.1").budgets.len(), 1);
    }

    #[test]
    fn a_device_has_its_own_count_where_one_is_named() {
        assert_eq!(key(&of(None, "192.0.2.1"), Scope::Device), None);
        let [one, other] = ["device-one-0000000", "device-two-0000000"].map(|device| of(Some(device), "192.0.2.1"));
        assert_ne!(key(&one, Scope::Device), key(&other, Scope::Device));
        assert_eq!(key(&one, Scope::Network), key(&other, Scope::Network));
    }

    #[test]
    fn keys_are_hashes_and_a_budget_moves_with_its_window() {
        let name = Username::parse("ada").unwrap();
        let at = |now| Subjects::of(&name, None, "192.0.2.1", &THROTTLE, now);
        assert!(at(start()).counts.iter().all(|subject| subject.key.len() == 43));
        assert_eq!(at(start()), at(start() + TimeDelta::seconds(299)));
        let later = at(start() + TimeDelta::seconds(300));
        assert_ne!(at(start()).budgets, later.budgets);
        assert_eq!(at(start()).network_pseudonym(), later.network_pseudonym());
        assert_eq!(at(start()).window_ends_at, start() + TimeDelta::seconds(300));
    }

    #[test]
    fn the_log_shows_eight_characters() {
        let name = Username::parse("ada").unwrap();
        let account = Subjects::account_pseudonym(&name);
        assert_eq!(account.len(), 8);
        assert!(key(&of(None, "192.0.2.1"), Scope::Account).unwrap().starts_with(&account));
        assert_eq!(of(None, "192.0.2.1").network_pseudonym().len(), 8);
    }
}
