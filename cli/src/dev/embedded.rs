//! A DynamoDB inside this process, for the SDK to talk to over loopback as to any other.

mod front;
mod inner;

use std::{fs::File, path::Path};

use dynoxide::Database;
use tokio::net::TcpListener;

use super::{DevError, lock};

pub(super) struct Embedded {
    pub(super) url: String,
    /// The access key that it takes, drawn at start.
    pub(super) access_key: String,
    _held: Option<File>,
}

/// Starts it on a free port. Its data are in `dir`, or gone when the process ends.
pub(super) async fn start(dir: Option<&Path>) -> Result<Embedded, DevError> {
    let held = dir.map(lock::hold).transpose()?;
    let database = open(dir).map_err(DevError::Embedded)?;
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| DevError::Embedded(error.to_string()))?;
    let address = listener.local_addr().map_err(|error| DevError::Embedded(error.to_string()))?;
    let access_key = uuid::Uuid::new_v4().simple().to_string();
    let router = front::router(access_key.clone(), inner::Inner::new(database));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(Embedded { url: format!("http://{address}"), access_key, _held: held })
}

fn open(dir: Option<&Path>) -> Result<Database, String> {
    let Some(dir) = dir else { return Database::memory().map_err(|error| error.to_string()) };
    let file = dir.join("dynamodb.sqlite");
    let path = file.to_str().ok_or_else(|| format!("{} is not UTF-8", file.display()))?;
    Database::new(path).map_err(|error| format!("{}: {error}", file.display()))
}
