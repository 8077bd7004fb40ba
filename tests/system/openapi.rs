//! Checks `docs/openapi.yaml`. In every test, [`send`] compares each answer with the description. The tests here show that
//! each described answer is given, and that the comparison finds differences.

mod broken_off;
mod given;

use std::collections::BTreeSet;

use latchkey::http::problem::ProblemCode;
use latchkey_tests::{
    database::Database,
    openapi::{ANY_OTHER_ROUTE, Contract, Node, back_office_document, document},
    service::{Answer, Service, send},
};
use reqwest::header::HeaderValue;
use serde_json::{Value, json};
use strum::VariantArray as _;

/// The deployed routes are the described routes.
#[tokio::test]
async fn it_has_the_routes_of_the_template() {
    let template = Database::new().await.template;
    let deployed: BTreeSet<_> =
        template.routes.iter().map(|route| (format!("{} {}", route.method, route.path), route.authorized)).collect();
    let operations = Contract::of_the_service().operations().filter(|operation| operation.label != ANY_OTHER_ROUTE);
    let described: BTreeSet<_> = operations.map(|operation| (operation.label.clone(), operation.authorized)).collect();
    assert_eq!(described, deployed);
    assert_eq!(document()["info"]["version"], env!("CARGO_PKG_VERSION"));
}

/// Functions, gateway and description use the same status for each code.
#[tokio::test]
async fn the_codes_are_the_same_everywhere() {
    let document = document();
    let refused_with = |value: &Value| (value["code"].clone(), value["status"].clone(), value["title"].clone(), value["retryable"].clone());
    // The back office has a description of its own, and two are of teams' APIs.
    let others = [
        ProblemCode::UserBlocked,
        ProblemCode::UsernameTaken,
        ProblemCode::UserIdTaken,
        ProblemCode::InsufficientScope,
        ProblemCode::InsufficientUserAuthentication,
    ];
    let of_this_api = ProblemCode::VARIANTS.iter().filter(|code| !others.contains(code));
    let ours: Vec<_> = of_this_api
        .map(|code| {
            let (status, code, title, retryable) = code.parts();
            (json!(code), json!(status.as_u16()), json!(title), json!(retryable))
        })
        .collect();

    let schemas = document["components"]["schemas"].as_object().unwrap();
    let constant = |schema: &Value, name: &str| schema["properties"][name]["const"].clone();
    let mut described: Vec<_> = schemas
        .values()
        .filter(|schema| schema["allOf"] == json!([{"$ref": "#/components/schemas/Problem"}]))
        .map(|schema| (constant(schema, "code"), constant(schema, "status"), constant(schema, "title"), constant(schema, "retryable")))
        .collect();
    let mut expected = ours.clone();
    for codes in [&mut described, &mut expected] {
        codes.sort_by_key(|code| code.0.to_string());
    }
    assert_eq!(described, expected);

    for (kind, response) in Database::new().await.template.gateway_responses {
        let body: Value = serde_json::from_str(&response.bodies["application/json"]).unwrap();
        assert!(ours.contains(&refused_with(&body)), "{kind}: {body}");
        assert_eq!((&body["type"], &body["status"]), (&json!("about:blank"), &json!(response.status.unwrap())), "{kind}");
    }
}

/// The back office's description has the routes of its API, and the same status and title for each code.
#[tokio::test]
async fn the_back_office_is_described_as_it_is() {
    let document = back_office_document();
    let template = Database::new().await.template;
    let deployed: BTreeSet<_> =
        template.back_office.unwrap().routes.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    let operations = Contract::of_the_back_office().operations().filter(|operation| operation.label != ANY_OTHER_ROUTE);
    assert_eq!(operations.map(|operation| operation.label.clone()).collect::<BTreeSet<_>>(), deployed);
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let examples = document["components"]["examples"].as_object().unwrap();
    let described: BTreeSet<_> = examples.values().map(|example| code_of(&example["value"])).collect();
    let ours: BTreeSet<_> = ProblemCode::VARIANTS
        .iter()
        .map(|code| {
            let (status, code, title, retryable) = code.parts();
            code_of(&json!({"code": code, "status": status.as_u16(), "title": title, "retryable": retryable}))
        })
        .collect();
    assert!(described.is_subset(&ours), "{:?}", described.difference(&ours));
}

fn code_of(problem: &Value) -> String {
    json!([problem["code"], problem["status"], problem["title"], problem["retryable"]]).to_string()
}

#[test]
fn their_examples_are_what_they_describe() {
    assert!(examples_fit(&document()) > 50);
    assert!(examples_fit(&back_office_document()) > 50);
}

/// How many examples there are. Each of them is valid.
fn examples_fit(document: &Value) -> usize {
    let root = Node::root(document);
    let operations = root.at("paths").entries().into_iter().flat_map(|(_, item)| item.entries());
    let mut checked = 0;
    for (_, operation) in operations {
        let bodies = operation.at("responses").entries().into_iter().map(|(_, answer)| answer).chain([operation.at("requestBody")]);
        let bodies = bodies.flat_map(|body| body.at("content").entries());
        for (_, place) in bodies.chain(operation.at("parameters").entries()) {
            let examples = place.at("examples").entries().into_iter().map(|(_, example)| example.value["value"].clone());
            for example in examples.chain([place.value["example"].clone()]).filter(|example| !example.is_null()) {
                let errors: Vec<_> = place.at("schema").schema().iter_errors(&example).map(|error| error.to_string()).collect();
                assert!(errors.is_empty(), "{errors:?}");
                checked += 1;
            }
        }
    }
    checked
}

/// An answer, a change to it, and the error that the comparison must report.
type Change<'a> = (&'a Answer, fn(&mut Answer), &'a str);

/// The negative control: answers with small changes.
#[tokio::test]
async fn a_changed_answer_is_noticed() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let list = send(service.request("GET", "/sessions").bearer_auth(&pair.access)).await;
    let refused = service.me("lka_none").await;
    let throttled = Answer { status: 429, ..refused.clone() };
    let changes: [Change<'_>; 14] = [
        (&list, |answer| answer.status = 202, "202 is not described"),
        (&list, |answer| drop(answer.headers.remove("cache-control")), "cache-control is missing"),
        (&list, |answer| set(answer, "cache-control", "private"), "cache-control: \"no-store\" was expected"),
        (&list, |answer| set(answer, "x-powered-by", "Rust"), "x-powered-by is not described"),
        (&list, |answer| set(answer, "content-type", "text/html"), "the media type is \"text/html\", not application/json"),
        (&list, |answer| answer.body["total"] = json!(1), "total"),
        (&list, |answer| answer.body["next"] = json!(1), "next"),
        (&list, |answer| answer.body["sessions"][0]["login_id"] = json!("short"), "login_id"),
        (&list, |answer| answer.body["sessions"][0]["expires_at"] = json!("2026-13-01T00:00:00.000Z"), "expires_at"),
        (&list, |answer| drop(answer.body["sessions"][0].as_object_mut().unwrap().remove("ip")), "ip"),
        (&refused, |answer| answer.body["code"] = json!("expired"), "the body"),
        (&refused, |answer| answer.body["retryable"] = json!(true), "the body"),
        (&refused, |answer| drop(answer.headers.remove("www-authenticate")), "www-authenticate is missing"),
        (&throttled, |_| (), "retry-after is missing"),
    ];
    for (answer, change, expected) in changes {
        let mut changed = answer.clone();
        change(&mut changed);
        let breaches = changed.operation.breaches(&changed);
        assert!(breaches.iter().any(|breach| breach.contains(expected)), "{expected}: {breaches:?}");
    }
    assert_eq!((list.operation.breaches(&list), refused.operation.breaches(&refused)), (Vec::new(), Vec::new()));
}

fn set(answer: &mut Answer, name: &'static str, value: &'static str) {
    answer.headers.insert(name, HeaderValue::from_static(value));
}
