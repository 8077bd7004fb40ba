//! `Authorization: Bearer`, RFC 6750 section 2.1, and the two doors that can't send it: AppSync, whose clients leave the scheme out, and a
//! browser's WebSocket, which sends no header of the page's choice but the list of sub-protocols.

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

/// What AppSync hands over: as [`presented_in`], or the token alone. A value of two words has a scheme, and another one than `Bearer` is
/// nothing of ours.
#[must_use]
pub fn presented_with_or_without_scheme(value: &str) -> Presented<'_> {
    match presented_in(value) {
        Presented::Nothing if !value.is_empty() && !value.eq_ignore_ascii_case("Bearer") && !value.contains(' ') => Presented::Token(value),
        presented => presented,
    }
}

/// The sub-protocol that says: the next one in the list is an access token. It is the one that the server answers, never the token.
pub const SUB_PROTOCOL: &str = "latchkey";

/// What the value of a `Sec-WebSocket-Protocol` presents: `latchkey, <token>`, and nothing beside it. A list without `latchkey` is a
/// protocol of the API's own.
#[must_use]
pub fn presented_in_sub_protocols(list: &str) -> Presented<'_> {
    let mut names = list.split(',').map(|name| name.trim_matches([' ', '\t']));
    if !names.clone().any(|name| name == SUB_PROTOCOL) {
        return Presented::Nothing;
    }
    match (names.next(), names.next(), names.next()) {
        (Some(SUB_PROTOCOL), Some(token), None) if !token.is_empty() => Presented::Token(token),
        _ => Presented::Unusable,
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

    /// An AppSync client sends the token alone, because AppSync's other modes forbid the scheme.
    #[test]
    fn the_scheme_may_be_left_out_where_the_door_says_so() {
        use Presented::{Nothing, Token, Unusable};
        for (value, expected) in [
            ("abc", Token("abc")),
            ("Bearer abc", Token("abc")),
            ("bearer  abc", Token("abc")),
            ("", Nothing),
            ("Bearer", Nothing),
            ("Bearer ", Nothing),
            ("Basic YTpi", Nothing),
            ("abc def", Nothing),
            (" abc", Nothing),
            ("Bearerabc", Token("Bearerabc")),
            ("Bearer\tabc", Unusable),
        ] {
            assert_eq!(presented_with_or_without_scheme(value), expected, "{value:?}");
        }
    }

    /// Chromium sends `a, b`; other clients leave the space out.
    #[test]
    fn a_token_is_the_second_of_two_sub_protocols() {
        use Presented::{Nothing, Token, Unusable};
        for (list, expected) in [
            ("latchkey, abc", Token("abc")),
            ("latchkey,abc", Token("abc")),
            (" latchkey \t,\tabc ", Token("abc")),
            ("", Nothing),
            ("graphql-transport-ws", Nothing),
            ("graphql-transport-ws, abc", Nothing),
            ("Latchkey, abc", Nothing),
            ("latchkey", Unusable),
            ("latchkey,", Unusable),
            ("latchkey, ", Unusable),
            ("latchkey, abc, graphql-transport-ws", Unusable),
            ("graphql-transport-ws, latchkey, abc", Unusable),
            ("abc, latchkey", Unusable),
            ("latchkey, abc,", Unusable),
        ] {
            assert_eq!(presented_in_sub_protocols(list), expected, "{list:?}");
        }
    }
}
