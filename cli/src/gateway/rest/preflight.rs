//! CORS preflight: the `OPTIONS` method with a `MOCK` integration that SAM puts on every path of an API with `Cors`.

use std::collections::BTreeSet;

use axum::{body::Body, response::Response};
use http::{HeaderName, HeaderValue, header};

use super::route::Resource;
use crate::template::Cors;

/// The answer that SAM's mock integration gives.
pub(super) fn preflight(cors: &Cors, resource: &Resource) -> Response {
    let methods = cors.allow_methods.clone().unwrap_or_else(|| methods_of(resource));
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, cors.allow_origin.as_deref()),
        (header::ACCESS_CONTROL_ALLOW_METHODS, Some(methods.as_str())),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, cors.allow_headers.as_deref()),
        (header::ACCESS_CONTROL_MAX_AGE, cors.max_age.as_deref()),
        (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, cors.allow_credentials.then_some("true")),
        (header::CONTENT_TYPE, Some("application/json")),
    ];
    let mut response = Response::new(Body::from("{}\n"));
    response.headers_mut().extend(headers.into_iter().filter_map(written));
    response
}

fn written((name, value): (HeaderName, Option<&str>)) -> Option<(HeaderName, HeaderValue)> {
    Some((name, HeaderValue::from_str(value?).ok()?))
}

/// SAM's default for `AllowMethods`: the path's methods and `OPTIONS`, sorted.
fn methods_of(resource: &Resource) -> String {
    const ANY: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
    let methods: BTreeSet<&str> = if resource.methods().any(|method| method == "ANY") {
        BTreeSet::from(ANY)
    } else {
        resource.methods().chain(["OPTIONS"]).collect()
    };
    methods.into_iter().collect::<Vec<_>>().join(",")
}
