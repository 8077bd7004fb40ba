//! `POST /admin/logins`: a pair for a user whom the team has authenticated itself.

use std::{collections::BTreeMap, convert::Infallible, net::IpAddr, time::Duration};

use chrono::{DateTime, Utc};
use lambda_http::{Body, Request, Response};
use latchkey::{
    config::Binding,
    dpop::Thumbprint,
    http::{
        device::{device_id, device_name, user_agent},
        pair::pair_response,
        problem::{Problem, ProblemCode},
        refuse::store_problem,
    },
    ids::UserKey,
    model::{Attributes, AttributesError, Device},
    operations::{Caller, CreateLogin, NotCreated},
    telling::log::{Event, Fields, log},
};
use serde::Deserialize;

use crate::{
    Office,
    attributes::Auth,
    body::{UserId, malformed, members, named},
    record,
};

const TAKES: &str = "the body takes `user_id` of 1 to 128 bytes, `device`, `device_id`, `user_agent`, `ip`, `lifetime`, `dpop_jkt`, `scope`, `auth`, \
                     `attributes`, and nothing else, each name once";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    user_id: UserId,
    device: Option<String>,
    device_id: Option<String>,
    user_agent: Option<String>,
    ip: Option<IpAddr>,
    /// Seconds.
    lifetime: Option<u64>,
    /// The thumbprint of the key that the client's proofs will be by.
    dpop_jkt: Option<String>,
    scope: Option<String>,
    auth: Option<Auth>,
    #[serde(default, deserialize_with = "named")]
    attributes: BTreeMap<String, String>,
}

/// What the caller says of the client and of the sign-in.
pub(crate) struct Client {
    pub(crate) device: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) scope: Option<String>,
    pub(crate) auth: Option<Auth>,
    pub(crate) attributes: BTreeMap<String, String>,
}

impl Client {
    /// What the login keeps of it.
    pub(crate) fn device_and_attributes(self, id: Option<String>, now: DateTime<Utc>) -> Result<(Device, Attributes), AttributesError> {
        let device = Device {
            id,
            name: self.device.as_deref().and_then(device_name),
            user_agent: self.user_agent.as_deref().and_then(user_agent),
            ip: self.ip.map(|ip| ip.to_string()),
        };
        let mut own = Attributes::default().with_own(self.attributes)?.with_scope(self.scope.as_deref())?;
        if let Some(auth) = self.auth {
            own = own.with_auth(&auth.into(), now)?;
        }
        Ok((device, own))
    }
}

/// The shortest and the longest lifetime that a login may be given, in seconds.
const LIFETIMES: std::ops::RangeInclusive<u64> = 60..=3650 * 24 * 60 * 60;

/// Runs a login's transaction without a password: limits, devices and the order of logins are the same.
pub(crate) async fn issue(office: &Office, request: &Request, fields: Fields<'_>) -> Result<Response<Body>, Problem> {
    let Members { user_id, device, device_id, user_agent, ip, lifetime, dpop_jkt, scope, auth, attributes } =
        members(request, TAKES, fields)?;
    let user_key = UserKey::of(&user_id.0);
    let fields = Fields { user_key: Some(user_key.as_str()), ..fields };
    let max_lifetime = max_lifetime(lifetime, office.config.session_max_lifetime).map_err(|detail| malformed(detail, fields))?;
    let bound_to = bound_to(dpop_jkt.as_deref(), office.config.binding).map_err(|detail| malformed(detail, fields))?;
    let id = replacing_id(request, device_id).map_err(|detail| malformed(detail, fields))?;
    let client = Client { device, user_agent, ip, scope, auth, attributes };
    let kept = client.device_and_attributes(Some(id), office.clock.now());
    let (device, own) = kept.map_err(|error| malformed(error.detail(), fields))?;
    let create = CreateLogin { bound_to, ..create(office, &device, &own, max_lifetime, fields) };
    let issued = create.run(Caller { store: &office.store, user_id: &user_id.0 }).await;
    let issued = issued.map_err(|error| failed(&error, "issue_refused", fields))?;
    record("issue", Fields { login_id: Some(issued.new.login.key.login_id.as_str()), ..fields });
    Ok(pair_response(&issued.pair, &issued.new.session, issued.new.login.bound_to.as_ref()))
}

/// A login by the settings.
pub(crate) fn create<'a>(
    office: &'a Office,
    device: &'a Device,
    own: &'a Attributes,
    max_lifetime: Option<Duration>,
    fields: Fields<'a>,
) -> CreateLogin<'a> {
    CreateLogin {
        store: &office.store,
        device,
        own: Some(own),
        lifetimes: office.config.lifetimes,
        max_lifetime,
        limit: office.config.session_limit,
        bound_to: None,
        replacing: None,
        now: office.clock.now(),
        random: &office.random,
        fields,
    }
}

/// Why no login was issued. A refusal is recorded as `action`.
pub(crate) fn failed(error: &NotCreated<Infallible>, action: &'static str, fields: Fields<'_>) -> Problem {
    let refused = |reason: &'static str, code: ProblemCode| {
        record(action, Fields { reason: Some(reason), ..fields });
        code.into()
    };
    match error {
        NotCreated::Blocked => refused("user_blocked", ProblemCode::UserBlocked),
        NotCreated::SessionLimit => refused("session_limit", ProblemCode::SessionLimit),
        NotCreated::Attributes(error) => malformed(error.detail(), fields),
        NotCreated::Store(error) => store_problem(error, fields),
        NotCreated::Mint(error) => {
            log(Event::Internal, fields, Some(error));
            ProblemCode::Internal.into()
        }
        NotCreated::Lost(never) => match *never {},
    }
}

/// How long the login lives, whatever refreshes it: what the request asks for, within the setting.
fn max_lifetime(asked: Option<u64>, setting: Option<Duration>) -> Result<Option<Duration>, &'static str> {
    let Some(seconds) = asked else { return Ok(setting) };
    if !LIFETIMES.contains(&seconds) {
        return Err("`lifetime` takes 60 to 315360000 seconds");
    }
    let lifetime = Duration::from_secs(seconds);
    if setting.is_some_and(|most| lifetime > most) { Err("`lifetime` is longer than SESSION_MAX_LIFETIME") } else { Ok(Some(lifetime)) }
}

/// The key that the login is bound to. It isn't left out in silence: the caller relies on it.
fn bound_to(asked: Option<&str>, setting: Binding) -> Result<Option<Thumbprint>, &'static str> {
    match (asked, setting) {
        (None, Binding::Off | Binding::Optional) => Ok(None),
        (None, Binding::Required) => Err("`dpop_jkt` is required, because DPOP is `required`"),
        (Some(_), Binding::Off) => Err("`dpop_jkt` needs DPOP to be `optional` or `required`"),
        (Some(text), _) => Thumbprint::parse(text).map(Some).ok_or("`dpop_jkt` takes the 43 characters of an RFC 7638 thumbprint"),
    }
}

/// By what a repeated call replaces the login that it made before: the device's id, or else the request's key. Without either, each
/// retry of a call whose answer was lost would leave a login that no client has.
fn replacing_id(request: &Request, id: Option<String>) -> Result<String, &'static str> {
    const KEY: &str = "Idempotency-Key takes 1 to 128 visible ASCII characters, once";
    if let Some(id) = id.map(device_id).transpose().map_err(|_| "`device_id` takes at most 256 bytes")?.flatten() {
        return Ok(id);
    }
    let mut values = request.headers().get_all("idempotency-key").iter();
    let value = values.next().ok_or("`device_id` or the header Idempotency-Key is required")?;
    let key = value.to_str().ok().filter(|key| (1..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()));
    let key = key.filter(|_| values.next().is_none()).ok_or(KEY)?;
    Ok(Device::id_of_key(key))
}

#[cfg(test)]
mod tests {
    use lambda_http::Request;

    use super::*;

    #[test]
    fn a_lifetime_stays_within_the_setting() {
        let seconds = Duration::from_secs;
        assert_eq!(max_lifetime(None, None), Ok(None));
        assert_eq!(max_lifetime(None, Some(seconds(100))), Ok(Some(seconds(100))));
        assert_eq!(max_lifetime(Some(60), None), Ok(Some(seconds(60))));
        assert_eq!(max_lifetime(Some(100), Some(seconds(100))), Ok(Some(seconds(100))));
        for (asked, setting) in [(0, None), (59, None), (315_360_001, None), (u64::MAX, None), (101, Some(seconds(100)))] {
            assert!(max_lifetime(Some(asked), setting).is_err(), "{asked}");
        }
    }

    #[test]
    fn a_login_is_bound_as_the_setting_permits() {
        let jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
        let key = Thumbprint::parse(jkt);
        for (asked, setting, bound) in [
            (None, Binding::Off, Some(None)),
            (None, Binding::Optional, Some(None)),
            (None, Binding::Required, None),
            (Some(jkt), Binding::Off, None),
            (Some(jkt), Binding::Optional, Some(key)),
            (Some(jkt), Binding::Required, Some(key)),
            (jkt.strip_prefix("0"), Binding::Optional, None),
            (Some(""), Binding::Optional, None),
        ] {
            assert_eq!(bound_to(asked, setting).ok(), bound, "{asked:?} {setting:?}");
        }
    }

    #[test]
    fn a_call_says_what_a_repeated_call_replaces() {
        let id = |keys: &[&str], device_id: Option<&str>| {
            let mut request = Request::default();
            for key in keys {
                request.headers_mut().append("idempotency-key", key.parse().unwrap());
            }
            replacing_id(&request, device_id.map(str::to_owned))
        };
        let of_key = id(&["a"], None).unwrap();
        assert_eq!((of_key.len(), latchkey::ids::is_url_safe(&of_key)), (43, true));
        assert_ne!(of_key, id(&["b"], None).unwrap());
        assert_eq!(id(&["a"], Some("0123456789abcdef")).as_deref(), Ok("0123456789abcdef"));
        for (keys, device_id) in [(&[][..], None), (&["a", "a"], None), (&["with space"], None), (&[""], None), (&[][..], Some(""))] {
            assert!(id(keys, device_id).is_err(), "{keys:?} {device_id:?}");
        }
    }
}
