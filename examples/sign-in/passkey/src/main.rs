//! The entry point. The address is the one that the browser shows: a passkey belongs to it.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "two providers of cryptography")?;
    let webauthn = webauthn_rs::WebauthnBuilder::new("localhost", &url::Url::parse("http://localhost:8081")?)?.build()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8081").await?;
    Ok(axum::serve(listener, sign_in_by_passkey::app(webauthn)).await?)
}
