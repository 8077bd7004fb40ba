//! The `Idempotency-Key` of a refresh.

use http::HeaderMap;
use latchkey::model::ReplayKeyHash;

/// A key outside its bounds, or two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", Self::DETAIL)]
pub(crate) struct BadKey;

impl BadKey {
    pub(crate) const DETAIL: &str = "Idempotency-Key takes 1 to 128 visible ASCII characters, once";
}

/// The hash of the key: 1 to 128 visible ASCII characters, once or not at all.
pub(crate) fn replay_key(headers: &HeaderMap) -> Result<Option<ReplayKeyHash>, BadKey> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()));
    match (key, values.next()) {
        (Some(key), None) => Ok(Some(ReplayKeyHash::of(key))),
        _ => Err(BadKey),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn key_of(values: &[&[u8]]) -> Result<bool, BadKey> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("idempotency-key", HeaderValue::from_bytes(value).unwrap());
        }
        replay_key(&headers).map(|key| key.is_some())
    }

    /// R8: a key outside these bounds is a 400.
    #[test]
    fn a_key_is_1_to_128_visible_ascii_characters() {
        assert_eq!(key_of(&[]), Ok(false));
        assert_eq!(key_of(&[b"a"]), Ok(true));
        assert_eq!(key_of(&[&[b'~'; 128]]), Ok(true));
        for wrong in [&[b'~'; 129][..], b"", b"with space", "é".as_bytes(), b"tab\there"] {
            assert_eq!(key_of(&[wrong]), Err(BadKey));
        }
        assert_eq!(key_of(&[b"a", b"a"]), Err(BadKey), "two headers are not one key");
    }
}
