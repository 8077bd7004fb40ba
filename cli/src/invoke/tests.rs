use axum::{Router, routing::post};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;

use super::*;

const LIMIT: Duration = Duration::from_millis(200);

fn linked(name: &str, function: impl Fn(Value) -> FunctionFuture + Send + Sync + 'static) -> Invoker {
    Invoker::Linked(BTreeMap::from([(name.to_owned(), Arc::new(function) as LinkedFunction)]))
}

#[tokio::test]
async fn a_linked_function_answers() {
    let invoker = linked("echo", |event| Box::pin(async move { Ok(event) }));
    assert_eq!(invoker.invoke("echo", json!({"a": 1}), LIMIT).await.unwrap(), json!({"a": 1}));
}

#[tokio::test]
async fn a_panic_is_a_function_error() {
    let before_the_future = linked("f", |_| panic!("early"));
    let inside_the_future = linked("f", |_| Box::pin(async { panic!("late {}", 1) }));
    for (invoker, expected) in [(before_the_future, "early"), (inside_the_future, "late 1")] {
        match invoker.invoke("f", Value::Null, LIMIT).await {
            Err(FunctionError::Failed { error_type, message }) => {
                assert_eq!((error_type.as_str(), message.as_str()), ("Panic", expected));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_function_is_stopped_at_its_timeout() {
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<()>(1);
    let invoker = linked("slow", move |_| {
        let sender = sender.clone();
        Box::pin(async move {
            let _held = sender;
            std::future::pending().await
        })
    });
    let answer = invoker.invoke("slow", Value::Null, Duration::from_millis(20)).await;
    assert!(matches!(answer, Err(FunctionError::TimedOut(_))), "{answer:?}");
    drop(invoker);
    assert_eq!(receiver.recv().await, None, "the function's future is dropped");
}

#[tokio::test]
async fn an_unknown_function_is_named() {
    let error = linked("f", |event| Box::pin(async { Ok(event) })).invoke("g", Value::Null, LIMIT).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no function g");
}

async fn watch(status: StatusCode, headers: &'static [(&'static str, &'static str)], body: &'static str) -> RemoteInvoker {
    let answer = move || async move {
        let mut response = axum::response::Response::new(axum::body::Body::from(body));
        *response.status_mut() = status;
        response.headers_mut().extend(headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))));
        response
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new().route("/2015-03-31/functions/login/invocations", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    RemoteInvoker::new(&endpoint).unwrap().with_build_patience(Duration::ZERO)
}

#[tokio::test]
async fn what_cargo_lambda_watch_says() {
    let error = r#"{"errorType":"StoreDown","errorMessage":"no table","stackTrace":[]}"#;
    let function_error: &[(&str, &str)] = &[("x-amz-function-error", "Unhandled")];
    let cases = [
        (StatusCode::OK, &[] as &[_], r#"{"statusCode":200}"#, Ok(json!({"statusCode": 200}))),
        (StatusCode::OK, &[], "null", Ok(Value::Null)),
        (StatusCode::INTERNAL_SERVER_ERROR, &[], error, Err("StoreDown: no table")),
        (StatusCode::OK, function_error, error, Err("StoreDown: no table")),
        (StatusCode::OK, &[], error, Err("StoreDown: no table")),
        (StatusCode::NOT_FOUND, &[], r#"{"title":"Missing function"}"#, Err("there is no function login")),
        (StatusCode::BAD_GATEWAY, &[], "{}", Err("InvalidResponse: 502 Bad Gateway without Lambda's error document")),
        (StatusCode::OK, &[], "<html>", Err("InvalidResponse: 200 OK and a body that is not JSON")),
    ];
    for (status, headers, body, expected) in cases {
        let answer = Invoker::Remote(watch(status, headers, body).await).invoke("login", json!({}), LIMIT).await;
        assert_eq!(answer.map_err(|error| error.to_string()), expected.map_err(str::to_owned), "{status} {body}");
    }
}

#[tokio::test]
async fn nobody_listens() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let answer = Invoker::Remote(RemoteInvoker::new(&endpoint).unwrap()).invoke("login", json!({}), LIMIT).await;
    assert!(matches!(answer, Err(FunctionError::Unreachable(_))), "{answer:?}");
}

#[test]
fn an_endpoint_is_an_http_url() {
    for endpoint in ["", "localhost:9000", "https://example.com", "unix:/run/x"] {
        assert!(matches!(RemoteInvoker::new(endpoint), Err(FunctionError::Endpoint(_))), "{endpoint}");
    }
}
