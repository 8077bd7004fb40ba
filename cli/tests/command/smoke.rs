//! `latchkey smoke`, against the service behind the local gateway.

use std::process::Command;

use chrono::TimeDelta;
use latchkey_cli::dev::DEMO_PASSWORD;
use latchkey_tests::{database::Database, service::Service, tap::Line};

use crate::run::{Ran, command, latchkey, output_of, signal};

async fn smoke(service: &Service, arguments: &str) -> Ran {
    latchkey(&service.database, &format!("smoke {} {arguments}", service.url), "").await
}

/// Only the demo user is there, with a register and no login.
async fn assert_nothing_left(database: &Database) {
    let users = database.items("UsersTable").await;
    assert!(users.iter().all(|user| user["username"].as_s().unwrap() == "demo"), "{users:?}");
    assert_eq!(database.sort_keys().await, ["!user"]);
}

#[tokio::test]
async fn a_stage_that_keeps_its_promises() {
    let service = Service::start(&[]).await;
    let smoked = smoke(&service, "").await;
    smoked.assert_done();
    assert!(smoked.stdout.ends_with("ok      its refresh token is refused\nEvery step was as promised.\n"), "{smoked:?}");
    assert!(smoked.stderr.is_empty(), "{smoked:?}");
    let steps = |smoked: &Ran| smoked.stdout.lines().filter(|line| line.starts_with("ok      ")).count();
    assert_eq!(steps(&smoked), 27, "{smoked:?}");
    assert_nothing_left(&service.database).await;
    assert!(smoke(&service, "--json").await.json().iter().all(|step| step["ok"] == true && step["step"].is_string()));
}

/// The clock passes the replay window while the walk's fourth attempt to log in, its last, is on the way to the users table.
/// Each attempt reads the user, and then the register.
#[tokio::test]
async fn a_reused_token_ends_its_login_after_the_window() {
    let service = Service::start(&[]).await;
    let logins: Vec<_> = (0..7).map(|_| service.tap.hold("GetItem")).collect();
    let child = command(&service.database, &format!("smoke {} --reuse-after 1s", service.url)).spawn().unwrap();
    let mut smoked = tokio::spawn(output_of(child));
    for (index, mut login) in logins.into_iter().enumerate() {
        tokio::select! {
            () = login.reached() => {}
            ended = &mut smoked => panic!("{ended:?}"),
        }
        if index == 6 {
            service.clock.advance(TimeDelta::seconds(36));
        }
        login.release();
    }
    let smoked = smoked.await.unwrap();
    assert_eq!((smoked.code, smoked.stderr.as_str()), (0, "waiting 1 s for the replay window to pass\n"), "{smoked:?}");
    for step in ["its login is ended: the newest refresh token is refused", "the other login lives on"] {
        assert!(smoked.stdout.contains(&format!("ok      {step}\n")), "{smoked:?}");
    }
    assert_nothing_left(&service.database).await;

    let too_soon = smoke(&service, "--reuse-after 1s").await;
    assert!(too_soon.code == 6 && too_soon.stderr.ends_with("--reuse-after must be longer than REPLAY_WINDOW by 5 s\n"), "{too_soon:?}");
    assert_nothing_left(&service.database).await;
    for refused in ["--reuse-after 0s", "--reuse-after 31", "--reuse-after 31s --no-replay"] {
        smoke(&service, refused).await.assert_refused(2, "--reuse-after");
    }
}

/// With `--admin-url` the walk ends in the back office, signed with the command's own credentials.
#[tokio::test]
async fn the_back_office_too() {
    let service = Service::start(&[]).await;
    let arguments = format!("smoke {url} --admin-url {url} --region us-east-1", url = service.url);
    let signing = |secret: &str| {
        let key = latchkey_tests::back_office::principal();
        let mut smoking = command(&service.database, &arguments);
        smoking.env("AWS_ACCESS_KEY_ID", key.credentials.access_key_id()).env("AWS_SECRET_ACCESS_KEY", secret);
        output_of(smoking.spawn().unwrap())
    };
    let smoked = signing(latchkey_tests::back_office::principal().credentials.secret_access_key()).await;
    smoked.assert_done();
    for step in ["issues a login", "calls its access token active", "calls the ended login's token inactive"] {
        assert!(smoked.stdout.contains(step), "{step}: {smoked:?}");
    }
    assert_nothing_left(&service.database).await;

    let stranger = signing("another secret").await;
    assert_eq!(stranger.code, 6, "{stranger:?}");
    assert!(stranger.stderr.contains("the role must be in AdminCallers"), "{stranger:?}");
    assert_nothing_left(&service.database).await;
    smoke(&service, "--admin-url http://back-office.example").await.assert_refused(2, "https://");
}

#[tokio::test]
async fn as_a_user_who_is_there() {
    let service = Service::start(&[]).await;
    let as_demo = format!("smoke {}/ --username demo --password-stdin", service.url);
    latchkey(&service.database, &as_demo, &format!("{DEMO_PASSWORD}\n")).await.assert_done();
    assert_eq!(service.database.sort_keys().await, ["!user"], "its login is ended, and the user is as before");
    let refused = latchkey(&service.database, &as_demo, "wrong\n").await;
    assert_eq!(refused.code, 6, "{refused:?}");
    assert_eq!(refused.stderr, "error: a login gives a pair: expected 200, came 401 invalid_credentials\n");
    latchkey(&service.database, &format!("smoke {} --username demo", service.url), "").await.assert_refused(2, "--password-stdin");
}

#[tokio::test]
async fn what_a_stage_may_be_set_to_is_hinted_at() {
    let service = Service::start_by(&[("AuthorizerResultTtl", "2")], &[]).await;
    let late = smoke(&service, "").await;
    assert!(
        late.code == 6 && late.stderr.contains("the old access token is refused") && late.stderr.contains("--authorizer-ttl"),
        "{late:?}"
    );
    assert_nothing_left(&service.database).await;
    smoke(&service, "--authorizer-ttl 3").await.assert_done();

    let service = Service::start(&[("REPLAY_WINDOW", "0")]).await;
    let ended = smoke(&service, "--json").await;
    assert!(ended.code == 6 && ended.stderr.contains("--no-replay") && ended.json().last().unwrap()["ok"] == false, "{ended:?}");
    assert_nothing_left(&service.database).await;
    smoke(&service, "--no-replay").await.assert_done();

    let service = Service::start(&[("MAX_SESSIONS_PER_USER", "1")]).await;
    let ended = smoke(&service, "").await;
    assert!(ended.code == 6 && ended.stderr.contains("--single-session"), "{ended:?}");
    assert_nothing_left(&service.database).await;
    smoke(&service, "--single-session").await.assert_done();
}

#[tokio::test]
async fn an_outage_is_told_from_a_broken_promise_and_leaves_nothing() {
    let service = Service::start(&[]).await;
    service.tap.set_line(Line::Refused);
    let away = smoke(&service, "").await;
    assert_eq!((away.code, away.stderr.as_str()), (1, "error: a login gives a pair: the stage answers 503; try again in a moment\n"));
    service.tap.set_line(Line::Open);
    assert_nothing_left(&service.database).await;
}

#[tokio::test]
async fn ctrl_c_leaves_nothing() {
    let service = Service::start(&[]).await;
    let mut refresh = service.tap.hold("Query");
    let child = command(&service.database, &format!("smoke {}", service.url)).spawn().unwrap();
    refresh.reached().await;
    signal("-INT", child.id());
    let stopped = output_of(child).await;
    drop(refresh);
    assert_eq!((stopped.code, stopped.stderr.as_str()), (130, "error: stopped; what was made for the walk is removed\n"));
    assert_nothing_left(&service.database).await;
}

/// One clear line each.
#[tokio::test]
async fn what_is_no_stage_or_has_no_tables() {
    let service = Service::start(&[]).await;
    let database = &service.database;
    let run = async |arguments: &str| {
        let ran = latchkey(database, arguments, "").await;
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
        ran
    };
    run("smoke nowhere").await.assert_refused(2, "not an https:// URL");
    run("smoke http://192.0.2.1").await.assert_refused(2, "https://");
    run("smoke http://127.0.0.1:9").await.assert_refused(1, "the stage doesn't answer");
    let no_stage = run(&format!("smoke {}/v2", service.url)).await;
    assert!(no_stage.code == 6 && no_stage.stderr.contains("expected 200, came 404 not_found"), "{no_stage:?}");
    run(&format!("smoke {} --sessions-table none", service.url)).await.assert_refused(1, "ResourceNotFoundException; check --region");
    run(&format!("smoke {} --users-table none", service.url)).await.assert_refused(1, "ResourceNotFoundException");
    assert_nothing_left(database).await;
}

/// Neither is guessed, and neither is waited for.
#[tokio::test]
async fn without_tables_region_or_credentials() {
    let run = async |variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
        command.args(["smoke", "http://127.0.0.1:9"]).env_clear().env("AWS_EC2_METADATA_DISABLED", "true").env("HOME", "/nonexistent");
        command.envs(variables.iter().copied()).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        output_of(command.spawn().unwrap()).await
    };
    run(&[]).await.assert_refused(2, "USERS_TABLE");
    let tables = [("USERS_TABLE", "u"), ("SESSIONS_TABLE", "s")];
    run(&tables).await.assert_refused(1, "no region is set; pass --region");
    run(&[tables[0], tables[1], ("AWS_REGION", "eu-central-1")]).await.assert_refused(1, "there are no AWS credentials");
}
