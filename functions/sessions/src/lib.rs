//! What a user does with sessions beside refreshing them: `GET /me`, `POST /logout`, and the device list.

mod end;
mod gateway_context;
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
    http::{
        middleware::{Authenticate, ByEitherToken},
        problem::{Problem, ProblemCode},
    },
    model::CurrentSession,
    store::Store,
    telling::log::Fields,
    token::ImportedTokens,
};

use gateway_context::ByGatewayContext;

/// The service. `/logout` judges its token by itself; everything else stands behind the authorizer.
pub fn service(
    store: Store,
    imported: ImportedTokens,
    clock: Clock,
) -> impl Service<Request, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static {
    service_fn(move |request: Request| {
        let (store, clock) = (store.clone(), clock.clone());
        async move {
            if (request.method(), resource(&request)) == (&Method::POST, Some("/logout")) {
                let by_token = Authenticate::with(ByEitherToken { store: store.clone(), imported });
                let logout = move |request| logout::logout(store.clone(), request);
                return ServiceBuilder::new().layer(by_token).service_fn(logout).oneshot(request).await;
            }
            let protected = move |request| protected(store.clone(), clock.clone(), request);
            ServiceBuilder::new().layer(Authenticate::with(ByGatewayContext)).service_fn(protected).oneshot(request).await
        }
    })
}

/// Routes by the gateway's resource, which no base path or stage changes.
async fn protected(store: Store, clock: Clock, request: Request) -> Result<Response<Body>, Infallible> {
    let Some(session) = request.extensions().get::<CurrentSession>() else {
        return Ok(Problem::from(ProblemCode::Internal).into_response());
    };
    let fields = Fields::of(request.extensions());
    Ok(match (request.method(), resource(&request)) {
        (&Method::GET, Some("/me")) => me::me(session),
        (&Method::GET, Some("/sessions")) => list::list(&store, &request, session, clock.now(), fields).await,
        (&Method::DELETE, Some("/sessions")) => end::end_all(&store, &request, session, fields).await,
        (&Method::DELETE, Some("/sessions/{login_id}")) => end::end_one(&store, &request, session, fields).await,
        _ => Problem::from(ProblemCode::NotFound).into_response(),
    })
}

fn resource(request: &Request) -> Option<&str> {
    match request.extensions().get::<RequestContext>()? {
        RequestContext::ApiGatewayV1(context) => context.resource_path.as_deref(),
        _ => None,
    }
}
