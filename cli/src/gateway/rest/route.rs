//! The resource that a path of a REST API matches, and the functions of its methods.

use std::collections::BTreeMap;

use crate::{
    gateway::{integration::Target, path::Pattern},
    template::{Route, Template},
};

/// The resources of an API, the most specific first.
#[derive(Debug)]
pub(super) struct RouteTable(Vec<Resource>);

/// A path of the API and its methods.
#[derive(Debug)]
pub(super) struct Resource {
    /// As the template writes it: `/sessions/{login_id}`.
    pub(super) path: String,
    pattern: Pattern,
    methods: BTreeMap<String, Target>,
}

impl RouteTable {
    /// Of `routes`, whose functions are in `template`.
    pub(super) fn new(routes: &[Route], template: &Template) -> Self {
        let mut resources: BTreeMap<&str, Resource> = BTreeMap::new();
        for route in routes {
            let Some(target) = Target::of(route, template) else { continue };
            let resource = resources.entry(&route.path).or_insert_with(|| Resource::new(&route.path));
            resource.methods.insert(route.method.clone(), target);
        }
        Self::of(resources.into_values())
    }

    fn of(resources: impl Iterator<Item = Resource>) -> Self {
        let mut resources: Vec<Resource> = resources.collect();
        resources.sort_by(|one, other| one.pattern.cmp(&other.pattern));
        Self(resources)
    }

    /// Whether some resource has the same first segment as `path`.
    pub(super) fn has_root_of(&self, path: &str) -> bool {
        let root = |path: &str| path.split('/').nth(1).map(str::to_owned);
        self.0.iter().any(|resource| root(&resource.path) == root(path))
    }

    /// The resource that `path` (still percent-encoded, any trailing slash ignored) belongs to, and its path parameters.
    pub(super) fn find(&self, path: &str) -> Option<(&Resource, BTreeMap<String, String>)> {
        let path = path.trim_end_matches('/');
        self.0.iter().find_map(|resource| Some((resource, resource.pattern.parameters(path)?)))
    }
}

impl Resource {
    fn new(path: &str) -> Self {
        Self { path: path.to_owned(), pattern: Pattern::new(path.trim_end_matches('/')), methods: BTreeMap::new() }
    }

    /// The function that answers `method`, by its name or as `ANY`.
    pub(super) fn target(&self, method: &str) -> Option<&Target> {
        self.own_target(method).or_else(|| self.methods.get("ANY"))
    }

    /// The function that answers `method` by its name.
    pub(super) fn own_target(&self, method: &str) -> Option<&Target> {
        self.methods.get(method)
    }

    pub(super) fn methods(&self) -> impl Iterator<Item = &str> {
        self.methods.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(paths: &[&str]) -> RouteTable {
        RouteTable::of(paths.iter().map(|path| Resource::new(path)))
    }

    #[test]
    fn paths_find_their_resource() {
        let table = table(&["/{proxy+}", "/sessions/{login_id}", "/sessions", "/sessions/me", "/"]);
        let cases = [
            ("/", "/", json!({})),
            ("", "/", json!({})),
            ("/sessions", "/sessions", json!({})),
            ("/sessions/", "/sessions", json!({})),
            ("/sessions/abc", "/sessions/{login_id}", json!({"login_id": "abc"})),
            ("/sessions/a%2Fb%20c", "/sessions/{login_id}", json!({"login_id": "a/b c"})),
            ("/sessions/me", "/sessions/me", json!({})),
            ("/sessions/a/b", "/{proxy+}", json!({"proxy": "sessions/a/b"})),
            ("/Sessions", "/{proxy+}", json!({"proxy": "Sessions"})),
        ];
        for (path, expected, parameters) in cases {
            let (resource, found) = table.find(path).unwrap();
            assert_eq!((resource.path.as_str(), json!(found)), (expected, parameters), "{path}");
        }
    }

    #[test]
    fn nothing_matches_half() {
        let table = table(&["/sessions/{login_id}", "/me"]);
        for path in ["/", "/sessions", "/sessions//", "/sessions/a/b", "/me/x", "/ME", "//me", "/sessions//x"] {
            assert!(table.find(path).is_none(), "{path}");
        }
    }
}
