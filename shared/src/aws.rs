//! The functions' client of DynamoDB.

mod connection;
mod endpoint;
mod trust;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;

use crate::{
    clock::Clock,
    config::{ConfigError, Environment},
    dynamodb::{DynamoDb, Signers, Way},
    limits::Limits,
};
use connection::Connections;
use endpoint::{endpoint, region};

/// A client with credentials and region from the environment, as Lambda sets them; no profile, no file and no instance
/// metadata are looked at. `AWS_ENDPOINT_URL_DYNAMODB` points it elsewhere, `AWS_CA_BUNDLE` names other roots to trust.
/// Its answers set `clock`.
///
/// # Errors
/// [`ConfigError`] for a variable that is missing or wrong.
pub fn dynamodb(environment: &Environment<'_>, limits: Limits, clock: &Clock) -> Result<DynamoDb, ConfigError> {
    let region = region(environment)?;
    let endpoint = endpoint(environment, &region)?;
    let connections = Connections::to(&endpoint, trust::roots(environment)?, limits.connect)?;
    let provider = SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new());
    let way = Way::new(SharedHttpConnector::new(connections), endpoint, Signers::new(provider, region), clock);
    Ok(DynamoDb::new(way, limits))
}
