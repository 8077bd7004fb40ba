//! The back office: what a team's own services and support staff do with logins. IAM has authenticated the caller, by a
//! signature that API Gateway verified.
//!
//! IAM admits by method and path, so each permission is a path. User ids and login ids travel in the body, because URLs are
//! logged.

mod attributes;
mod blocks;
mod body;
mod caller;
mod hashes;
mod impersonate;
mod introspect;
mod issue;
mod logins;
mod users;

use std::{convert::Infallible, sync::Arc};

use http::{HeaderValue, Method, StatusCode, header};
use lambda_http::{Body, Request, Response, Service, request::RequestContext, service_fn};
use latchkey::{
    clock::Clock,
    config::AdminConfig,
    entropy::Random,
    http::problem::{Problem, ProblemCode},
    operations::OnFirstUse,
    password::Hashing,
    store::{Accounts, Store},
    telling::log::{Event, Fields, log},
};

use caller::Caller;

/// The service.
pub fn service(
    accounts: Accounts,
    config: AdminConfig,
    first_use: OnFirstUse,
    hashing: Hashing,
    clock: Clock,
    random: Random,
) -> impl Service<Request, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static {
    let office = Arc::new(Office { store: accounts.store().clone(), accounts, config, first_use, clock, hashing, random });
    service_fn(move |request| {
        let office = Arc::clone(&office);
        async move { Ok(office.answer(request).await) }
    })
}

/// What the routes work with.
#[derive(Debug)]
struct Office {
    store: Store,
    accounts: Accounts,
    hashing: Hashing,
    config: AdminConfig,
    first_use: OnFirstUse,
    clock: Clock,
    random: Random,
}

impl Office {
    /// Routes by the gateway's resource, which no base path or stage changes.
    async fn answer(&self, request: Request) -> Response<Body> {
        let fields = Fields::of(request.extensions());
        let Some((caller, resource)) = gateway_context(&request) else {
            log(Event::ContextMissing, fields, None);
            return Problem::from(ProblemCode::Internal).into_response();
        };
        let fields = caller.named_in(fields);
        let answered = match (request.method(), resource) {
            (&Method::POST, "/admin/logins") => issue::issue(self, &request, fields).await,
            (&Method::POST, "/admin/impersonations") => impersonate::impersonate(self, &request, fields).await,
            (&Method::PUT, "/admin/attributes") => attributes::set(self, &request, fields).await,
            (&Method::PATCH, "/admin/logins/attributes") => attributes::change(self, &request, fields).await,
            (&Method::POST, "/admin/blocks") => blocks::block(self, &request, fields).await,
            (&Method::POST, "/admin/blocks/lift") => blocks::lift(self, &request, fields).await,
            (&Method::POST, "/admin/logins/search") => logins::search(self, &request, fields).await,
            (&Method::POST, "/admin/logins/end") => logins::end(self, &request, fields).await,
            (&Method::POST, "/admin/users/end-all") => logins::end_all(self, &request, fields).await,
            (&Method::POST, "/admin/users") => users::create(self, &request, fields).await,
            (&Method::POST, "/admin/users/search") => users::search(self, &request, fields).await,
            (&Method::POST, "/admin/users/show") => users::show(self, &request, fields).await,
            (&Method::PUT, "/admin/users/password") => users::set_password(self, &request, fields).await,
            (&Method::PUT, "/admin/users/status") => users::set_status(self, &request, fields).await,
            (&Method::POST, "/admin/users/remove") => users::remove(self, &request, fields).await,
            (&Method::POST, "/admin/introspect") => introspect::introspect(self, &request, fields).await,
            (&Method::GET, "/admin/hashes/{hash}") => hashes::find(self, &request, fields).await,
            _ => Err(ProblemCode::NotFound.into()),
        };
        answered.unwrap_or_else(Problem::into_response)
    }
}

/// Who calls, and the route. `None` where the API has no IAM authorization: it would admit every caller.
fn gateway_context(request: &Request) -> Option<(Caller<'_>, &str)> {
    let RequestContext::ApiGatewayV1(context) = request.extensions().get::<RequestContext>()? else { return None };
    Some((Caller::of(&context.identity)?, context.resource_path.as_deref()?))
}

/// Records what a caller did, under the user's key: the log has no user ids.
fn record(action: &'static str, fields: Fields<'_>) {
    log(Event::AdminAction, Fields { action: Some(action), ..fields }, None);
}

fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
