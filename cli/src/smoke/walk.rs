//! What a step of the walk can ask of the stage, and how its answer is judged.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use http::Method;
use serde_json::{Value, json};

use super::{
    api::{Answer, Api, NoAnswer},
    office::Office,
};
use crate::output::say_if_heard;

/// The user that the walk logs in as.
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) password: String,
}

/// What isn't the same on every stage.
pub(super) struct Settings {
    /// How long an ended token may still pass.
    pub(super) authorizer_ttl: Duration,
    /// Whether a repeated refresh gets the same pair.
    pub(super) replay: bool,
    /// Whether a user may have only one login at a time.
    pub(super) single_session: bool,
    /// How long to wait before a token is reused; `None` to leave that out.
    pub(super) reuse_after: Option<Duration>,
}

/// The step that went wrong.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The stage doesn't answer.
    #[error("{step}: the stage doesn't answer: {source}; check the URL")]
    NoAnswer { step: &'static str, source: NoAnswer },
    /// The stage is away for a while.
    #[error("{step}: the stage answers {status}; try again in a moment")]
    Unavailable {
        step: &'static str,
        /// 429 or 5xx.
        status: u16,
    },
    /// Another answer than promised. Without what else was in it: it may be a token.
    #[error("{step}: expected {expected}, came {came}")]
    Differs { step: &'static str, expected: String, came: String },
}

/// A walk through a stage, as far as it got.
pub(super) struct Walk<'a> {
    api: &'a Api,
    /// The back office, where the walk goes there too.
    pub(super) office: Option<Office>,
    pub(super) settings: Settings,
    json: bool,
    begun: Instant,
    /// A token of each login that the walk still has to end, by login id.
    live: BTreeMap<String, String>,
}

pub(super) struct Pair {
    pub(super) access: String,
    pub(super) refresh: String,
    pub(super) login_id: String,
    pub(super) user_id: String,
}

impl<'a> Walk<'a> {
    pub(super) fn new(api: &'a Api, office: Option<Office>, settings: Settings, json: bool) -> Self {
        Self { api, office, settings, json, begun: Instant::now(), live: BTreeMap::new() }
    }

    /// Ends the logins that the walk left alive. Whether it could.
    pub(super) async fn log_out(&mut self) -> bool {
        let mut all_ended = true;
        for token in std::mem::take(&mut self.live).into_values() {
            let answer = self.api.call(Method::POST, "/logout", Some(&token), None).await;
            all_ended &= answer.is_ok_and(|answer| answer.status == 204);
        }
        all_ended
    }

    pub(super) async fn ask(
        &self,
        step: &'static str,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, WalkError> {
        judged(step, self.api.call(method, path, token, body).await)
    }

    pub(super) async fn allowed(&self, step: &'static str, pair: &Pair) -> Result<(), WalkError> {
        let answer = self.ask(step, Method::GET, "/me", Some(&pair.access), None).await?;
        expect(step, &answer, 200, None)?;
        if answer.body["login_id"] != pair.login_id.as_str() {
            return Err(differs(step, "its own login", "another one"));
        }
        self.done(step);
        Ok(())
    }

    /// 401 with `code`.
    pub(super) async fn refused(
        &self,
        step: &'static str,
        method: Method,
        path: &str,
        token: Option<&str>,
        code: &str,
    ) -> Result<(), WalkError> {
        expect(step, &self.ask(step, method, path, token, None).await?, 401, Some(code))?;
        self.done(step);
        Ok(())
    }

    /// 401 at once, or once API Gateway no longer caches the authorizer's answer.
    pub(super) async fn refused_soon(&self, step: &'static str, access: &str) -> Result<(), WalkError> {
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

    /// The pair in `answer`. Its login is ended after the walk, even if the pair is not as it should be.
    pub(super) fn pair(&mut self, step: &'static str, answer: &Answer) -> Result<Pair, WalkError> {
        expect(step, answer, 200, None)?;
        let text = |name: &str| answer.body[name].as_str().unwrap_or_default().to_owned();
        let pair =
            Pair { access: text("access_token"), refresh: text("refresh_token"), login_id: text("login_id"), user_id: text("user_id") };
        self.live.insert(pair.login_id.clone(), pair.refresh.clone());
        let is_token = |token: &str, prefix: &str| token.len() == 256 && token.starts_with(prefix);
        if !is_token(&pair.access, "lka_") || !is_token(&pair.refresh, "lkr_") {
            return Err(differs(step, "tokens of 256 characters that begin with lka_ and lkr_", "something else"));
        }
        if !answer.no_store {
            return Err(differs(step, "Cache-Control: no-store", "none"));
        }
        Ok(pair)
    }

    /// `login_id` has been ended, and the walk need not end it.
    pub(super) fn ended(&mut self, login_id: &str) {
        self.live.remove(login_id);
    }

    pub(super) fn done(&self, step: &str) {
        let at = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        if self.json {
            say_if_heard!("{}", json!({"step": step, "ok": true, "at_ms": at}));
        } else {
            say_if_heard!("ok      {step}");
        }
    }
}

/// The answer, unless there is none or the stage is away for a while.
pub(super) fn judged(step: &'static str, answer: Result<Answer, NoAnswer>) -> Result<Answer, WalkError> {
    let answer = answer.map_err(|source| WalkError::NoAnswer { step, source })?;
    if matches!(answer.status, 429 | 500..) { Err(WalkError::Unavailable { step, status: answer.status }) } else { Ok(answer) }
}

pub(super) fn expect(step: &'static str, answer: &Answer, status: u16, code: Option<&str>) -> Result<(), WalkError> {
    if answer.status == status && (code.is_none() || answer.code() == code) {
        return Ok(());
    }
    let spelled = |status: u16, code: Option<&str>| format!("{status} {}", code.unwrap_or_default()).trim_end().to_owned();
    Err(differs(step, spelled(status, code), spelled(answer.status, answer.code())))
}

pub(super) fn differs(step: &'static str, expected: impl Into<String>, came: impl Into<String>) -> WalkError {
    WalkError::Differs { step, expected: expected.into(), came: came.into() }
}
