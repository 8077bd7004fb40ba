//! A service with its own user, whose handlers can be stopped at any call.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use latchkey::{
    clock::{later, rfc3339},
    dpop::Thumbprint,
    entropy::Random,
    ids::UserKey,
    import::{ImportRow, ImportedSession},
    limits::Limits,
    model::{Device, Lifetimes, LoginCreation, User, UserStatus},
    operations::{ImportOutcome, import_session, issue::issue_login},
    password::{Hashing, PasswordHash},
    store::{Accounts, Commit, Store, Users},
};
use latchkey_cli::{
    gateway::{Gateway, GatewayOptions},
    invoke::Invoker,
    linked::{self, Given},
};
use latchkey_tests::{
    back_office::{principal, signed},
    clock::TestClock,
    database::{Database, TEST_LIMITS},
    given::{TEST_COSTS, given, hash_of},
    proofs::DeviceKey,
    seed::random,
    service::{Answer, Pair, ParseUsername as _, Serving, send},
    tap::{Guard, Tap},
};
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpListener;

use crate::{mortal::mortal, rounds::patiently};

/// Any password will do.
const PASSWORD: &str = "correct-horse-battery-staple";
/// Its hash by PBKDF2 with one round, as an import stores one.
const FOREIGN_HASH: &str = "$foreign$pbkdf2$d=sha256,i=1$c2FsdHNhbHRzYWx0$yX7FiE8uNYDV0oMweqX/yLyrYRPq949E0HMX6HSo8YA";
/// The app's id of the installation that the user logs in from.
pub(crate) const DEVICE: &str = "device-0123456789";
const LIFETIMES: Lifetimes = Lifetimes { access: Duration::from_secs(300), refresh: Duration::from_secs(604_800) };
/// Attempts whose refund was lost must not throttle the next cell.
const SETTINGS: [(&str, &str); 3] =
    [("LOGIN_FREE_FAILURES", "100"), ("LOGIN_NETWORK_FAILURES", "1000000"), ("ACCEPT_FOREIGN_HASHES", "true")];

/// A DynamoDB for many subjects, and the hash of the password they share.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    pub(crate) database: Database,
    hash: PasswordHash,
    /// For all subjects, so that each cell finds its memory there.
    hashing: Hashing,
    /// Whether a user's first login was imported.
    pub(crate) imported: bool,
    /// Whether a user's logins are bound to the client's key.
    pub(crate) bound: bool,
    users: Arc<AtomicUsize>,
}

impl Ground {
    pub(crate) async fn new() -> Self {
        Self::over(Database::new().await, false)
    }

    /// A stage whose users have imported sessions.
    pub(crate) async fn of_imported() -> Self {
        Self::over(Database::with(&[("AcceptImportedTokens", "true")]).await, true)
    }

    /// A stage whose users' logins are bound to a key.
    pub(crate) async fn of_bound_logins() -> Self {
        Self { bound: true, ..Self::new().await }
    }

    /// A stage whose users have the hashes of another system.
    pub(crate) async fn of_foreign_hashes() -> Self {
        Self { hash: PasswordHash::stored(FOREIGN_HASH.to_owned()), ..Self::new().await }
    }

    fn over(database: Database, imported: bool) -> Self {
        let hashing = Hashing::new(TEST_COSTS, random());
        Self { database, hashing, hash: hash_of(PASSWORD), imported, bound: false, users: Arc::default() }
    }
}

/// Serves the API on a free port. Its calls go through `tap`.
async fn serve(
    ground: &Ground,
    limits: Limits,
    tap: &Tap,
    clock: &TestClock,
    slowest: &Arc<Mutex<Duration>>,
    panics: &Arc<AtomicUsize>,
) -> (String, Arc<Serving>) {
    let database = &ground.database;
    let own = |name: &str| SETTINGS.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned());
    let guard = Arc::new(Guard::of(database, ground.imported));
    let given = Given { hashing: ground.hashing.clone(), ..given(clock.clock(), limits) };
    let client = |function| database.tapped(&tap.of_function(function, &guard));
    let functions = match linked::functions(client, &database.template, &own, &given).unwrap() {
        Invoker::Linked(functions) => functions,
        Invoker::Remote(_) => unreachable!("the functions are linked into the test"),
    };
    let functions = functions.into_iter().map(|(name, function)| (name, mortal(function, tap, slowest, panics))).collect();
    let gateway = Gateway::new(
        &database.template,
        Invoker::Linked(functions),
        GatewayOptions { clock: clock.clock(), principal: principal(), ..GatewayOptions::default() },
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = Serving::start(listener, gateway.into_router());
    (url, serving)
}

/// The service, the user and the client.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) ground: Ground,
    pub(crate) tap: Tap,
    pub(crate) clock: TestClock,
    pub(crate) accounts: Accounts,
    pub(crate) user: User,
    url: String,
    http: reqwest::Client,
    /// The client's key, where logins are bound to one.
    key: Option<Arc<DeviceKey>>,
    slowest: Arc<Mutex<Duration>>,
    panics: Arc<AtomicUsize>,
    _serving: Arc<Serving>,
}

impl Subject {
    pub(crate) async fn new(ground: &Ground) -> Self {
        let Ground { database, hash, users, .. } = ground;
        let (tap, clock) = (Tap::default(), TestClock::default());
        let (slowest, panics) = (Arc::default(), Arc::default());
        let (url, serving) = serve(ground, TEST_LIMITS, &tap, &clock, &slowest, &panics).await;

        let store = Store::new(database.client.clone(), database.table("SessionsTable"));
        let accounts = Accounts::new(store, Users::new(database.client.clone(), database.table("UsersTable")));
        let name = format!("user{}", users.fetch_add(1, Ordering::Relaxed));
        let user = User {
            username: name.parse_username(),
            user_id: name,
            password_hash: hash.clone(),
            status: UserStatus::Active,
            version: 1,
            created_at: clock.now(),
        };
        database.put_user(&user).await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let key = ground.bound.then(|| Arc::new(DeviceKey::of(1)));
        Self { ground: ground.clone(), tap, clock, accounts, user, url, http, key, slowest, panics, _serving: serving }
    }

    /// The same user and client, on a service with other time limits.
    pub(crate) async fn under(&self, limits: Limits) -> Self {
        if limits == TEST_LIMITS {
            return self.clone();
        }
        let (url, serving) = serve(&self.ground, limits, &self.tap, &self.clock, &self.slowest, &self.panics).await;
        Self { url, _serving: serving, ..self.clone() }
    }

    /// The user's first login, from the user's device. It is written without the service, so no password is hashed.
    pub(crate) async fn first_login(&self) -> Pair {
        if self.ground.imported { self.import().await } else { self.log_in_directly(DEVICE).await }
    }

    /// A session that another service issued.
    async fn import(&self) -> Pair {
        let user_id = &self.user.user_id;
        let (access, refresh) = (format!("theirs-access-of-{user_id}"), format!("theirs-refresh-of-{user_id}"));
        let now = self.clock.now();
        let (access_expires_at, refresh_expires_at) = (later(now, LIFETIMES.access), later(now, LIFETIMES.refresh));
        let session = ImportedSession::parse(ImportRow {
            user_id,
            access_token: &access,
            refresh_token: &refresh,
            access_token_expires_at: &rfc3339(access_expires_at),
            refresh_token_expires_at: &rfc3339(refresh_expires_at),
        })
        .unwrap();
        assert_eq!(import_session(self.accounts.store(), &session, now, &Random::system()).await, Ok(ImportOutcome::Imported));
        let login_id = session.login(now).login.key.login_id.to_string();
        Pair { access, refresh, login_id, access_expires_at, refresh_expires_at }
    }

    /// A login from a device, written without the service.
    pub(crate) async fn log_in_directly(&self, device_id: &str) -> Pair {
        let device = Device { id: Some(device_id.into()), ..Device::default() };
        let mut issued = issue_login(&self.user.user_id, device, LIFETIMES, None, self.clock.now(), &Random::system()).unwrap();
        issued.new.login.bound_to = self.key.as_ref().map(|key| Thumbprint::parse(&key.thumbprint()).unwrap());
        let user_key = &issued.new.login.key.user_key;
        let seen = self.accounts.store().read_register_and_device(user_key, Some(device_id)).await.unwrap();
        let creation = LoginCreation { register: seen.register, device: seen.device, ..LoginCreation::default() };
        assert_eq!(self.accounts.create_login(&self.user, &issued.new, &creation).await, Ok(Commit::Done));
        let session = &issued.new.session;
        Pair {
            access: issued.pair.access.expose().to_owned(),
            refresh: issued.pair.refresh.expose().to_owned(),
            login_id: session.key.login_id.to_string(),
            access_expires_at: session.access_token_expires_at,
            refresh_expires_at: session.refresh_token_expires_at,
        }
    }

    /// How many logins of the user were written, those that are gone included: the register counts them.
    pub(crate) async fn logins_written(&self) -> usize {
        let logins = self.accounts.store().read_user_logins(&UserKey::of(&self.user.user_id)).await.unwrap();
        logins.register.map_or(0, |register| register.version.try_into().unwrap())
    }

    /// Sends a request with a token.
    pub(crate) async fn ask(&self, method: Method, path: &str, token: &str) -> Answer {
        send(self.http.request(method, format!("{}{path}", self.url)).bearer_auth(token)).await
    }

    /// Sends a signed request to the back office.
    pub(crate) async fn admin(&self, method: Method, path: &str, body: &serde_json::Value) -> Answer {
        let request = self.http.request(method, format!("{}{path}", self.url)).json(body);
        send(signed(request, &principal().credentials, self.clock.now())).await
    }

    /// `POST /login` from the user's device.
    pub(crate) async fn login(&self) -> Answer {
        self.login_from(Some(DEVICE)).await
    }

    pub(crate) async fn login_from(&self, device_id: Option<&str>) -> Answer {
        let mut body = json!({"username": self.user.username.as_str(), "password": PASSWORD});
        if let Some(device_id) = device_id {
            body["device_id"] = json!(device_id);
        }
        send(self.http.post(format!("{}/login", self.url)).json(&body)).await
    }

    /// `POST /refresh`, with a new proof if there is a key.
    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        let request = self.http.post(format!("{}/refresh", self.url)).bearer_auth(token);
        let Some(key) = &self.key else { return send(request).await };
        let host = self.url.strip_prefix("http://").unwrap();
        let route = format!("https://{host}/{}/refresh", self.ground.database.template.stage);
        send(request.header("DPoP", key.prove(&route, self.clock.now()))).await
    }

    pub(crate) async fn logout(&self, token: &str) -> Answer {
        self.ask(Method::POST, "/logout", token).await
    }

    pub(crate) async fn me(&self, token: &str) -> Answer {
        self.ask(Method::GET, "/me", token).await
    }

    /// Whether the access token passes; an answer without a verdict counts as no.
    pub(crate) async fn allows(&self, token: &str) -> bool {
        patiently(|| self.me(token)).await.status == 200
    }

    /// The number of panics in handlers since the last call.
    pub(crate) fn take_panics(&self) -> usize {
        self.panics.swap(0, Ordering::Relaxed)
    }

    /// The longest time a handler has taken since the last call.
    pub(crate) fn take_slowest(&self) -> Duration {
        std::mem::take(&mut *self.slowest.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
