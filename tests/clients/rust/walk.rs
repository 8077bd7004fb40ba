//! Walks through the API with the client that openapi-generator makes for Rust (library reqwest).

use openapi::{
    apis::{
        Error, ResponseContent,
        configuration::Configuration,
        login_api::{LoginError, RefreshError, login, logout, refresh},
        sessions_api::{MeError, end_session, list_sessions, me},
    },
    models::{LoginRequest, Problem, TokenPair},
};

const PASSWORD: &str = "correct-horse-battery-staple";

/// A token that was never issued.
fn made_up(prefix: &str) -> String {
    format!("{prefix}{}", "A".repeat(252))
}

fn with(token: Option<&str>) -> Configuration {
    let base_path = std::env::args().nth(1).expect("the API's address");
    Configuration { base_path, bearer_access_token: token.map(str::to_owned), ..Configuration::default() }
}

async fn log_in(password: &str) -> Result<TokenPair, Error<LoginError>> {
    login(&with(None), LoginRequest::new("demo".to_owned(), password.to_owned()), None).await
}

fn refused<T, E>(code: &str, result: Result<T, Error<E>>, typed: fn(E) -> Option<Problem>) {
    let Err(Error::ResponseError(ResponseContent { status, entity: Some(entity), .. })) = result else {
        panic!("no typed refusal where {code} was expected")
    };
    let problem = typed(entity).expect("a problem");
    assert_eq!((status.as_u16(), problem.status, problem.code.as_str(), problem.retryable), (401, 401, code, false));
}

// The generated enums are untagged and all refusals are a `Problem`, so the variant is the first one whatever the status is.
fn of_login(error: LoginError) -> Option<Problem> {
    use LoginError::*;
    match error {
        Status400(problem) | Status401(problem) | Status409(problem) | Status413(problem) | Status415(problem) | Status429(problem)
        | Status500(problem) | Status503(problem) => Some(problem),
        UnknownValue(_) => None,
    }
}

fn of_refresh(error: RefreshError) -> Option<Problem> {
    use RefreshError::*;
    match error {
        Status400(problem) | Status401(problem) | Status409(problem) | Status413(problem) | Status429(problem) | Status500(problem)
        | Status503(problem) => Some(problem),
        UnknownValue(_) => None,
    }
}

fn of_me(error: MeError) -> Option<Problem> {
    use MeError::*;
    match error {
        Status400(problem) | Status401(problem) | Status413(problem) | Status429(problem) | Status500(problem) | Status503(problem) => {
            Some(problem)
        }
        UnknownValue(_) => None,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let other = log_in(PASSWORD).await.expect("a login");
    let first = log_in(PASSWORD).await.expect("another login");
    assert_eq!(first.token_type, "Bearer");
    refused("invalid_credentials", log_in("wrong").await, of_login);

    assert_eq!(me(&with(Some(&first.access_token))).await.expect("GET /me").login_id, first.login_id);
    refused("invalid_token", me(&with(Some(&made_up("lka_")))).await, of_me);

    let next = refresh(&with(Some(&first.refresh_token)), None, None).await.expect("a refresh");
    assert_eq!(next.login_id, first.login_id);
    refused("invalid_token", me(&with(Some(&first.access_token))).await, of_me);
    refused("invalid_token", refresh(&with(Some(&made_up("lkr_"))), None, None).await, of_refresh);

    let by_access = with(Some(&next.access_token));
    let page = list_sessions(&by_access, Some(100), None).await.expect("the device list");
    let current = page.sessions.iter().find(|session| session.login_id == next.login_id).expect("the current login");
    assert!(current.current && current.expires_at > current.logged_in_at);
    assert_eq!((current.ip.as_deref(), current.device.as_deref()), (Some("127.0.0.1"), None));

    end_session(&by_access, &other.login_id).await.expect("the end of the other login");
    logout(&with(Some(&next.refresh_token))).await.expect("a logout");
    refused("invalid_token", me(&by_access).await, of_me);
}
