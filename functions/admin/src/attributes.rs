//! `PUT /admin/attributes`, a user's, and `PATCH /admin/logins/attributes`, one login's own.

use std::collections::BTreeMap;

use lambda_http::{Body, Request, Response};
use latchkey::{
    http::{
        problem::{Problem, ProblemCode},
        refuse::store_problem,
    },
    ids::{LoginId, LoginKey, UserKey},
    model::{Attributes, AttributesError, Authentication},
    operations::{NotChanged, change_own_attributes, set_attributes},
    telling::log::Fields,
};
use serde::{Deserialize, Deserializer};

use crate::{
    Office,
    body::{UserId, malformed, members, named},
    no_content, record,
};

/// How a user was authenticated, as the caller says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Auth {
    time: i64,
    #[serde(default)]
    amr: Vec<String>,
    acr: Option<String>,
}

impl From<Auth> for Authentication {
    fn from(Auth { time, amr, acr }: Auth) -> Self {
        Self { time, amr, acr }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfUser {
    user_id: UserId,
    scope: Option<String>,
    #[serde(default, deserialize_with = "named")]
    attributes: BTreeMap<String, String>,
}

/// Sets the user's attributes in place of those before. Every authorize that begins after the answer has them, in every login. So an
/// unfinished change is 503: the caller sends it again.
pub(crate) async fn set(office: &Office, request: &Request, fields: Fields<'_>) -> Result<Response<Body>, Problem> {
    const TAKES: &str =
        "the body takes `user_id` of 1 to 128 bytes, `scope`, `attributes` with a text under each name, and nothing else, each name once";
    let OfUser { user_id, scope, attributes } = members(request, TAKES, fields)?;
    let checked = Attributes::default().with_scope(scope.as_deref()).and_then(|scoped| scoped.with_own(attributes));
    let attributes = checked.map_err(|error| malformed(error.detail(), fields))?;
    let user_key = UserKey::of(&user_id.0);
    let fields = Fields { user_key: Some(user_key.as_str()), ..fields };
    let set = set_attributes(&office.store, &user_key, &attributes, &office.random).await;
    set.map_err(|error| store_problem(&error, fields))?;
    record("set_attributes", fields);
    Ok(no_content())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfLogin {
    user_id: UserId,
    login_id: String,
    #[serde(default, deserialize_with = "present")]
    scope: Option<Option<String>>,
    auth: Option<Auth>,
    #[serde(default, deserialize_with = "named")]
    attributes: BTreeMap<String, Option<String>>,
}

/// Distinguishes a member that is null, which removes something, from one that isn't there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Changes one login's own attributes: a member that is null is removed, one that isn't sent stays. With `auth` it is a step-up.
pub(crate) async fn change(office: &Office, request: &Request, fields: Fields<'_>) -> Result<Response<Body>, Problem> {
    const TAKES: &str = "the body takes `user_id` of 1 to 128 bytes, `login_id`, `scope`, `auth` with `time`, `amr` and `acr`, `attributes` with a text or \
                         null under each name, and nothing else, each name once";
    let OfLogin { user_id, login_id, scope, auth, attributes } = members(request, TAKES, fields)?;
    let login_id = LoginId::parse(&login_id).map_err(|_| malformed("`login_id` takes 22 characters of A-Z a-z 0-9 - _", fields))?;
    let key = LoginKey { user_key: UserKey::of(&user_id.0), login_id };
    let fields = Fields { user_key: Some(key.user_key.as_str()), login_id: Some(key.login_id.as_str()), ..fields };
    let (auth, now) = (auth.map(Authentication::from), office.clock.now());
    let changed = |mut own: Attributes| {
        // What is removed makes room for what is added.
        for (name, value) in
            attributes.iter().filter(|(_, value)| value.is_none()).chain(attributes.iter().filter(|(_, value)| value.is_some()))
        {
            own = own.with(name, value.clone())?;
        }
        if let Some(scope) = &scope {
            own = own.with_scope(scope.as_deref())?;
        }
        if let Some(auth) = &auth {
            own = own.with_auth(auth, now)?;
        }
        Ok::<_, AttributesError>(own)
    };
    match change_own_attributes(&office.store, &key, changed, &office.random).await {
        Ok(()) => {
            record("change_attributes", fields);
            Ok(no_content())
        }
        Err(NotChanged::Unknown) => Err(ProblemCode::NotFound.into()),
        Err(NotChanged::Attributes(error)) => Err(malformed(error.detail(), fields)),
        Err(NotChanged::Store(error)) => Err(store_problem(&error, fields)),
    }
}
