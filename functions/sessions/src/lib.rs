//! What a user does with a session beside refreshing it: `GET /me` and `POST /logout`.

mod gateway_context;
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
    middleware::{Authenticate, ByEitherToken},
    problem::{Problem, ProblemCode},
    store::Store,
};

use gateway_context::ByGatewayContext;

/// The service: routes by the gateway's resource, which no base path or stage changes.
pub fn service(
    store: Store,
) -> impl Service<Request, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static {
    service_fn(move |request: Request| {
        let store = store.clone();
        async move {
            match (request.method(), resource(&request)) {
                (&Method::GET, Some("/me")) => {
                    ServiceBuilder::new().layer(Authenticate::with(ByGatewayContext)).service_fn(me::me).oneshot(request).await
                }
                (&Method::POST, Some("/logout")) => {
                    let logout = move |request| logout::logout(store.clone(), request);
                    ServiceBuilder::new().layer(Authenticate::with(ByEitherToken)).service_fn(logout).oneshot(request).await
                }
                _ => Ok(Problem::from(ProblemCode::NotFound).into_response()),
            }
        }
    })
}

fn resource(request: &Request) -> Option<&str> {
    match request.extensions().get::<RequestContext>()? {
        RequestContext::ApiGatewayV1(context) => context.resource_path.as_deref(),
        _ => None,
    }
}
