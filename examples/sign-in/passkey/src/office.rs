//! Latchkey's back office: one signed call.

use std::{env, time::SystemTime};

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4::SigningParams,
};
use serde_json::Value;

/// Asks for a login, and returns its pair of tokens. `ADMIN_API` is the stack's output `AdminApiUrl`.
pub async fn issue(login: &Value) -> Result<Value, Box<dyn std::error::Error>> {
    // Those of the environment, as Lambda has them. In ECS, EC2 or EKS take `aws_config::load_defaults`.
    let credentials = EnvironmentVariableCredentialsProvider::new().provide_credentials().await?;
    let (identity, region) = (credentials.into(), env::var("AWS_REGION")?);

    let (url, body) = (format!("{}/admin/logins", env::var("ADMIN_API")?), login.to_string());
    let mut request = http::Request::post(&url).header("content-type", "application/json").body(body.clone())?;
    let signable =
        SignableRequest::new("POST", &url, [("content-type", "application/json")].into_iter(), SignableBody::Bytes(body.as_bytes()))?;
    let signing = SigningParams::builder().identity(&identity).region(&region).name("execute-api").time(SystemTime::now());
    let (signature, _) = sign(signable, &signing.settings(SigningSettings::default()).build()?.into())?.into_parts();
    signature.apply_to_request_http1x(&mut request);

    let answer = reqwest::Client::new().execute(request.try_into()?).await?;
    Ok(answer.error_for_status()?.json().await?)
}
