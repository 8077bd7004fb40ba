//! A team's own function behind Latchkey's authorizer. It sees no token and reads no table. API Gateway puts the
//! authorizer's result into the event, and the function reads the user from there.

use std::collections::HashMap;

use lambda_http::{
    Body, Error, Request, RequestExt as _, Response,
    http::{StatusCode, header},
    request::RequestContext,
};
use serde_json::{Value, json};

/// Answers a request of either kind of API.
///
/// # Errors
/// If the response can't be built. No client can cause that.
pub async fn handle(request: Request) -> Result<Response<Body>, Error> {
    // The one route without an authorizer (`Authorizer: NONE` in the templates).
    if request.raw_http_path() == "/health" {
        return answer(StatusCode::OK, &json!({"status": "ok"}));
    }
    match Caller::of(&request) {
        Some(caller) => answer(StatusCode::OK, &json!({"hello": caller.user_id, "login_id": caller.login_id})),
        // This route is deployed without its authorizer. The client didn't cause that, so the answer is not 401.
        None => answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({"message": "This route has no authorizer"})),
    }
}

/// The caller, as the authorizer identified it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller<'a> {
    pub user_id: &'a str,
    /// The login: the same on one device until the user logs out.
    pub login_id: &'a str,
}

impl<'a> Caller<'a> {
    /// Reads only the authorizer's context. Any client can send a header such as `x-user-id`.
    #[must_use]
    pub fn of(request: &'a Request) -> Option<Self> {
        let context: &HashMap<String, Value> = match request.request_context_ref()? {
            RequestContext::ApiGatewayV1(rest) => &rest.authorizer.fields, // requestContext.authorizer
            RequestContext::ApiGatewayV2(http) => &http.authorizer.as_ref()?.fields, // requestContext.authorizer.lambda
            _ => return None,
        };
        let text = |name: &str| context.get(name)?.as_str();
        Some(Self { user_id: text("user_id")?, login_id: text("login_id")? })
    }
}

fn answer(status: StatusCode, body: &Value) -> Result<Response<Body>, Error> {
    let response = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
    Ok(response.body(Body::from(body.to_string()))?)
}
