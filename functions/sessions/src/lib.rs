//! What a user does with sessions beside refreshing them: `GET /me`, `POST /logout`, and the device list.

mod end;
mod list;
mod logout;
mod me;

use std::convert::Infallible;

use http::Method;
use lambda_http::{
    Body, Request, Response, Service,
    request::RequestContext,
    service_fn,
    tower::{ServiceBuilder, ServiceExt as _},
};
use latchkey::{
    clock::Clock,
    entropy::Random,
    http::{
        gateway_context::ByGatewayContext,
        middleware::{Authenticate, ByEitherToken},
        problem::{Problem, ProblemCode},
    },
    model::CurrentSession,
    store::Store,
    telling::log::Fields,
    token::ImportedTokens,
};

/// The service. `/logout` checks its token itself; the authorizer guards every other route.
pub fn service(
    store: Store,
    imported: ImportedTokens,
    clock: Clock,
    random: Random,
) -> impl Service<Request, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static {
    let by_token = Authenticate::with(ByEitherToken { store: store.clone(), imported });
    let by_context = Authenticate::with(ByGatewayContext);
    let handler = Handler { store, clock, random };
    let logout = {
        let handler = handler.clone();
        ServiceBuilder::new().layer(by_token).service_fn(move |request| handler.clone().logout(request))
    };
    let protected = ServiceBuilder::new().layer(by_context).service_fn(move |request| handler.clone().protected(request));
    service_fn(move |request: Request| {
        let (logout, protected) = (logout.clone(), protected.clone());
        async move {
            if (request.method(), resource(&request)) == (&Method::POST, Some("/logout")) {
                logout.oneshot(request).await
            } else {
                protected.oneshot(request).await
            }
        }
    })
}

#[derive(Debug, Clone)]
struct Handler {
    store: Store,
    clock: Clock,
    random: Random,
}

impl Handler {
    async fn logout(self, request: Request) -> Result<Response<Body>, Infallible> {
        Ok(logout::logout(&self.store, &self.random, &request).await)
    }

    /// Routes by the gateway's resource, which no base path or stage changes.
    async fn protected(self, request: Request) -> Result<Response<Body>, Infallible> {
        let Self { store, clock, random } = &self;
        let Some(session) = request.extensions().get::<CurrentSession>() else {
            return Ok(Problem::from(ProblemCode::Internal).into_response());
        };
        let fields = Fields::of(request.extensions());
        Ok(match (request.method(), resource(&request)) {
            (&Method::GET, Some("/me")) => me::me(session),
            (&Method::GET, Some("/sessions")) => list::list(store, &request, session, clock.now(), fields).await,
            // Who acts as a user may not keep the user out.
            (&Method::DELETE, _) if session.attributes.act().is_some() => Problem::from(ProblemCode::Impersonation).into_response(),
            (&Method::DELETE, Some("/sessions")) => end::end_all(store, random, &request, session, fields).await,
            (&Method::DELETE, Some("/sessions/{login_id}")) => end::end_one(store, random, &request, session, fields).await,
            _ => Problem::from(ProblemCode::NotFound).into_response(),
        })
    }
}

fn resource(request: &Request) -> Option<&str> {
    match request.extensions().get::<RequestContext>()? {
        RequestContext::ApiGatewayV1(context) => context.resource_path.as_deref(),
        _ => None,
    }
}
