//! The body of a request, by its media type.

use lambda_http::{Body, Request};

/// The largest sensible body: some names and texts, with whitespace.
const MAX_BODY_BYTES: usize = 4096;

/// Why a body isn't read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotRead {
    /// Over 4096 bytes.
    #[error("the body is over {MAX_BODY_BYTES} bytes")]
    TooLarge,
    /// Another media type, none, or two.
    #[error("the media type of the body is another")]
    MediaType,
    /// A form of body that lambda_http doesn't have today.
    #[error("the body can't be read")]
    Unreadable,
}

/// The bytes of a body of `application/json`.
///
/// # Errors
/// [`NotRead`].
pub fn json_body(request: &Request) -> Result<&[u8], NotRead> {
    body_of(request, "application/json")
}

/// The bytes of a body of `application/x-www-form-urlencoded`.
///
/// # Errors
/// [`NotRead`].
pub fn form_body(request: &Request) -> Result<&[u8], NotRead> {
    body_of(request, "application/x-www-form-urlencoded")
}

fn body_of<'a>(request: &'a Request, media_type: &str) -> Result<&'a [u8], NotRead> {
    let body = match request.body() {
        Body::Empty => &[][..],
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => return Err(NotRead::Unreadable),
    };
    if body.len() > MAX_BODY_BYTES {
        return Err(NotRead::TooLarge);
    }
    if is_of(request, media_type) { Ok(body) } else { Err(NotRead::MediaType) }
}

fn is_of(request: &Request, media_type: &str) -> bool {
    let mut types = request.headers().get_all("content-type").iter();
    let essence = types.next().and_then(|value| value.to_str().ok()).and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(media_type)) && types.next().is_none()
}
