use serde_json::{Value, json};

use super::*;
use crate::{entropy::NoEntropy, http::bearer::presented, operations::Presented};

/// Answers with what it saw of the request.
#[derive(Clone)]
struct Echo;

impl Service<Request> for Echo {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), Infallible>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let credentials = match presented(request.headers()) {
            Presented::Nothing => "nothing",
            Presented::Unusable => "unusable",
            Presented::Token(_) => "token",
        };
        let source = request.extensions().get::<Source>().cloned().unwrap_or_default();
        let id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
        let urls =
            request.extensions().get::<RequestUrls>().map(|urls| urls.0.iter().map(|url| url.as_str().to_owned()).collect::<Vec<_>>());
        let body = json!({"urls": urls, "credentials": credentials, "ip": source.ip, "id": id, "bytes": request.body().len()});
        std::future::ready(Ok(Response::new(Body::from(body.to_string()))))
    }
}

fn event(with: &Value) -> Value {
    let mut event = json!({
        "httpMethod": "POST", "path": "/refresh", "resource": "/refresh",
        "headers": {"Host": "api"}, "multiValueHeaders": {"Host": ["api"]},
        "requestContext": {"requestId": "id-1", "stage": "dev", "httpMethod": "POST", "identity": {"sourceIp": "192.0.2.1"}},
        "body": null, "isBase64Encoded": false,
    });
    for (name, value) in with.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

async fn call(event: Value) -> (i64, Value) {
    let payload: GatewayEvent = serde_json::from_str(&event.to_string()).unwrap();
    let response = Front::new(Echo, Some("https://app.example"), Limits::PRODUCTION, Random::system())
        .call(LambdaEvent::new(payload, Default::default()))
        .await
        .unwrap();
    assert_eq!(response.headers["access-control-allow-origin"], "https://app.example");
    let Some(Body::Text(body)) = response.body else { panic!("no text") };
    (response.status_code, serde_json::from_str(&body).unwrap())
}

#[tokio::test]
async fn the_source_and_the_id_come_from_the_gateway() {
    let (status, seen) = call(event(&json!({"headers": {"X-Forwarded-For": "198.51.100.7"}}))).await;
    assert_eq!((status, &seen["ip"], &seen["id"]), (200, &json!("192.0.2.1"), &json!("id-1")));
}

/// The URL that a DPoP proof names. Neither Host nor a forwarded header has a part in it.
#[tokio::test]
async fn the_url_comes_from_the_gateway() {
    let seen = |domain: Value, path: Value| async {
        let mut event = event(&json!({"headers": {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}}));
        event["requestContext"]["domainName"] = domain;
        event["requestContext"]["path"] = path;
        call(event).await.1["urls"].clone()
    };
    assert_eq!(seen(json!("API.example.com"), json!("/v1/refresh")).await, json!(["https://api.example.com/v1/refresh"]));
    assert_eq!(
        seen(json!("id.execute-api.eu-central-1.amazonaws.com"), json!("/live/refresh")).await,
        json!(["https://id.execute-api.eu-central-1.amazonaws.com/live/refresh"])
    );
    for (domain, path) in [(json!(null), json!("/refresh")), (json!("a.example"), json!(null)), (json!("e`st"), json!("/refresh"))] {
        assert_eq!(seen(domain, path).await, json!([]));
    }
}

/// Behind a CDN. What isn't a URL there lets no proof pass.
#[tokio::test]
async fn a_stage_variable_says_where_clients_call() {
    let seen = async |bases: &str| {
        let mut event = event(&json!({"stageVariables": {"dpopUrls": bases}}));
        let context = [("domainName", "id.example"), ("path", "/live/refresh"), ("resourcePath", "/refresh")];
        for (name, value) in context {
            event["requestContext"][name] = json!(value);
        }
        call(event).await.1["urls"].clone()
    };
    assert_eq!(seen("").await, json!(["https://id.example/live/refresh"]));
    assert_eq!(seen("https://app.example/api/").await, json!(["https://app.example/api/refresh"]));
    assert_eq!(seen("https://a.example,http://LOCALHOST:1").await, json!(["https://a.example/refresh", "http://localhost:1/refresh"]));
    assert_eq!(seen("a.example").await, json!([]));
}

/// B3: the bearer parser has to see both to refuse them.
#[tokio::test]
async fn two_authorization_headers_both_arrive() {
    let both = json!({
        "headers": {"Authorization": "Bearer b"},
        "multiValueHeaders": {"authorization": ["Bearer a", "Bearer b"]},
    });
    assert_eq!(call(event(&both)).await.1["credentials"], "unusable");
    let one = json!({"headers": {"Authorization": "Bearer a"}, "multiValueHeaders": {"Authorization": ["Bearer a"]}});
    assert_eq!(call(event(&one)).await.1["credentials"], "token");
    let single_only = json!({"headers": {"Authorization": "Bearer a"}, "multiValueHeaders": null});
    assert_eq!(call(event(&single_only)).await.1["credentials"], "token");
}

/// A5: lambda_http would panic on such a body.
#[tokio::test]
async fn rubbish_that_claims_to_be_base64_is_a_400() {
    let (status, problem) = call(event(&json!({"isBase64Encoded": true, "body": "%%% not base64"}))).await;
    assert_eq!((status, &problem["code"]), (400, &json!("invalid_request")));
    assert_eq!(call(event(&json!({"isBase64Encoded": true, "body": "AAAA"}))).await.1["bytes"], 3);
    assert_eq!(call(event(&json!({"isBase64Encoded": true, "body": null}))).await.0, 200);
}

/// lambda_http panicked on each of these.
#[tokio::test]
async fn a_request_without_a_url_is_answered() {
    for host in ["[", "a:99999", "a b", "::", "%zz"] {
        for headers in [
            json!({"headers": {"Host": host}, "multiValueHeaders": {"Host": [host]}}),
            json!({"headers": {"Host": host}, "multiValueHeaders": null}),
        ] {
            let mut event = event(&headers);
            event["requestContext"]["domainName"] = json!(host);
            assert_eq!(call(event).await.0, 200, "{host}");
        }
    }
    let long = "'".repeat(30_000);
    for too_long in [json!({"multiValueQueryStringParameters": {"a": [long]}}), json!({"path": format!("/{long}")})] {
        let (status, problem) = call(event(&too_long)).await;
        assert_eq!((status, &problem["code"]), (400, &json!("invalid_request")));
    }
}

/// B5: no token has such bytes, so the header holds none.
#[tokio::test]
async fn a_header_that_http_has_no_place_for_is_no_token() {
    for value in ["Bearer a\u{0}b", "Bearer a\r\nX-Other: b", "Bearer \u{7f}"] {
        let (status, seen) = call(event(&json!({"multiValueHeaders": {"Authorization": [value]}}))).await;
        assert_eq!((status, &seen["credentials"]), (200, &json!("nothing")), "{value:?}");
        let (_, seen) = call(event(&json!({"multiValueHeaders": {"Authorization": ["Bearer a", value]}}))).await;
        assert_eq!(seen["credentials"], "unusable", "it doesn't vanish from beside another");
    }
}

/// lambda_http would panic on each of these: what it makes an absolute URI of, nobody here reads.
#[tokio::test]
async fn a_host_that_makes_no_uri_is_not_looked_at() {
    for (name, value) in [("Host", "e`st"), ("Host", "a b"), ("Host", ""), ("X-Forwarded-Proto", "no scheme")] {
        assert_eq!(
            call(event(&json!({"headers": {"Host": "api", name: value}, "multiValueHeaders": null}))).await.0,
            200,
            "{name}: {value:?}"
        );
    }
    let mut of_its_domain = event(&json!({}));
    of_its_domain["requestContext"]["domainName"] = json!("e`st");
    assert_eq!(call(of_its_domain).await.0, 200);
    for path in ["", ":refresh", "refresh"] {
        assert_eq!(call(event(&json!({"path": path}))).await.0, 400, "{path:?}");
    }
    assert_eq!(call(event(&json!({"path": "/ä b/`|[^"}))).await.0, 200);
}

#[tokio::test]
async fn what_is_no_request_at_all_is_a_400() {
    for event in [json!({"nothing": "here"}), json!([]), json!("text"), json!(null)] {
        assert_eq!(call(event).await.0, 400);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_never_ends_is_answered_in_its_budget() {
    #[derive(Clone)]
    struct Never;
    impl Service<Request> for Never {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = std::future::Pending<Result<Response<Body>, Infallible>>;

        fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), Infallible>> {
            task::Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request) -> Self::Future {
            std::future::pending()
        }
    }
    let payload: GatewayEvent = serde_json::from_str(&event(&json!({})).to_string()).unwrap();
    let since = tokio::time::Instant::now();
    let response = Front::new(Never, None, Limits::PRODUCTION, drawn(6)).call(LambdaEvent::new(payload, Default::default())).await.unwrap();
    // The clock is the test's own: it stands except where somebody waits for it.
    assert_eq!(since.elapsed(), Limits::PRODUCTION.request);
    assert_eq!(response.status_code, 503);
    assert_eq!(response.headers["retry-after"], "2");
}

fn drawn(number: u8) -> Random {
    Random::from_fn(move |bytes| {
        bytes.fill(0);
        bytes.last_mut().map(|last| *last = number).ok_or(NoEntropy)
    })
}

/// A 503 asks for one to five seconds, a 429 for the time that it knows.
#[test]
fn the_pause_after_a_503_is_drawn() {
    let pause = |problem: Problem, random: &Random| {
        let mut response = problem.into_response::<Body>();
        spread(&mut response, random);
        response.headers()["retry-after"].to_str().unwrap().to_owned()
    };
    let unavailable = || ProblemCode::Unavailable.into();
    assert_eq!([0, 1, 2, 3, 4, 5].map(|number| pause(unavailable(), &drawn(number))), ["1", "2", "3", "4", "5", "1"]);
    assert_eq!(pause(unavailable(), &Random::from_fn(|_| Err(NoEntropy))), "1");
    assert_eq!(pause(Problem::throttled(300), &drawn(3)), "300");
}

/// An empty body is `""`. As `null` it made a gateway that expects text answer 500.
#[test]
fn an_empty_body_is_an_empty_text() {
    let answer = serde_json::to_value(gateway_response(Response::new(Body::Empty), None)).unwrap();
    assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(200), &json!("")));
}
