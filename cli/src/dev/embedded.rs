//! A DynamoDB inside this process, for the SDK to talk to over loopback as to any other.

use std::path::Path;

use dynoxide::{Database, server::serve_on};
use tokio::net::TcpListener;

/// Starts it on a free port and gives its URL. Its data are in `dir`, or gone when the process ends.
pub(super) async fn start(dir: Option<&Path>) -> Result<String, String> {
    let database = match dir {
        None => Database::memory().map_err(|error| error.to_string())?,
        Some(dir) => {
            std::fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
            let file = dir.join("dynamodb.sqlite");
            let path = file.to_str().ok_or_else(|| format!("{} is not UTF-8", file.display()))?;
            Database::new(path).map_err(|error| format!("{}: {error}", file.display()))?
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    tokio::spawn(serve_on(listener, database));
    Ok(format!("http://{address}"))
}
