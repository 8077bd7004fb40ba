//! Which names and addresses lead to this machine and to no other.

use std::net::IpAddr;

use http::{HeaderMap, header};

/// Whether a URL's host is this machine.
pub(crate) fn is_loopback(url: &str) -> bool {
    let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| {
        let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    })
}

/// Whether a request names this machine as its host, once. A page of another site may give its own name this machine's
/// address (DNS rebinding); its requests still carry that name.
pub(crate) fn names_this_machine(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next()) else { return false };
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())).map_or(host, |(name, _)| name);
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for here in ["http://127.0.0.1:8000", "http://localhost:8000/", "http://[::1]:8000"] {
            assert!(is_loopback(here), "{here}");
        }
        for elsewhere in ["https://dynamodb.eu-central-1.amazonaws.com", "http://127.0.0.1.example.com", "localhost:8000", ""] {
            assert!(!is_loopback(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn a_host_header_names_this_machine_once() {
        let named = |hosts: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(header::HOST, HeaderValue::from_static(host));
            }
            names_this_machine(&headers)
        };
        for here in ["127.0.0.1", "127.0.0.1:8000", "localhost:8000", "[::1]:8000", "[::1]"] {
            assert!(named(&[here]), "{here}");
        }
        for elsewhere in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "", "192.0.2.1:3000"] {
            assert!(!named(&[elsewhere]), "{elsewhere}");
        }
        assert!(!named(&[]) && !named(&["127.0.0.1", "evil.example"]));
    }
}
