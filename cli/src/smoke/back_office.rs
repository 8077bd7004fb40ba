//! The steps of the walk in the back office: one login is issued, asked about, and ended.

use http::Method;
use serde_json::json;

use super::{
    api::{Answer, NoAnswer},
    office::{Body, Office},
    walk::{Walk, WalkError, differs, expect, judged},
};

impl Walk<'_> {
    /// Issues a login for `user_id`, introspects its tokens, and ends it.
    pub(super) async fn back_office(&mut self, office: &Office, user_id: &str) -> Result<(), WalkError> {
        let step = "the back office refuses a request without a signature";
        let body = || Body::Json(json!({"user_id": user_id}));
        expect(step, &asked(step, office.post_unsigned("/admin/logins/search", body()).await)?, 403, None)?;
        self.done(step);

        let step = "the back office issues a login";
        let login = Body::Json(json!({"user_id": user_id, "device": "latchkey smoke"}));
        let key = format!("smoke-{}", uuid::Uuid::new_v4().simple());
        let pair = self.pair(step, &asked(step, office.post("/admin/logins", login, Some(&key)).await)?)?;
        self.done(step);
        self.allowed("its access token passes", &pair).await?;

        let token = |token: &str| Body::Form("token", token.to_owned());
        let step = "introspection calls its access token active";
        let answer = asked(step, office.post("/admin/introspect", token(&pair.access), None).await)?;
        expect(step, &answer, 200, None)?;
        if answer.body["active"] != true || answer.body["sid"] != pair.login_id.as_str() || answer.body["sub"] != user_id {
            return Err(differs(step, "an active token of its login and user", "something else"));
        }
        self.done(step);
        self.inactive(office, "introspection calls its refresh token inactive", token(&pair.refresh)).await?;

        let step = "the back office ends the login";
        let end = Body::Json(json!({"user_id": user_id, "login_id": pair.login_id}));
        expect(step, &asked(step, office.post("/admin/logins/end", end, None).await)?, 204, None)?;
        self.ended(&pair.login_id);
        self.done(step);
        self.inactive(office, "introspection calls the ended login's token inactive", token(&pair.access)).await?;
        self.refused_soon("the ended login's access token is refused", &pair.access).await?;
        self.refused("the ended login's refresh token is refused", Method::POST, "/refresh", Some(&pair.refresh), "invalid_token").await
    }

    async fn inactive(&self, office: &Office, step: &'static str, token: Body) -> Result<(), WalkError> {
        let answer = asked(step, office.post("/admin/introspect", token, None).await)?;
        expect(step, &answer, 200, None)?;
        if answer.body != json!({"active": false}) {
            return Err(differs(step, "{\"active\":false}", "something else"));
        }
        self.done(step);
        Ok(())
    }
}

/// The answer. A 403 without a code is API Gateway's: the signature or the caller's rights are wrong.
fn asked(step: &'static str, answer: Result<Answer, NoAnswer>) -> Result<Answer, WalkError> {
    let answer = judged(step, answer)?;
    let signed = !step.ends_with("without a signature");
    if signed && answer.status == 403 && answer.code().is_none() {
        let hint = "403; the role must be in AdminCallers, and its own policy must allow the path (docs/back-office.md)";
        return Err(differs(step, "an answer of the back office", hint));
    }
    Ok(answer)
}
