//! `POST /admin/impersonations`: a member of the team acts as a user, for half an hour at most.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use lambda_http::{Body, Request, Response};
use latchkey::{
    http::{pair::access_response, problem::Problem},
    ids::UserKey,
    model::Lifetimes,
    operations::{Caller, CreateLogin},
    telling::log::Fields,
};
use serde::Deserialize;

use crate::{
    Office,
    attributes::Auth,
    body::{UserId, malformed, members, named},
    issue::{Client, create, failed},
    record,
};

/// The longest and the usual lifetime, in seconds.
const LONGEST: u64 = 30 * 60;
const SHORTEST: u64 = 60;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    user_id: UserId,
    act: String,
    lifetime: Option<u64>,
    device: Option<String>,
    user_agent: Option<String>,
    ip: Option<IpAddr>,
    scope: Option<String>,
    auth: Option<Auth>,
    #[serde(default, deserialize_with = "named")]
    attributes: BTreeMap<String, String>,
}

/// Issues a login in which `act` acts as the user. The refresh token is dropped unseen. The login has no device and doesn't count
/// against the user's limit, so it ends no login of theirs.
pub(crate) async fn impersonate(office: &Office, request: &Request, fields: Fields<'_>) -> Result<Response<Body>, Problem> {
    const TAKES: &str = "the body takes `user_id` of 1 to 128 bytes, `act`, `lifetime`, `scope`, `auth`, `attributes`, `device`, `user_agent`, `ip`, and nothing else, each name once";
    let Members { user_id, act, lifetime, device, user_agent, ip, scope, auth, attributes } = members(request, TAKES, fields)?;
    let user_key = UserKey::of(&user_id.0);
    let fields = Fields { user_key: Some(user_key.as_str()), ..fields };
    let seconds = lifetime.unwrap_or(LONGEST);
    if !(SHORTEST..=LONGEST).contains(&seconds) {
        return Err(malformed("`lifetime` of an impersonation takes 60 to 1800 seconds", fields));
    }
    let lifetime = Duration::from_secs(seconds);
    let max_lifetime = Some(office.config.session_max_lifetime.map_or(lifetime, |most| most.min(lifetime)));
    let client = Client { device, user_agent, ip, scope, auth, attributes };
    let (device, own) = client.device_and_attributes(None, office.clock.now()).map_err(|error| malformed(error.detail(), fields))?;
    let own = own.with_act(&act).map_err(|error| malformed(error.detail(), fields))?;
    let create = CreateLogin {
        lifetimes: Lifetimes { access: lifetime, refresh: lifetime },
        limit: None,
        ..create(office, &device, &own, max_lifetime, fields)
    };
    let issued = create.run(Caller { store: &office.store, user_id: &user_id.0 }).await;
    let issued = issued.map_err(|error| failed(&error, "impersonate_refused", fields))?;
    let login_id = issued.new.login.key.login_id.as_str();
    record("impersonate", Fields { login_id: Some(login_id), reason: Some(&act), ..fields });
    Ok(access_response(&issued.pair, &issued.new.session))
}
