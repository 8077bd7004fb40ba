//! `CORS_ALLOW_ORIGIN`, checked as template.yaml checks its parameter `CorsAllowOrigin`. A browser compares an origin as text, so
//! one with a path, a capital letter or a second origin beside it would let in no page at all.

/// The longest value, in bytes.
const MAX_BYTES: usize = 100;

/// What the variable takes.
pub(super) const TAKES: &str = "`none`, `*`, or an origin in lower case such as https://app.example.com or capacitor://localhost";

/// The value of `Access-Control-Allow-Origin`, and `Some(None)` for `none`. `None` for a text that is no origin.
#[expect(clippy::option_option, reason = "the caller distinguishes a wrong value from one that lets in no page")]
pub(super) fn parse_origin(text: &str) -> Option<Option<String>> {
    match text {
        "none" => Some(None),
        text if text == "*" || is_origin(text) => Some(Some(text.to_owned())),
        _ => None,
    }
}

fn is_origin(text: &str) -> bool {
    text.len() <= MAX_BYTES && text.split_once("://").is_some_and(|(scheme, authority)| is_scheme(scheme) && is_authority(authority))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(|byte| is_lower(byte) || b"+.-".contains(&byte))
}

/// A host, with or without a port. An IPv6 address is in brackets, so that its colons aren't a port's.
fn is_authority(text: &str) -> bool {
    let (is_host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').unwrap_or_default();
            (!address.is_empty() && address.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b':')), port)
        }
        None => {
            let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            (!name.is_empty() && name.bytes().all(|byte| is_lower(byte) || b".-".contains(&byte)), port)
        }
    };
    is_host && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

fn is_port(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}
