//! Paths with parameters, as the template writes them: `/pets/{id}`, `/pets/{proxy+}`.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

/// A path of the template. Of two paths that match a request, the more specific one sorts first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pattern(Vec<Segment>);

/// Declared in order of preference. At each place of a path API Gateway prefers a literal to a parameter, and a parameter to a greedy
/// one (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html>).
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Parameter(String),
    Greedy(String),
}

impl Pattern {
    pub(super) fn new(path: &str) -> Self {
        let segments = segments_of(path).into_iter().map(|part| match part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            None => Segment::Literal(part.to_owned()),
            Some(name) => match name.strip_suffix('+') {
                Some(name) => Segment::Greedy(name.to_owned()),
                None => Segment::Parameter(name.to_owned()),
            },
        });
        Self(segments.collect())
    }

    /// The path parameters of `path` (still percent-encoded). `None` if it doesn't match.
    pub(super) fn parameters(&self, path: &str) -> Option<BTreeMap<String, String>> {
        let parts = segments_of(path);
        let mut found = BTreeMap::new();
        for (index, segment) in self.0.iter().enumerate() {
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
        (parts.len() == self.0.len()).then_some(found)
    }
}

fn segments_of(path: &str) -> Vec<&str> {
    path.strip_prefix('/').map_or_else(Vec::new, |rest| rest.split('/').collect())
}

/// API Gateway decodes "URL-encoded request parameters before passing them" on
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html>).
fn decoded(part: &str) -> String {
    percent_decode_str(part).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_one_segment_that_is_not_empty() {
        let parameter = |path| Pattern::new("/pets/{id}").parameters(path).map(|found| found["id"].clone());
        assert_eq!(parameter("/pets/a%20b"), Some("a b".to_owned()));
        for path in ["/pets", "/pets/", "/pets/a/", "/pets/a/b", "/pet/a"] {
            assert_eq!(parameter(path), None, "{path}");
        }
    }
}
