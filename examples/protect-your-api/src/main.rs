//! The entry point of the function `hello`.

use lambda_http::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_http::run(service_fn(protect_your_api::handle)).await
}
