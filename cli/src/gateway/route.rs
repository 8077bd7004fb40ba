//! Which resource a path belongs to, and which function answers a method of it.

use std::{cmp::Ordering, collections::BTreeMap, time::Duration};

use percent_encoding::percent_decode_str;

use crate::template::Template;

/// The resources of an API, the most specific first.
#[derive(Debug)]
pub(super) struct RouteTable(Vec<Resource>);

/// A path of the API and its methods.
#[derive(Debug)]
pub(super) struct Resource {
    /// As the template has it: `/sessions/{login_id}`.
    pub(super) path: String,
    segments: Vec<Segment>,
    methods: BTreeMap<String, Target>,
}

/// What answers a method.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// The name of the function's binary.
    pub(super) binary: String,
    /// How long it may run.
    pub(super) timeout: Duration,
    /// Whether the authorizer is asked first.
    pub(super) authorized: bool,
}

/// Declared in order of preference: at each place of a path API Gateway takes the literal before the parameter and that
/// before the greedy one (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html>).
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Parameter(String),
    Greedy(String),
}

impl RouteTable {
    pub(super) fn new(template: &Template) -> Self {
        let mut resources: BTreeMap<&str, Resource> = BTreeMap::new();
        for route in &template.routes {
            let Some(function) = template.function(&route.function) else { continue };
            let resource = resources.entry(&route.path).or_insert_with(|| Resource::new(&route.path));
            let target = Target { binary: function.binary.clone(), timeout: function.timeout, authorized: route.authorized };
            resource.methods.insert(route.method.clone(), target);
        }
        let mut resources: Vec<Resource> = resources.into_values().collect();
        resources.sort_by(|one, other| by_preference(&one.segments, &other.segments));
        Self(resources)
    }

    /// The resource that `path` (still percent-encoded, any trailing slash ignored) belongs to, and its path parameters.
    pub(super) fn find(&self, path: &str) -> Option<(&Resource, BTreeMap<String, String>)> {
        let parts = segments_of(path);
        self.0.iter().find_map(|resource| Some((resource, resource.parameters(&parts)?)))
    }
}

impl Resource {
    fn new(path: &str) -> Self {
        let segments = segments_of(path).into_iter().map(|part| match part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            None => Segment::Literal(part.to_owned()),
            Some(name) => match name.strip_suffix('+') {
                Some(name) => Segment::Greedy(name.to_owned()),
                None => Segment::Parameter(name.to_owned()),
            },
        });
        Self { path: path.to_owned(), segments: segments.collect(), methods: BTreeMap::new() }
    }

    /// What answers `method`, by its name or as `ANY`.
    pub(super) fn target(&self, method: &str) -> Option<&Target> {
        self.own_target(method).or_else(|| self.methods.get("ANY"))
    }

    /// What answers `method` by its name.
    pub(super) fn own_target(&self, method: &str) -> Option<&Target> {
        self.methods.get(method)
    }

    pub(super) fn methods(&self) -> impl Iterator<Item = &str> {
        self.methods.keys().map(String::as_str)
    }

    fn parameters(&self, parts: &[&str]) -> Option<BTreeMap<String, String>> {
        let mut found = BTreeMap::new();
        for (index, segment) in self.segments.iter().enumerate() {
            let part = *parts.get(index)?;
            match segment {
                Segment::Literal(literal) if literal == part => {}
                Segment::Parameter(name) if !part.is_empty() => {
                    found.insert(name.clone(), decoded(part));
                }
                Segment::Greedy(name) => {
                    found.insert(name.clone(), decoded(&parts.get(index..)?.join("/")));
                    return Some(found);
                }
                Segment::Literal(_) | Segment::Parameter(_) => return None,
            }
        }
        (parts.len() == self.segments.len()).then_some(found)
    }
}

fn by_preference(one: &[Segment], other: &[Segment]) -> Ordering {
    one.cmp(other)
}

fn segments_of(path: &str) -> Vec<&str> {
    let path = path.trim_end_matches('/');
    path.strip_prefix('/').map_or_else(Vec::new, |rest| rest.split('/').collect())
}

/// "REST APIs decode URL-encoded request parameters before passing them to backend integrations"
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html>).
fn decoded(part: &str) -> String {
    percent_decode_str(part).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(paths: &[&str]) -> RouteTable {
        let mut resources: Vec<Resource> = paths.iter().map(|path| Resource::new(path)).collect();
        resources.sort_by(|one, other| by_preference(&one.segments, &other.segments));
        RouteTable(resources)
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
