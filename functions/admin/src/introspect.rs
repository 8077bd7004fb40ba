//! `POST /admin/introspect`: RFC 7662, for services that ask for each request instead of running the middleware.

use lambda_http::{Body, Request, Response};
use latchkey::{
    http::{attributes::AttributeMembers, json::form_body, pair::json_response, problem::Problem, refuse::store_problem},
    operations::{Denied, Introspected, Presented, introspect as introspect_token},
    telling::log::Fields,
};
use serde::Serialize;

use crate::{
    Office,
    body::{malformed, no_query},
};

/// Section 2.2 of the RFC.
#[derive(Serialize)]
#[serde(untagged)]
enum Answer<'a> {
    Active {
        active: bool,
        sub: &'a str,
        exp: i64,
        iat: i64,
        token_type: &'static str,
        /// The login, as OpenID Connect names a session (`sid`).
        sid: &'a str,
        #[serde(flatten)]
        attributes: AttributeMembers<'a>,
        /// The actor, as RFC 8693 section 4.1 has it.
        #[serde(skip_serializing_if = "Option::is_none")]
        act: Option<Actor<'a>>,
    },
    Inactive {
        active: bool,
    },
}

#[derive(Serialize)]
struct Actor<'a> {
    sub: &'a str,
}

/// An authorize like any other: a first use is marked before the answer. What isn't a live access token is inactive, for
/// whatever reason; an outage is 503, never inactive.
pub(crate) async fn introspect(office: &Office, request: &Request, fields: Fields<'_>) -> Result<Response<Body>, Problem> {
    no_query(request, fields)?;
    let body = form_body(request).map_err(|_| malformed("the body is application/x-www-form-urlencoded, of 4096 bytes at most", fields))?;
    let token = token(body).ok_or_else(|| malformed("the body has `token` once", fields))?;
    let Office { store, config, first_use, clock, .. } = office;
    let found = introspect_token(store, Presented::Token(&token), config.imported_tokens, first_use, clock, fields).await;
    match found {
        Ok(Introspected { session, issued_at }) => Ok(json_response(&Answer::Active {
            active: true,
            sub: &session.user_id,
            exp: session.access_token_expires_at.timestamp(),
            iat: issued_at.timestamp(),
            token_type: "Bearer",
            sid: session.login_id.as_str(),
            attributes: (&session.attributes).into(),
            act: session.attributes.act().map(|sub| Actor { sub }),
        })),
        Err(Denied::Missing | Denied::Invalid) => Ok(json_response(&Answer::Inactive { active: false })),
        Err(Denied::Store(error)) => Err(store_problem(&error, fields)),
    }
}

/// The one `token` of the form. Other parameters, such as `token_type_hint`, are ignored: section 2.1 allows for more of them.
fn token(form: &[u8]) -> Option<String> {
    let mut tokens = form_urlencoded::parse(form).filter(|(name, _)| name == "token").map(|(_, token)| token.into_owned());
    match (tokens.next(), tokens.next()) {
        (Some(token), None) => Some(token),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn a_form_has_one_token() {
        let read = |form: &str| token(form.as_bytes());
        assert_eq!(read("token=abc").as_deref(), Some("abc"));
        assert_eq!(read("token_type_hint=refresh_token&token=a%2Fb+c").as_deref(), Some("a/b c"));
        for wrong in ["", "token_type_hint=access_token", "token=a&token=a", "Token=a", "{\"token\":\"a\"}"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
