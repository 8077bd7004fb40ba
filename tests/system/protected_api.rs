//! A team's own API behind Latchkey's authorizer: the function of examples/protect-your-api behind a REST API on a local
//! gateway of its own, with tokens of the service beside it, and behind an HTTP API by recorded events.

mod http_api;
mod rest_api;

use std::{net::SocketAddr, sync::Arc};

use lambda_http::{Adapter, Context, LambdaEvent, Service as _, request::LambdaRequest, service_fn};
use latchkey_cli::{
    gateway::{Gateway, GatewayOptions},
    invoke::{FunctionError, Invoker, LinkedFunction},
    linked,
    template::Template,
};
use latchkey_tests::{
    database::{TEST_LIMITS, first_use},
    given::given,
    service::{Answer, Service, exchange},
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The team's API, and the service whose tokens it accepts.
struct Team {
    service: Service,
    url: String,
    http: reqwest::Client,
}

impl Team {
    /// Serves the API of `template`. The two stacks share an account: the API's stack names Latchkey's authorizer by ARN.
    async fn start(template: &str, parameters: &[(&str, &str)]) -> Self {
        let service = Service::start(&[]).await;
        let latchkey = &service.database.template;
        let arn = latchkey.function("AuthorizerFunction").unwrap().arn();
        let parameters = parameters.iter().copied().chain([("AuthorizerFunctionArn", arn.as_str())]);
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let template = Template::parse_beside(template, &parameters, &latchkey.functions).unwrap();

        let client = service.database.tapped(&service.tap);
        let mut functions = linked::functions(|_| client.clone(), latchkey, &|_| None, &given(service.clock.clock(), TEST_LIMITS)).unwrap();
        if let Invoker::Linked(functions) = &mut functions {
            functions.insert("hello".to_owned(), hello());
        }
        let router = Gateway::new(&template, functions, GatewayOptions::default()).into_router();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>());
        tokio::spawn(async move { serving.await });
        Self { service, url, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    async fn hello(&self, token: &str) -> Answer {
        exchange(self.request(Method::GET, "/hello").bearer_auth(token)).await
    }

    /// Asserts that the function has seen the demo user, on this login.
    async fn assert_seen(&self, answer: &Answer, login_id: &str) {
        let user_id = user_id(&self.service).await;
        assert_eq!((answer.status, &answer.body), (200, &json!({"hello": user_id, "login_id": login_id})), "{}", answer.text);
    }

    /// The number of the authorizer's store calls since the last call.
    fn queries(&self) -> usize {
        self.service.tap.take_calls().iter().filter(|call| *call == "Query").count()
    }
}

/// The demo user's id, from the table.
pub(crate) async fn user_id(service: &Service) -> String {
    let users = service.database.items("UsersTable").await;
    users[0]["user_id"].as_s().unwrap().clone()
}

/// The example's function: its handler behind lambda_http's adapter, as in its `main`.
fn hello() -> LinkedFunction {
    Arc::new(|event: Value| {
        Box::pin(async move {
            let failed = |error: String| FunctionError::failed("Error", error);
            let event: LambdaRequest = serde_json::from_value(event).map_err(|error| failed(error.to_string()))?;
            let mut function = Adapter::from(service_fn(protect_your_api::handle));
            let answer = function.call(LambdaEvent::new(event, Context::default())).await;
            serde_json::to_value(answer.map_err(|error| failed(error.to_string()))?).map_err(|error| failed(error.to_string()))
        })
    })
}
