//! Which names and addresses lead to this machine and to no other.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, header};

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

/// Whether a page of this very server sent the request, and no other page. A browser names the origin of the page with every
/// request that may change something, and no page can change that.
///
/// A page of `http://127.0.0.1:5173` is on this machine, too, and has another origin than a server on port 3000.
pub(crate) fn is_of_own_page(headers: &HeaderMap) -> bool {
    let one = |name: HeaderName| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok())
    };
    let (Some(host), Some(origin)) = (one(header::HOST), one(header::ORIGIN)) else { return false };
    // A browser that doesn't know this header doesn't send it. Those that do agree with the origin.
    let site = HeaderName::from_static("sec-fetch-site");
    let same_site = !headers.contains_key(&site) || one(site) == Some("same-origin");
    same_site && origin.strip_prefix("http://") == Some(host) && names_this_machine(headers)
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

    #[test]
    fn only_a_page_of_this_server_is_its_own() {
        let sent = |headers: &[(&'static str, &'static str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            is_of_own_page(&map)
        };
        let host = ("host", "127.0.0.1:3000");
        assert!(sent(&[host, ("origin", "http://127.0.0.1:3000")]));
        assert!(sent(&[host, ("origin", "http://127.0.0.1:3000"), ("sec-fetch-site", "same-origin")]));
        assert!(sent(&[("host", "localhost:3000"), ("origin", "http://localhost:3000")]));
        assert!(!sent(&[host]), "a browser would have named the page's origin");
        assert!(!sent(&[("origin", "http://127.0.0.1:3000")]));
        for origin in [
            "https://evil.example",
            "http://127.0.0.1:5173",
            "http://localhost:3000",
            "https://127.0.0.1:3000",
            "127.0.0.1:3000",
            "null",
            "",
        ] {
            assert!(!sent(&[host, ("origin", origin)]), "{origin}");
        }
        for site in ["same-site", "cross-site", "none", ""] {
            assert!(!sent(&[host, ("origin", "http://127.0.0.1:3000"), ("sec-fetch-site", site)]), "{site}");
        }
        assert!(!sent(&[host, ("origin", "http://127.0.0.1:3000"), ("origin", "http://127.0.0.1:3000")]), "two origins are none");
        let twice = [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")];
        assert!(!sent(&[host, ("origin", "http://127.0.0.1:3000"), twice[0], twice[1]]));
        assert!(!sent(&[("host", "evil.example:3000"), ("origin", "http://evil.example:3000")]), "DNS rebinding");
    }
}
