use std::{
    convert::Infallible,
    task::{Context, Poll, Waker},
};

use http::{Request, StatusCode};
use serde_json::json;
use tower::{ServiceExt as _, service_fn};

use super::*;
use crate::{
    clock::Clock,
    decision::states::Chain,
    model::CurrentSession,
    operations::{OnFirstUse, PresentedLogin, PresentedRefresh},
    store::{
        login_item,
        script::{Answer, Script, error, output, wire},
        session_item,
    },
    token::ImportedTokens,
};

fn state_at(generation: u32) -> Answer {
    let chain = Chain::of(generation);
    output(json!({"Items": [wire(&login_item(&chain.login())), wire(&session_item(&chain.session(generation)))]}))
}

/// Status and body of what a handler answers that tells what it found.
async fn ask<A: Authenticator>(authenticator: A, header: Option<&str>, tell: fn(&A::Found) -> String) -> (u16, String) {
    let handler = service_fn(move |request: Request<()>| async move {
        let found = tell(request.extensions().get::<A::Found>().unwrap());
        Ok::<_, Infallible>(Response::new(found))
    });
    let mut request = Request::new(());
    if let Some(header) = header {
        request.headers_mut().insert("authorization", header.parse().unwrap());
    }
    let response = Authenticate::with(authenticator).layer(handler).oneshot(request).await.unwrap();
    (response.status().as_u16(), response.into_body())
}

/// The code of a refusal.
fn refused((status, body): (u16, String)) -> (u16, String) {
    let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
    (status, problem["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn an_access_token_finds_its_session() {
    let chain = Chain::of(3);
    let by_access = |answers: Vec<Answer>| {
        let now = chain.now();
        ByAccessToken {
            store: Script::new(answers).store(),
            clock: Clock::from_fn(move || now),
            imported: ImportedTokens::Refused,
            first_use: OnFirstUse::LeaveUnmarked,
        }
    };
    let tell = |found: &CurrentSession| {
        let times = [found.access_token_expires_at, found.refresh_token_expires_at].map(crate::clock::rfc3339).join(" ");
        format!("{} {} {} {times}", found.user_id, found.login_id, found.generation.number())
    };
    let bearer = |generation| format!("Bearer {}", chain.pair(generation).access.expose());
    assert_eq!(
        ask(by_access(vec![state_at(3)]), Some(&bearer(3)), tell).await,
        (200, "user-1 0123456789-_abcdefghiw 3 2027-01-15T08:05:30.000Z 2027-01-15T09:00:30.000Z".to_owned())
    );
    let refused = async |answers, header: Option<&str>| refused(ask(by_access(answers), header, tell).await);
    assert_eq!(refused(vec![state_at(3)], Some(&bearer(2))).await, (401, "invalid_token".to_owned()));
    assert_eq!(refused(vec![error("ThrottlingException")], Some(&bearer(3))).await, (503, "unavailable".to_owned()));
    let refresh = format!("Bearer {}", chain.pair(3).refresh.expose());
    assert_eq!(refused(vec![], Some(&refresh)).await, (401, "invalid_token".to_owned()), "the other kind");
    assert_eq!(refused(vec![], Some("Bearer\tx")).await, (401, "invalid_token".to_owned()));
    assert_eq!(refused(vec![], None).await, (401, "missing_token".to_owned()));
}

#[tokio::test]
async fn a_refresh_token_finds_what_the_table_says_of_its_login() {
    let chain = Chain::of(3);
    let by_refresh = |answers: Vec<Answer>| {
        let now = chain.now();
        ByRefreshToken { store: Script::new(answers).store(), clock: Clock::from_fn(move || now), imported: ImportedTokens::Refused }
    };
    let tell = |found: &PresentedRefresh| {
        let generation = found.state.login.as_ref().map(|login| login.generation.number());
        format!("{} {generation:?} {}", found.token.claim().generation.number(), crate::clock::rfc3339(found.now))
    };
    let bearer = format!("Bearer {}", chain.pair(2).refresh.expose());
    let found = ask(by_refresh(vec![state_at(3)]), Some(&bearer), tell).await;
    assert_eq!(found, (200, "2 Some(3) 2027-01-15T08:00:30.001Z".to_owned()), "whatever it will be worth");
    let outage = refused(ask(by_refresh(vec![Answer::Lost]), Some(&bearer), tell).await);
    assert_eq!(outage, (503, "unavailable".to_owned()));
}

fn by_either() -> ByEitherToken {
    ByEitherToken { store: Script::new([]).store(), imported: ImportedTokens::Refused }
}

#[tokio::test]
async fn a_token_of_either_kind_finds_its_login() {
    let tell = |found: &PresentedLogin| found.0.as_ref().unwrap().0.login_id.to_string();
    let pair = Chain::of(3).pair(3);
    for text in [pair.access.expose(), pair.refresh.expose()] {
        let found = ask(by_either(), Some(&format!("Bearer {text}")), tell).await;
        assert_eq!(found, (StatusCode::OK.as_u16(), "0123456789-_abcdefghiw".to_owned()));
    }
    assert_eq!(refused(ask(by_either(), Some("Bearer x"), tell).await).0, 401);
}

/// A service that isn't ready yet is not called.
#[test]
fn readiness_is_the_inner_services() {
    #[derive(Clone)]
    struct NotYet;
    impl Service<Request<()>> for NotYet {
        type Response = Response<String>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Response<String>, Infallible>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Pending
        }
        fn call(&mut self, _: Request<()>) -> Self::Future {
            unreachable!()
        }
    }
    let mut service = Authenticate::with(by_either()).layer(NotYet);
    assert!(service.poll_ready(&mut Context::from_waker(Waker::noop())).is_pending());
}

/// B3: with each authenticator, before it looks at the table.
#[tokio::test]
async fn two_authorization_headers_are_a_malformed_request() {
    async fn twice<A: Authenticator>(authenticator: A) -> (u16, String) {
        let handler = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new("reached".to_owned())));
        let request = Request::builder().header("authorization", "Bearer a").header("authorization", "Bearer a").body(()).unwrap();
        let response = Authenticate::with(authenticator).layer(handler).oneshot(request).await.unwrap();
        assert!(!response.headers().contains_key("www-authenticate"));
        refused((response.status().as_u16(), response.into_body()))
    }
    let (store, imported) = (|| Script::new(vec![]).store(), ImportedTokens::Refused);
    let malformed = (400, "invalid_request".to_owned());
    assert_eq!(
        twice(ByAccessToken { store: store(), clock: Clock::system(), imported, first_use: OnFirstUse::LeaveUnmarked }).await,
        malformed
    );
    assert_eq!(twice(ByRefreshToken { store: store(), clock: Clock::system(), imported }).await, malformed);
    assert_eq!(twice(ByEitherToken { store: store(), imported }).await, malformed);
}
