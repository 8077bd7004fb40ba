//! `POST /logout`.

use http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Request, Response};
use latchkey::{
    entropy::Random,
    http::{
        problem::{Problem, ProblemCode},
        refuse::store_problem,
    },
    operations::{self, PresentedLogin},
    store::Store,
    telling::log::Fields,
};

/// Ends the login of the presented token. It answers 204 even if the login has already ended.
pub(crate) async fn logout(store: &Store, random: &Random, request: &Request) -> Response<Body> {
    let Some(presented) = request.extensions().get::<PresentedLogin>() else {
        return Problem::from(ProblemCode::Internal).into_response();
    };
    let fields = Fields::of(request.extensions());
    match operations::logout(store, presented, random, fields).await {
        Ok(()) => no_content(),
        Err(error) => store_problem(&error, fields).into_response(),
    }
}

pub(crate) fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
