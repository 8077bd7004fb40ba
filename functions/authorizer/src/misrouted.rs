//! The answer to a request that was sent to this function itself. A function URL, a load balancer or VPC Lattice can't ask an authorizer; each
//! sends the client's request to its target, and this function is none. A function error would be an empty 502 there.

use latchkey::http::problem::Problem;
use serde::Serialize;

const DETAIL: &str = "This function is an authorizer, and serves no requests. Attach it to an API of API Gateway or AppSync. Behind a function URL, \
    a load balancer or VPC Lattice, a service asks by itself: by introspection, or with the middleware.";

/// An HTTP answer, as all three read it from a function.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Misrouted {
    status_code: u16,
    headers: ContentType<&'static str>,
    /// A load balancer whose target group sends lists wants a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_value_headers: Option<ContentType<[&'static str; 1]>>,
    is_base64_encoded: bool,
    body: String,
}

#[derive(Serialize)]
struct ContentType<V> {
    #[serde(rename = "Content-Type")]
    content_type: V,
}

impl Misrouted {
    pub(crate) fn new(in_lists: bool) -> Self {
        const PROBLEM: &str = "application/problem+json";
        let problem = Problem::internal(DETAIL).into_response::<String>();
        Self {
            status_code: problem.status().as_u16(),
            headers: ContentType { content_type: PROBLEM },
            multi_value_headers: in_lists.then_some(ContentType { content_type: [PROBLEM] }),
            is_base64_encoded: false,
            body: problem.into_body(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn it_says_what_to_do_instead() {
        let answer = serde_json::to_value(Misrouted::new(false)).unwrap();
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!((&answer["statusCode"], &body["status"], &body["code"]), (&json!(500), &json!(500), &json!("internal")));
        assert!(body["detail"].as_str().unwrap().contains("introspection"));
        assert_eq!(answer["headers"], json!({"Content-Type": "application/problem+json"}));
        assert!(answer.get("multiValueHeaders").is_none());
        let lists = serde_json::to_value(Misrouted::new(true)).unwrap();
        assert_eq!(lists["multiValueHeaders"], json!({"Content-Type": ["application/problem+json"]}));
    }
}
