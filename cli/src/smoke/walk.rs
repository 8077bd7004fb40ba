//! The walk: each step, and what it must get.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use super::api::{Answer, Api, NoAnswer};

/// Who walks.
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) password: String,
}

/// What isn't the same on every stage.
pub(super) struct Settings {
    /// How long a refused token may still pass.
    pub(super) authorizer_ttl: Duration,
    /// Whether a refresh may be tried a second time.
    pub(super) replay: bool,
}

/// The step that went wrong.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The stage doesn't answer.
    #[error("{step}: the stage doesn't answer: {source}; check the URL")]
    NoAnswer {
        /// What was tried.
        step: &'static str,
        /// How it failed.
        source: NoAnswer,
    },
    /// The stage is away for a while.
    #[error("{step}: the stage answers {status}; try again in a moment")]
    Unavailable {
        /// What was tried.
        step: &'static str,
        /// 429 or 5xx.
        status: u16,
    },
    /// Another answer than promised. Without what else was in it: it may be a token.
    #[error("{step}: expected {expected}, came {came}")]
    Differs {
        /// What was tried.
        step: &'static str,
        /// What is promised.
        expected: String,
        /// What came.
        came: String,
    },
}

/// A walk through a stage, as far as it got.
pub(super) struct Walk<'a> {
    api: &'a Api,
    settings: Settings,
    json: bool,
    begun: Instant,
    /// A token of the login that is to be ended.
    live: Option<String>,
}

struct Pair {
    access: String,
    refresh: String,
    login_id: String,
}

impl<'a> Walk<'a> {
    pub(super) fn new(api: &'a Api, settings: Settings, json: bool) -> Self {
        Self { api, settings, json, begun: Instant::now(), live: None }
    }

    /// All of it.
    pub(super) async fn go(&mut self, who: &Credentials) -> Result<(), WalkError> {
        let body = json!({"username": who.username, "password": who.password, "device": "latchkey smoke"});
        let step = "a login gives a pair";
        let answer = self.ask(step, Method::POST, "/login", None, Some(&body)).await?;
        let first = self.pair(step, &answer)?;
        self.done(step);

        self.allowed("the access token passes", &first).await?;
        self.refused("without a token nothing passes", Method::GET, "/me", None, "missing_token").await?;

        let step = "a refresh gives the next pair of the same login";
        let rotated = self.ask(step, Method::POST, "/refresh", Some(&first.refresh), None).await?;
        let next = self.pair(step, &rotated)?;
        if next.login_id != first.login_id || next.access == first.access || next.refresh == first.refresh {
            return Err(differs(step, "other tokens of the same login", "the same tokens, or another login"));
        }
        self.done(step);

        self.allowed("the new access token passes at once", &next).await?;
        self.refused_soon("the old access token is refused", &first.access).await?;

        if self.settings.replay {
            let step = "the same refresh again gives the same pair";
            let replayed = self.ask(step, Method::POST, "/refresh", Some(&first.refresh), None).await?;
            expect(step, &replayed, 200, None).map_err(|error| if replayed.status == 401 { no_replay(step) } else { error })?;
            if replayed.body != rotated.body {
                return Err(differs(step, "the same pair", "another one"));
            }
            self.done(step);
        }

        let step = "the login is in the list, marked as the current one";
        let listed = self.ask(step, Method::GET, "/sessions", Some(&next.access), None).await?;
        expect(step, &listed, 200, None)?;
        let is_it = |row: &Value| row["login_id"] == next.login_id.as_str() && row["current"] == true;
        if !listed.body["sessions"].as_array().is_some_and(|rows| rows.iter().any(is_it)) {
            return Err(differs(step, "a row for it", "a list without it"));
        }
        self.done(step);

        let step = "a logout is acknowledged";
        let gone = self.ask(step, Method::POST, "/logout", Some(&next.refresh), None).await?;
        expect(step, &gone, 204, None)?;
        self.live = None;
        self.done(step);

        self.refused_soon("its access token is refused", &next.access).await?;
        self.refused("its refresh token is refused", Method::POST, "/refresh", Some(&next.refresh), "invalid_token").await
    }

    /// Ends the login of a walk that didn't come so far. Whether it could.
    pub(super) async fn log_out(&mut self) -> bool {
        let Some(token) = self.live.take() else { return true };
        self.api.call(Method::POST, "/logout", Some(&token), None).await.is_ok_and(|answer| answer.status == 204)
    }

    async fn ask(
        &self,
        step: &'static str,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, WalkError> {
        let answer = self.api.call(method, path, token, body).await.map_err(|source| WalkError::NoAnswer { step, source })?;
        if matches!(answer.status, 429 | 500..) { Err(WalkError::Unavailable { step, status: answer.status }) } else { Ok(answer) }
    }

    async fn allowed(&self, step: &'static str, pair: &Pair) -> Result<(), WalkError> {
        let answer = self.ask(step, Method::GET, "/me", Some(&pair.access), None).await?;
        expect(step, &answer, 200, None)?;
        if answer.body["login_id"] != pair.login_id.as_str() {
            return Err(differs(step, "its own login", "another one"));
        }
        self.done(step);
        Ok(())
    }

    async fn refused(&self, step: &'static str, method: Method, path: &str, token: Option<&str>, code: &str) -> Result<(), WalkError> {
        expect(step, &self.ask(step, method, path, token, None).await?, 401, Some(code))?;
        self.done(step);
        Ok(())
    }

    /// At once, or when the gateway has forgotten what the authorizer said.
    async fn refused_soon(&self, step: &'static str, access: &str) -> Result<(), WalkError> {
        let since = Instant::now();
        loop {
            let answer = self.ask(step, Method::GET, "/me", Some(access), None).await?;
            let kept = answer.status == 200;
            if !kept {
                expect(step, &answer, 401, Some("invalid_token"))?;
                self.done(step);
                return Ok(());
            }
            if since.elapsed() >= self.settings.authorizer_ttl {
                return Err(differs(step, "401 invalid_token", "200; if the stage has an AuthorizerResultTtl, pass --authorizer-ttl"));
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    fn pair(&mut self, step: &'static str, answer: &Answer) -> Result<Pair, WalkError> {
        expect(step, answer, 200, None)?;
        let text = |name: &str| answer.body[name].as_str().unwrap_or_default().to_owned();
        let pair = Pair { access: text("access_token"), refresh: text("refresh_token"), login_id: text("login_id") };
        // Before it is judged: whatever it is, it stands for a login.
        self.live = Some(pair.refresh.clone());
        if pair.access.len() != 256 || pair.refresh.len() != 256 || pair.access == pair.refresh {
            return Err(differs(step, "two tokens of 256 characters", "something else"));
        }
        if !answer.no_store {
            return Err(differs(step, "Cache-Control: no-store", "none"));
        }
        Ok(pair)
    }

    fn done(&self, step: &str) {
        let at = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        if self.json {
            println!("{}", json!({"step": step, "ok": true, "at_ms": at}));
        } else {
            println!("ok      {step}");
        }
    }
}

fn expect(step: &'static str, answer: &Answer, status: u16, code: Option<&str>) -> Result<(), WalkError> {
    if answer.status == status && (code.is_none() || answer.code() == code) {
        return Ok(());
    }
    let told = |status: u16, code: Option<&str>| format!("{status} {}", code.unwrap_or_default()).trim_end().to_owned();
    Err(differs(step, told(status, code), told(answer.status, answer.code())))
}

fn differs(step: &'static str, expected: impl Into<String>, came: impl Into<String>) -> WalkError {
    WalkError::Differs { step, expected: expected.into(), came: came.into() }
}

fn no_replay(step: &'static str) -> WalkError {
    differs(step, "200", "401, which has ended the login; if the stage has REPLAY_WINDOW=0, pass --no-replay")
}
