//! DynamoDB at the SDK's connector: fixed answers, no network.

use aws_smithy_runtime_api::{
    client::{
        http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use bench_work::Answers;
use latchkey::clock::Clock;

#[derive(Debug, Clone)]
pub(crate) struct AtOnce {
    answers: Answers,
    /// The header that a client sets its clock by.
    date: String,
}

impl AtOnce {
    pub(crate) fn new(answers: Answers) -> Self {
        Self { answers, date: Clock::system().now().format("%a, %d %b %Y %H:%M:%S GMT").to_string() }
    }
}

impl HttpClient for AtOnce {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for AtOnce {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = request.headers().get("x-amz-target").and_then(|target| target.rsplit('.').next()).unwrap_or_default();
        let answer = self.answers.to(operation, request.body().bytes().unwrap_or_default()).zip(StatusCode::try_from(200).ok());
        HttpConnectorFuture::ready(match answer {
            Some((body, ok)) => {
                let mut response = HttpResponse::new(ok, SdkBody::from(body));
                response.headers_mut().insert("date", self.date.clone());
                Ok(response)
            }
            None => Err(ConnectorError::user("nothing here asks for that".into())),
        })
    }
}
