//! Which route of an HTTP API a request takes.

use std::collections::BTreeMap;

use http::Method;

use crate::{
    gateway::{integration::Target, path::Pattern},
    template::{DEFAULT_ROUTE, HttpApi, Template},
};

/// The routes of an API, the most specific first. Unlike a REST API's resources, a path that matches with another method
/// doesn't end the search.
///
/// The order is "full match for a route and method", "match for a route and method with a greedy path variable", "the
/// `$default` route" (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>). Among
/// full matches it is taken to be that of a REST API, and a method by its name before `ANY`.
#[derive(Debug)]
pub(super) struct RouteTable {
    routes: Vec<Route>,
    default: Option<Route>,
}

/// A route, and what answers it.
#[derive(Debug)]
pub(super) struct Route {
    /// `GET /pets/{id}`, `ANY /pets`, `$default`.
    pub(super) key: String,
    method: String,
    pattern: Pattern,
    pub(super) target: Target,
}

/// The route of a request, with the path's parameters.
pub(super) struct Found<'a> {
    pub(super) route: &'a Route,
    pub(super) parameters: BTreeMap<String, String>,
}

impl RouteTable {
    pub(super) fn new(declared: &HttpApi, template: &Template) -> Self {
        let (default, mut routes): (Vec<Route>, Vec<Route>) = declared
            .routes
            .iter()
            .filter_map(|route| Some(Route::new(&route.method, &route.path, Target::of(route, template)?)))
            .partition(|route| route.key == DEFAULT_ROUTE);
        routes.sort_by(|one, other| one.rank().cmp(&other.rank()));
        Self { routes, default: default.into_iter().next() }
    }

    /// The route that a request takes. `path` is still percent-encoded.
    pub(super) fn find(&self, method: &Method, path: &str) -> Option<Found<'_>> {
        let takes = |route: &&Route| route.method == "ANY" || route.method == method.as_str();
        let found = self.routes.iter().filter(takes).find_map(|route| Some(Found { route, parameters: route.pattern.parameters(path)? }));
        found.or_else(|| self.default.as_ref().map(|route| Found { route, parameters: BTreeMap::new() }))
    }
}

impl Route {
    fn new(method: &str, path: &str, target: Target) -> Self {
        let key = if path == DEFAULT_ROUTE { path.to_owned() } else { format!("{method} {path}") };
        Self { key, method: method.to_owned(), pattern: Pattern::new(path), target }
    }

    fn rank(&self) -> (bool, &Pattern, bool) {
        (self.pattern.is_greedy(), &self.pattern, self.method == "ANY")
    }
}
