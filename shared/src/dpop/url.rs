//! URLs in one form, so that two of them can be compared as text.

use http::Uri;

/// A URL in the normal form of RFC 3986 sections 6.2.2 and 6.2.3, without query and fragment: scheme and host in lower case, no
/// default port, no dot segments, percent-encoding in capitals and of unreserved characters undone. A slash at the end and the case
/// of the path count.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NormalUrl(String);

impl NormalUrl {
    /// `None` for a text that is no `http` or `https` URL, or one with a user part or characters beyond ASCII.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // What this parser takes beyond the RFC does no harm: a URL has to be equal to one that is known.
        let uri: Uri = text.is_ascii().then(|| text.parse().ok()).flatten()?;
        let (scheme, authority) = (uri.scheme_str()?.to_ascii_lowercase(), uri.authority()?);
        let default_port = match scheme.as_str() {
            "http" => "80",
            "https" => "443",
            _ => return None,
        };
        if authority.as_str().contains('@') {
            return None;
        }
        let host = authority.host().to_ascii_lowercase();
        let port = match authority.as_str().get(authority.host().len()..)?.strip_prefix(':') {
            None | Some("") => String::new(),
            Some(port) if port == default_port => String::new(),
            Some(port) => format!(":{port}"),
        };
        Some(Self(format!("{scheme}://{host}{port}{}", without_dots(&percent(uri.path())?))))
    }

    /// The URL of `route` below a base URL.
    #[must_use]
    pub fn below(base: &str, route: &str) -> Option<Self> {
        Self::parse(&format!("{}{route}", base.strip_suffix('/').unwrap_or(base)))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Section 6.2.2.1 and 6.2.2.2. `None` where a percent sign isn't followed by two hex digits.
fn percent(path: &str) -> Option<String> {
    let mut parts = path.split('%');
    let mut normal = parts.next()?.to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        let byte = u8::from_str_radix(digits, 16).ok().filter(|_| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            normal.push(char::from(byte));
        } else {
            normal.push_str(&format!("%{byte:02X}"));
        }
        normal.push_str(rest);
    }
    Some(normal)
}

/// Section 5.2.4, for a path that begins with a slash.
fn without_dots(path: &str) -> String {
    let segments: Vec<_> = path.split('/').skip(1).collect();
    let mut kept: Vec<&str> = Vec::new();
    for (place, segment) in segments.iter().enumerate() {
        let is_last = place + 1 == segments.len();
        match *segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            other => kept.push(other),
        }
        if is_last && matches!(*segment, "." | "..") {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> Option<String> {
        NormalUrl::parse(text).map(|url| url.0)
    }

    #[test]
    fn one_form_for_what_is_one_url() {
        for (text, expected) in [
            ("https://api.example.com/v1/refresh", "https://api.example.com/v1/refresh"),
            ("HTTPS://API.Example.COM:443/v1/refresh", "https://api.example.com/v1/refresh"),
            ("https://api.example.com:/v1/refresh", "https://api.example.com/v1/refresh"),
            ("http://api.example.com:80", "http://api.example.com/"),
            ("http://127.0.0.1:3000/refresh", "http://127.0.0.1:3000/refresh"),
            ("https://[2001:DB8::1]:443/a", "https://[2001:db8::1]/a"),
            ("https://[2001:DB8::1]:8443/a", "https://[2001:db8::1]:8443/a"),
            ("https://a.example:8443/A", "https://a.example:8443/A"),
            ("https://a.example:80/", "https://a.example:80/"),
            ("https://a.example?x=1#y", "https://a.example/"),
            ("https://a.example/b?x=1#y", "https://a.example/b"),
            ("https://a.example/b#y", "https://a.example/b"),
            ("https://a.example/%7erefresh/a%2fb", "https://a.example/~refresh/a%2Fb"),
            ("https://a.example/v1/../refresh", "https://a.example/refresh"),
            ("https://a.example/v1/%2e%2E/refresh", "https://a.example/refresh"),
            ("https://a.example/./a/.", "https://a.example/a/"),
            ("https://a.example/a/b/..", "https://a.example/a/"),
            ("https://a.example/../../a", "https://a.example/a"),
            ("https://a.example/a//b/", "https://a.example/a//b/"),
        ] {
            assert_eq!(normal(text).as_deref(), Some(expected), "{text}");
            assert_eq!(normal(expected).as_deref(), Some(expected), "normal is normal");
        }
    }

    #[test]
    fn what_is_no_url_of_ours() {
        for text in [
            "",
            "/refresh",
            "refresh",
            "a.example/refresh",
            "ftp://a.example/",
            "https://user@a.example/",
            "https://user:secret@a.example/",
            "https://bücher.example/",
            "https://a.example/ü",
            "https://a.example/a b",
            "https://a.example/%",
            "https://a.example/%4",
            "https://a.example/%+1",
            "https:///refresh",
            "https:a.example",
        ] {
            assert_eq!(normal(text), None, "{text}");
        }
        let different =
            ["https://a.example/v1", "https://a.example/v1/", "https://a.example/V1", "http://a.example/v1", "https://a.example:8443/v1"];
        let set: std::collections::BTreeSet<_> = different.iter().map(|text| normal(text)).collect();
        assert_eq!(set.len(), different.len());
    }

    #[test]
    fn a_route_below_a_base() {
        for base in ["https://a.example/v1", "https://a.example/v1/"] {
            assert_eq!(NormalUrl::below(base, "/refresh"), NormalUrl::parse("https://a.example/v1/refresh"));
        }
    }
}
