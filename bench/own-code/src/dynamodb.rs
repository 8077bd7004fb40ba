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

#[derive(Debug, Clone)]
pub(crate) struct AtOnce(pub(crate) Answers);

impl HttpClient for AtOnce {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for AtOnce {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = request.headers().get("x-amz-target").and_then(|target| target.rsplit('.').next()).unwrap_or_default();
        let answer = self.0.to(operation, request.body().bytes().unwrap_or_default()).zip(StatusCode::try_from(200).ok());
        HttpConnectorFuture::ready(match answer {
            Some((body, ok)) => Ok(HttpResponse::new(ok, SdkBody::from(body))),
            None => Err(ConnectorError::user("nothing here asks for that".into())),
        })
    }
}
