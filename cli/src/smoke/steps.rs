//! The walk: each step, and what it must get.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::walk::{Credentials, Pair, Walk, WalkError, differs, expect};

impl Walk<'_> {
    /// All steps. At most two logins are alive at a time.
    pub(super) async fn go(&mut self, who: &Credentials) -> Result<(), WalkError> {
        let first = self.log_in("a login gives a pair", who).await?;
        self.refusals(who, &first).await?;
        let mut newest = self.rotation(&first).await?;
        if !self.settings.single_session {
            self.second_login(who, &newest).await?;
        }
        if self.settings.replay {
            newest = self.superseded(&first, &newest).await?;
        }
        if let Some(wait) = self.settings.reuse_after {
            self.reuse(who, wait, &first, &newest).await?;
        } else {
            self.logout(&newest, &newest.refresh).await?;
        }
        match self.office.take() {
            Some(office) => self.back_office(&office, &first.user_id).await,
            None => Ok(()),
        }
    }

    async fn log_in(&mut self, step: &'static str, who: &Credentials) -> Result<Pair, WalkError> {
        let body = json!({"username": who.username, "password": who.password, "device": "latchkey smoke"});
        let answer = self.ask(step, Method::POST, "/login", None, Some(&body)).await?;
        let pair = self.pair(step, &answer)?;
        self.done(step);
        Ok(pair)
    }

    async fn refusals(&self, who: &Credentials, pair: &Pair) -> Result<(), WalkError> {
        self.allowed("the access token passes", pair).await?;
        let (me, refresh) = ("/me", "/refresh");
        self.refused("without a token nothing passes", Method::GET, me, None, "missing_token").await?;
        self.refused("without a token nothing is refreshed", Method::POST, refresh, None, "missing_token").await?;
        self.refused("a refresh token is no access token", Method::GET, me, Some(&pair.refresh), "invalid_token").await?;
        let step = "a malformed token is refused by the gateway";
        // Without the authorizer: like API Gateway, the local one answers as if there were no token.
        expect(step, &self.ask(step, Method::GET, me, Some("lka_short"), None).await?, 401, None)?;
        self.done(step);
        self.refused("a malformed token is refused by a function", Method::POST, refresh, Some("lkr_short"), "invalid_token").await?;
        let changed = changed(&pair.access);
        self.refused("a token with one character changed is refused", Method::GET, me, Some(&changed), "invalid_token").await?;

        let step = "a wrong password is refused";
        let body = json!({"username": who.username, "password": "not-the-password-of-this-user"});
        expect(step, &self.ask(step, Method::POST, "/login", None, Some(&body)).await?, 401, Some("invalid_credentials"))?;
        self.done(step);
        Ok(())
    }

    /// Refreshes `first`. Returns the next pair.
    async fn rotation(&mut self, first: &Pair) -> Result<Pair, WalkError> {
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
            expect(step, &replayed, 200, None)
                .map_err(|error| if matches!(replayed.status, 401 | 409) { no_replay(step) } else { error })?;
            if replayed.body != rotated.body {
                return Err(differs(step, "the same pair", "another one"));
            }
            self.done(step);
            self.allowed("the repeated refresh ended nothing", &next).await?;
        }

        let step = "the login is in the list, marked as the current one";
        let listed = self.ask(step, Method::GET, "/sessions", Some(&next.access), None).await?;
        expect(step, &listed, 200, None)?;
        let is_it = |row: &Value| row["login_id"] == next.login_id.as_str() && row["current"] == true;
        if !listed.body["sessions"].as_array().is_some_and(|rows| rows.iter().any(is_it)) {
            return Err(differs(step, "a row for it", "a list without it"));
        }
        self.done(step);
        Ok(next)
    }

    /// A second login begins and ends, and the first stays.
    async fn second_login(&mut self, who: &Credentials, first: &Pair) -> Result<(), WalkError> {
        let step = "a second login is another session";
        let second = self.log_in(step, who).await?;
        if second.login_id == first.login_id {
            return Err(differs(step, "another login id", "the same one"));
        }
        let step = "the first login is still alive";
        let hint = "401; if the stage has MAX_SESSIONS_PER_USER=1, pass --single-session";
        self.allowed(step, first).await.map_err(|error| match error {
            WalkError::Differs { came, .. } if came.starts_with("401") => differs(step, "200", hint),
            error => error,
        })?;
        self.logout(&second, &second.access).await?;
        self.allowed("no other login is ended", first).await
    }

    /// `token` of `pair` ends the login, and nothing else of it passes.
    async fn logout(&mut self, pair: &Pair, token: &str) -> Result<(), WalkError> {
        let step = "a logout is acknowledged";
        let answer = self.ask(step, Method::POST, "/logout", Some(token), None).await?;
        expect(step, &answer, 204, None)?;
        self.ended(&pair.login_id);
        self.done(step);
        self.refused_soon("its access token is refused", &pair.access).await?;
        self.refused("its refresh token is refused", Method::POST, "/refresh", Some(&pair.refresh), "invalid_token").await
    }

    /// `first` was refreshed to `next`. A refresh of `next` makes `first` two behind: too old for the same answer, and too
    /// young to be called stolen. Returns the newest pair.
    async fn superseded(&mut self, first: &Pair, next: &Pair) -> Result<Pair, WalkError> {
        let step = "the next refresh gives a third pair";
        let answer = self.ask(step, Method::POST, "/refresh", Some(&next.refresh), None).await?;
        let newest = self.pair(step, &answer)?;
        self.done(step);

        let step = "the first refresh token is superseded";
        expect(step, &self.ask(step, Method::POST, "/refresh", Some(&first.refresh), None).await?, 409, Some("superseded"))?;
        self.done(step);
        self.allowed("that ended nothing", &newest).await?;
        Ok(newest)
    }

    /// After the replay window the first refresh token ends its login, and no other.
    async fn reuse(&mut self, who: &Credentials, wait: Duration, first: &Pair, newest: &Pair) -> Result<(), WalkError> {
        let other = if self.settings.single_session { None } else { Some(self.log_in("another login begins", who).await?) };
        eprintln!("waiting {} s for the replay window to pass", wait.as_secs());
        tokio::time::sleep(wait).await;

        let step = "a refresh token that is reused after its window is refused";
        let reused = self.ask(step, Method::POST, "/refresh", Some(&first.refresh), None).await?;
        let hint = || differs(step, "401 invalid_token", "409 superseded; --reuse-after must be longer than REPLAY_WINDOW by 5 s");
        expect(step, &reused, 401, Some("invalid_token")).map_err(|error| if reused.status == 409 { hint() } else { error })?;
        self.ended(&first.login_id);
        self.done(step);
        self.refused_soon("its login is ended: the newest access token is refused", &newest.access).await?;
        let step = "its login is ended: the newest refresh token is refused";
        self.refused(step, Method::POST, "/refresh", Some(&newest.refresh), "invalid_token").await?;

        let Some(other) = other else { return Ok(()) };
        self.allowed("the other login lives on", &other).await?;
        self.logout(&other, &other.refresh).await
    }
}

/// `token` with another character in its middle.
fn changed(token: &str) -> String {
    let other = |character| if character == 'A' { 'B' } else { 'A' };
    token.chars().enumerate().map(|(index, character)| if index == 100 { other(character) } else { character }).collect()
}

fn no_replay(step: &'static str) -> WalkError {
    differs(step, "200", "401 or 409; if the stage has REPLAY_WINDOW=0, pass --no-replay")
}
