//! `Authorization: Bearer`, RFC 6750 section 2.1.

use http::{HeaderMap, header};

use crate::operations::Presented;

/// What the request's headers present. Two `Authorization` headers are refused, never first or last wins.
#[must_use]
pub fn presented(headers: &HeaderMap) -> Presented<'_> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Presented::Nothing,
        (Some(_), Some(_)) => Presented::Unusable,
        (Some(value), None) => value.to_str().map_or(Presented::Unusable, presented_in),
    }
}

/// What one header value presents: the scheme in any case, then spaces (`1*SP`, nothing else), then the token.
#[must_use]
pub fn presented_in(value: &str) -> Presented<'_> {
    let (scheme, rest) = value.split_at_checked("Bearer".len()).unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Presented::Nothing;
    }
    let token = rest.trim_start_matches(' ');
    match (rest.len() - token.len(), token) {
        (_, "") => Presented::Nothing,
        (0, other) if other.starts_with(|next: char| next.is_ascii_alphanumeric()) => Presented::Nothing,
        (0, _) => Presented::Unusable,
        (_, token) => Presented::Token(token),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    impl std::fmt::Debug for Presented<'_> {
        fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str(match self {
                Presented::Nothing => "Nothing",
                Presented::Unusable => "Unusable",
                Presented::Token(_) => "Token",
            })
        }
    }

    /// B1, B2, B4: the scheme in any case, spaces only, and nothing else in the header.
    #[test]
    fn one_rule() {
        use Presented::{Nothing, Token, Unusable};
        for (value, expected) in [
            ("Bearer abc", Token("abc")),
            ("bearer abc", Token("abc")),
            ("BEARER abc", Token("abc")),
            ("bEaReR  abc", Token("abc")),
            ("Bearer abc ", Token("abc ")),
            ("Bearer abc, Bearer def", Token("abc, Bearer def")),
            ("", Nothing),
            ("Bearer", Nothing),
            ("Bearer ", Nothing),
            ("Bearer   ", Nothing),
            ("BearerX abc", Nothing),
            ("Basic YTpi", Nothing),
            ("abc", Nothing),
            (" Bearer abc", Nothing),
            ("Bearer\tabc", Unusable),
            ("Bearer\u{a0}abc", Unusable),
            ("é", Nothing),
            ("Beare\u{e9}r abc", Nothing),
        ] {
            assert_eq!(presented_in(value), expected, "{value:?}");
        }
    }

    /// B3: choosing one of two headers would let another reader choose the other.
    #[test]
    fn two_headers_are_refused_even_when_equal() {
        let mut headers = HeaderMap::new();
        assert_eq!(presented(&headers), Presented::Nothing);
        headers.append("authorization", HeaderValue::from_static("Bearer abc"));
        assert_eq!(presented(&headers), Presented::Token("abc"));
        headers.append("authorization", HeaderValue::from_static("Bearer abc"));
        assert_eq!(presented(&headers), Presented::Unusable);
    }

    #[test]
    fn bytes_that_no_token_has_are_refused() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_bytes(b"Bearer \xff\xfe").unwrap());
        assert_eq!(presented(&headers), Presented::Unusable);
    }
}
