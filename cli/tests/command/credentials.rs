//! Which region and which credentials a command takes, and what it says where there are none.

use std::{
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use axum::Router;
use http::HeaderMap;
use tokio::net::TcpListener;

use crate::run::{Ran, output_of};

/// A DynamoDB that keeps the signatures' scopes, such as `KEY/20260101/eu-central-1/dynamodb/aws4_request`, and finds nothing.
async fn recording() -> (String, Arc<Mutex<Vec<String>>>) {
    let scopes: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&scopes);
    let answer = move |headers: HeaderMap| {
        let signature = headers["authorization"].to_str().unwrap();
        let scope = signature.split_once("Credential=").unwrap().1.split_once(',').unwrap().0.to_owned();
        kept.lock().unwrap().push(scope);
        async { r#"{"Items":[],"Count":0,"ScannedCount":0}"# }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, scopes)
}

/// `latchkey users list` in an environment of its own.
async fn list(arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command.args(["users", "list", "--users-table", "u"]).args(arguments).env_clear();
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("HOME", "/nonexistent").envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    output_of(command.spawn().unwrap()).await
}

/// What is given is used at an emulator too. Where nothing is, it is what `latchkey dev --dynamodb` uses.
#[tokio::test]
async fn an_endpoint_on_this_machine_keeps_what_is_given() {
    let (url, scopes) = recording().await;
    let profiles = std::env::temp_dir().join(format!("latchkey-profiles-{}", uuid::Uuid::new_v4().simple()));
    std::fs::write(&profiles, "[other]\naws_access_key_id = profiled\naws_secret_access_key = s\nregion = eu-north-1\n").unwrap();
    let file = ("AWS_SHARED_CREDENTIALS_FILE", profiles.to_str().unwrap());
    let keys = [("AWS_ACCESS_KEY_ID", "given"), ("AWS_SECRET_ACCESS_KEY", "s")];
    let scope = async |arguments: &[&str], variables: &[(&str, &str)]| {
        let arguments: Vec<&str> = ["--endpoint-url", &url].into_iter().chain(arguments.iter().copied()).collect();
        let ran = list(&arguments, variables).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let scope = scopes.lock().unwrap().pop().unwrap();
        let parts: Vec<_> = scope.split('/').map(str::to_owned).collect();
        (parts[0].clone(), parts[2].clone())
    };
    let is = |key: &str, region: &str| (key.to_owned(), region.to_owned());
    assert_eq!(scope(&[], &[]).await, is("local", "us-east-1"));
    assert_eq!(scope(&[], &[("AWS_REGION", "eu-west-1")]).await, is("local", "eu-west-1"));
    assert_eq!(scope(&["--region", "eu-central-1"], &[keys[0], keys[1], ("AWS_REGION", "eu-west-1")]).await, is("given", "eu-central-1"));
    assert_eq!(scope(&["--profile", "other"], &[file]).await, is("profiled", "eu-north-1"));
    assert_eq!(scope(&["--profile", "other"], &[file, keys[0], keys[1]]).await, is("profiled", "eu-north-1"), "a flag comes first");
    assert_eq!(scope(&[], &[file, ("AWS_PROFILE", "other")]).await, is("profiled", "us-east-1"));
    std::fs::remove_file(profiles).unwrap();
}

/// Three causes, three messages.
#[tokio::test]
async fn missing_credentials_an_unknown_profile_and_no_network_differ() {
    let region = ("AWS_REGION", "eu-central-1");
    let keys = [("AWS_ACCESS_KEY_ID", "given"), ("AWS_SECRET_ACCESS_KEY", "s")];
    list(&[], &[]).await.assert_refused(1, "no region is set; pass --region");
    list(&[], &[region]).await.assert_refused(1, "there are no AWS credentials");
    list(&["--profile", "nowhere"], &[region]).await.assert_refused(1, "there is no AWS profile \"nowhere\"");
    list(&[], &[region, ("AWS_PROFILE", "nowhere")]).await.assert_refused(1, "there is no AWS profile \"nowhere\"");
    // A port on which nothing listens.
    let nowhere = list(&["--endpoint-url", "http://127.0.0.1:9"], &[region, keys[0], keys[1]]).await;
    nowhere.assert_refused(1, "connection failed: refused; check the network");
}

/// The message names the setting, and doesn't show its value.
#[tokio::test]
async fn keys_with_an_invalid_character_are_refused() {
    let (url, scopes) = recording().await;
    let keys = [("AWS_ACCESS_KEY_ID", "given"), ("AWS_SECRET_ACCESS_KEY", "s")];
    for (wrong, says) in [
        (("AWS_ACCESS_KEY_ID", "giv en"), "access key id"),
        (("AWS_REGION", "eu-west-1\r"), "region"),
        (("AWS_SECRET_ACCESS_KEY", "hidden\r"), "secret access key"),
        (("AWS_SESSION_TOKEN", "to ken"), "session token"),
    ] {
        let ran = list(&["--endpoint-url", &url], &[keys[0], keys[1], wrong]).await;
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(
            ran.stderr.contains(says) && !ran.stderr.contains("giv en") && !ran.stderr.contains("hidden") && !ran.stderr.contains("to ken"),
            "{ran:?}"
        );
    }
    assert_eq!(*scopes.lock().unwrap(), Vec::<String>::new());
}
