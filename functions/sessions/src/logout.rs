//! `POST /logout`.

use std::convert::Infallible;

use http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Request, Response};
use latchkey::{
    http::{
        middleware::PresentedLogin,
        problem::{Problem, ProblemCode},
        refuse::store_problem,
    },
    store::Store,
    telling::log::{Event, Fields, log},
};

/// Ends the login of the presented token. It answers 204 even if the login has already ended: either way none of its
/// tokens passes.
pub(crate) async fn logout(store: Store, request: Request) -> Result<Response<Body>, Infallible> {
    let Some(PresentedLogin(presented)) = request.extensions().get::<PresentedLogin>() else {
        return Ok(Problem::from(ProblemCode::Internal).into_response());
    };
    let fields = Fields::of(request.extensions());
    let (key, proof) = match presented {
        Ok(presented) => presented,
        Err(nowhere) => {
            log(nowhere.event(Event::LogoutOfNothing), Fields { reason: Some(&nowhere.to_string()), ..fields }, None);
            return Ok(no_content());
        }
    };
    let fields = Fields { login_id: Some(key.login_id.as_str()), ..fields };
    match store.end_login(key, proof).await {
        Ok(ended) => {
            log(if ended.by_this_call() { Event::LoggedOut } else { Event::LogoutOfNothing }, fields, None);
            if let Err(error) = store.sweep(key, ended).await {
                log(Event::CleanupFailed, fields, Some(&error));
            }
            Ok(no_content())
        }
        Err(error) => Ok(store_problem(&error, fields).into_response()),
    }
}

pub(crate) fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
