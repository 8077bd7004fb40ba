//! `latchkey users import`: files as the exporters of other systems write them.

use std::path::{Path, PathBuf};

use latchkey_tests::service::Service;
use serde_json::{Value, json};

use crate::run::{Ran, latchkey, run};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/hashes");
const PASSWORD: &str = "Rain-on-tin-roof-41";
const LONG: &str = "handed-0123456789-handed-0123456789-handed-0123456789-handed-0123456789-h";
/// Made by bcryptjs 3.0.3, of `PASSWORD`.
const BCRYPT: &str = "$2b$10$Dv0VlmVyXS//fjkFxrrNXOmaa1OPpwzezNW7UU6wvf3TbfcTihDwC";

async fn accepting() -> Service {
    let service = Service::start(&[("ACCEPT_FOREIGN_HASHES", "true")]).await;
    // The demo user isn't of any file.
    latchkey(&service.database, "users remove demo --yes", "").await.assert_done();
    service
}

async fn import(service: &Service, file: &str, options: &[&str]) -> Ran {
    let file = Path::new(FIXTURES).join(file);
    let arguments = [&["users", "import", file.to_str().unwrap(), "--json"], options].concat();
    run(&service.database, &arguments).await
}

async fn status(service: &Service, username: &str, password: &str) -> u16 {
    service.login_with(&json!({"username": username, "password": password})).await.status
}

fn summary(ran: &Ran) -> Value {
    ran.json().pop().unwrap()
}

async fn item(service: &Service, username: &str) -> std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue> {
    let items = service.database.items("UsersTable").await;
    items.into_iter().find(|item| item["username"].as_s().unwrap() == username).unwrap()
}

/// The users log in with their old passwords and under their old ids. The key that Firebase's hashes need is in no row.
#[tokio::test]
async fn users_of_firebase_come_along() {
    let service = accepting().await;
    let refused = import(&service, "firebase-auth-export.json", &["--format", "firebase", "--dry-run"]).await;
    assert_eq!(refused.code, 4);
    assert!(refused.stdout.contains("pass --firebase-config"), "{refused:?}");
    let config = format!("{FIXTURES}/firebase-hash-config.json");
    let imported = import(&service, "firebase-auth-export.json", &["--format", "firebase", "--firebase-config", &config]).await;
    assert_eq!(imported.code, 4, "{imported:?}");
    assert_eq!(imported.json()[0], json!({"line": 55, "column": "email", "problem": "is missing, and the user has no other name"}));
    assert_eq!(
        summary(&imported),
        json!({
            "created": 4, "replaced": 0, "already_there": 0, "left_alone": 0, "skipped": 0, "bad": 1, "users": 4, "without_password": 1,
            "hashes": {"firebase": 3, "none": 1},
        })
    );
    let stored = item(&service, "user46@example.com").await;
    assert_eq!(stored["user_id"].as_s().unwrap(), "ktQmSe0vWdFdIyRNc97WifCADiGB");
    assert!(stored["password_hash"].as_s().unwrap().starts_with("$foreign$firebase$n=14,r=8$"));
    for (username, password, expected) in [
        ("user46@example.com", "wrong", 401),
        ("user46@example.com", PASSWORD, 200),
        ("user48@example.com", LONG, 401),
        ("user49@example.com", "x", 200),
        ("left.provider@example.com", PASSWORD, 401),
    ] {
        assert_eq!(status(&service, username, password).await, expected, "{username}");
    }
}

#[tokio::test]
async fn users_of_auth0_come_along() {
    let service = accepting().await;
    let exported = import(&service, "auth0-export.jsonl", &["--format", "auth0"]).await;
    exported.assert_done();
    assert_eq!((&summary(&exported)["created"], &summary(&exported)["hashes"]), (&json!(5), &json!({"bcrypt": 5})));
    assert_eq!(item(&service, "user28@example.com").await["user_id"].as_s().unwrap(), "auth0|own-id-7");
    assert_eq!(item(&service, "user27@example.com").await["user_id"].as_s().unwrap(), "auth0|17b6d589c482fcbb606bb5ec");
    assert_eq!(status(&service, "user32@example.com", PASSWORD).await, 200, "its name is in `identifiers` alone");
    assert_eq!(status(&service, "user36@example.com", LONG).await, 200);
    // Both have logged in. bcrypt read a part of the longer password only, so its hash stays.
    for (name, hash, readable) in [
        ("user32@example.com", "latchkey", "Latchkey's own"),
        ("user36@example.com", "bcrypt", "bcrypt, of another system"),
        ("user28@example.com", "bcrypt", "bcrypt, of another system"),
    ] {
        let shown = latchkey(&service.database, &format!("users show {name} --json"), "").await;
        assert_eq!(shown.json()[0]["password_hash"], json!(hash), "{name}");
        let shown = latchkey(&service.database, &format!("users show {name}"), "").await;
        assert!(shown.stdout.contains(&format!("password     {readable}\n")), "{shown:?}");
    }

    let listed = import(&service, "auth0-import.json", &["--format", "auth0"]).await;
    listed.assert_done();
    assert_eq!(summary(&listed)["hashes"], json!({"argon2id": 1, "pbkdf2": 1, "wrapped": 1}));
    assert_eq!(item(&service, "user87@example.org").await["user_id"].as_s().unwrap(), "auth0|legacy|user87");
    assert_eq!(status(&service, "user30@example.org", PASSWORD).await, 200);
    assert_eq!(status(&service, "user94@example.org", PASSWORD).await, 200);
}

#[tokio::test]
async fn users_of_keycloak_come_along() {
    let service = accepting().await;
    let imported = import(&service, "keycloak-realm.json", &["--format", "keycloak"]).await;
    imported.assert_done();
    let mut said = imported.json();
    assert_eq!(
        said.pop().unwrap(),
        json!({
            "created": 5, "replaced": 0, "already_there": 0, "left_alone": 0, "skipped": 1, "bad": 0, "users": 5, "without_password": 1,
            "hashes": {"argon2id": 1, "pbkdf2": 3, "none": 1},
        })
    );
    assert_eq!(said, [json!({"line": 139, "note": "skipped: a service account, and no person's"})]);
    assert_eq!(item(&service, "user85").await["user_id"].as_s().unwrap(), "8447c181-a3be-731f-bd07-bf453b5ccc92");
    assert_eq!(item(&service, "user82").await["status"].as_s().unwrap(), "disabled");
    assert_eq!(status(&service, "user85", PASSWORD).await, 200);
    assert_eq!(status(&service, "left-federated", PASSWORD).await, 401);
}

/// PostgreSQL's `COPY … CSV HEADER`, whose columns have names of the team's own.
#[tokio::test]
async fn users_of_a_table_in_postgresql_come_along() {
    let service = accepting().await;
    let columns = ["user_id=id", "password_hash=encrypted_password", "status=is_active"];
    let options: Vec<_> = columns.iter().flat_map(|column| ["--column", column]).collect();
    let imported = import(&service, "postgres-copy.csv", &options).await;
    imported.assert_done();
    assert_eq!(
        summary(&imported),
        json!({
            "created": 9, "replaced": 0, "already_there": 0, "left_alone": 0, "skipped": 0, "bad": 0, "users": 9, "without_password": 1,
            "hashes": {"bcrypt": 5, "pbkdf2": 3, "none": 1},
        })
    );
    assert_eq!(item(&service, "user05").await["status"].as_s().unwrap(), "disabled");
    assert_eq!(item(&service, "user27").await["user_id"].as_s().unwrap(), "46");
    assert_eq!(status(&service, "user57", PASSWORD).await, 200);
    assert_eq!(status(&service, "user08", PASSWORD).await, 200);
    let missing = import(&service, "postgres-copy.csv", &["--column", "password_hash=hash"]).await;
    missing.assert_refused(2, "the header has no column hash");
    import(&service, "postgres-copy.csv", &["--column", "hash=encrypted_password"]).await.assert_refused(2, "username, user_id");
    let twice = ["--column", "user_id=id", "--column", "user_id=uid"];
    import(&service, "postgres-copy.csv", &twice).await.assert_refused(2, "--column user_id=… is given twice");
}

#[tokio::test]
async fn users_of_a_dynamodb_export_come_along() {
    let service = accepting().await;
    let columns = ["--column", "user_id=pk", "--column", "password_hash=passwordHash", "--column", "status=active"];
    let imported = import(&service, "dynamodb-export.json.gz", &columns).await;
    imported.assert_done();
    assert_eq!(summary(&imported)["hashes"], json!({"argon2id": 1, "bcrypt": 5}));
    assert_eq!(item(&service, "user30").await["user_id"].as_s().unwrap(), "USER#user30");
    assert_eq!(status(&service, "user30", PASSWORD).await, 200);
    assert_eq!(status(&service, "user35", PASSWORD).await, 401, "active: false");
}

#[tokio::test]
async fn cognito_exports_no_hashes_and_that_is_said() {
    let service = accepting().await;
    let imported = import(&service, "cognito-users.csv", &["--format", "cognito"]).await;
    imported.assert_done();
    assert!(imported.stderr.contains("Cognito exports no password hashes"), "{imported:?}");
    assert_eq!((&summary(&imported)["created"], &summary(&imported)["without_password"]), (&json!(4), &json!(4)));
    assert_eq!(status(&service, "left01", PASSWORD).await, 401);
}

/// A file that is gone with the test.
struct File(PathBuf);

impl File {
    fn new(text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{}-users.csv", uuid::Uuid::new_v4()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

/// A second import brings what has changed in the old system, and sets nothing back that was changed here.
#[tokio::test]
async fn a_second_import_sets_no_password_back() {
    let service = accepting().await;
    let rows = |hash: &str| {
        let names = ["ada", "berta", "cora", "dora"];
        let rows: String = names.iter().map(|name| format!("{name},id-{name},{hash},active\n")).collect();
        File::new(&format!("username,user_id,password_hash,status\n{rows}"))
    };
    let import = async |file: &File, options: &str| {
        latchkey(&service.database, &format!("users import {} --json {options}", file.0.display()), "").await
    };
    let numbers = |ran: &Ran| ["created", "replaced", "already_there", "left_alone"].map(|name| summary(ran)[name].as_u64().unwrap());
    let first = rows(BCRYPT);
    assert_eq!(summary(&import(&first, "--dry-run").await)["good"], 4);
    assert!(service.database.items("UsersTable").await.is_empty(), "a dry run writes nothing");
    assert_eq!(numbers(&import(&first, "").await), [4, 0, 0, 0]);
    assert_eq!(numbers(&import(&first, "").await), [0, 0, 4, 0]);

    assert_eq!(status(&service, "ada", PASSWORD).await, 200);
    let set = latchkey(&service.database, "users set-password berta --password-stdin --yes", "violin gravel postcode heron\n").await;
    set.assert_done();
    latchkey(&service.database, "users disable cora --yes", "").await.assert_done();
    let later = rows("$2b$10$6e/06MBcXl/m..86l/1TGe.7qBX731YVEK4B9QA4bVsI9OSuUk/la");
    let second = import(&later, "").await;
    assert_eq!(numbers(&second), [0, 1, 0, 3]);
    let mut said: Vec<_> = second.json().iter().filter_map(|line| line["note"].as_str().map(str::to_owned)).collect();
    said.sort();
    assert_eq!(
        said,
        [
            "left alone: ada has a password of Latchkey's own",
            "left alone: berta has a password of Latchkey's own",
            "left alone: cora was changed here since the import",
        ]
    );
    for (name, password, expected) in
        [("ada", PASSWORD, 200), ("berta", "violin gravel postcode heron", 200), ("cora", PASSWORD, 401), ("dora", PASSWORD, 200)]
    {
        assert_eq!(status(&service, name, password).await, expected, "{name}");
    }
}

/// One person has one name and one id. Where a file says otherwise, every row that says so is bad.
#[tokio::test]
async fn rows_of_one_person_are_bad() {
    let service = accepting().await;
    let text = format!(
        "username,user_id,password_hash,status\n\
         ada,1,{BCRYPT},t\n\
         Ada,2,{BCRYPT},t\n\
         berta,3,{BCRYPT},t\n\
         cora,3,,f\n\
         dora,NULL,,t\n\
         emma,5,canary,t\n\
         two words,6,,t\n\
         fay,7,$2b$14$Dv0VlmVyXS//fjkFxrrNXOmaa1OPpwzezNW7UU6wvf3TbfcTihDwC,t\n\
         gina,8,,perhaps\n\
         hanna,9,,t\n"
    );
    let file = File::new(&text);
    let ran = latchkey(&service.database, &format!("users import {} --json", file.0.display()), "").await;
    assert_eq!(ran.code, 4);
    assert!(!format!("{ran:?}").contains("canary"), "{ran:?}");
    let told: Vec<_> = ran.json().iter().filter_map(|row| Some((row["line"].as_u64()?, row["column"].as_str()?.to_owned()))).collect();
    let expected = [
        (2, "username"),
        (3, "username"),
        (4, "user_id"),
        (5, "user_id"),
        (6, "user_id"),
        (7, "password_hash"),
        (8, "username"),
        (9, "password_hash"),
        (10, "status"),
    ];
    assert_eq!(told, expected.map(|(line, column)| (line, column.to_owned())));
    assert!(ran.stdout.contains("is the same name, once it is normalised, as that of line 3"), "{ran:?}");
    assert!(ran.stdout.contains("has a bcrypt cost of 14; 4 to 13 are allowed"), "{ran:?}");
    assert_eq!(summary(&ran)["created"], 1);
    let meant = latchkey(&service.database, &format!("users import {} --json --user-ids-as-they-are", file.0.display()), "").await;
    assert_eq!((meant.code, &summary(&meant)["created"], &summary(&meant)["already_there"]), (4, &json!(1), &json!(1)));
}

/// Names that look alike are never in one transaction: the first in the file is created, and the others are named. Those beside them are
/// created, and so are those beside an id that is taken.
#[tokio::test]
async fn one_row_that_is_left_alone_holds_no_other_up() {
    let service = accepting().await;
    let added = latchkey(&service.database, "users add zoe --user-id id-7 --password-stdin", "violin gravel postcode heron\n").await;
    added.assert_done();
    let mut rows: Vec<_> = (1..=60).map(|n| format!("user{n},id-{n},,t\n")).collect();
    rows.insert(3, "cawa,a,,t\nсаша,b,,t\n".to_owned());
    rows.insert(30, "сора,c,,t\ncopa,d,,t\n".to_owned());
    let file = File::new(&format!("username,user_id,password_hash,status\n{}", rows.concat()));
    for (created, there) in [(61, 0), (0, 61)] {
        let ran = latchkey(&service.database, &format!("users import {} --json", file.0.display()), "").await;
        ran.assert_done();
        let mut said = ran.json();
        let numbers = said.pop().unwrap();
        assert_eq!((&numbers["created"], &numbers["already_there"], &numbers["left_alone"]), (&json!(created), &json!(there), &json!(3)));
        let mut said: Vec<_> = said.iter().map(|line| line["note"].as_str().unwrap().to_owned()).collect();
        said.sort();
        assert_eq!(
            said,
            [
                "left alone: copa looks like the name of another user here",
                "left alone: user7 has an id that is another user's here, or that of a removed user",
                "left alone: саша looks like the name of another user here",
            ]
        );
        assert!(ran.stderr.contains("rows: 64, write units: 384 (6 a row), 1 s at 4000 units a second"), "{ran:?}");
    }
}

/// Standard input can't be read twice, and has the same rows.
#[tokio::test]
async fn rows_of_one_person_are_bad_on_standard_input_too() {
    let service = accepting().await;
    let rows = "{\"username\":\"ada\"}\n{\"username\":\"berta\"}\n{\"username\":\"Ada\"}\n";
    let ran = latchkey(&service.database, "users import - --format jsonl --json", rows).await;
    assert_eq!(ran.code, 4);
    let lines: Vec<_> = ran.json().iter().filter_map(|row| row["line"].as_u64()).collect();
    assert_eq!((lines, &summary(&ran)["created"]), (vec![1, 3], &json!(1)));
}

/// What a string doesn't say, a switch does.
#[tokio::test]
async fn switches_say_what_a_string_does_not() {
    let service = accepting().await;
    let spring = "b049187a4d578a6092c93900b861c51a088d02669e1fffe74a26f7c9c06fc6716770c02f5057c01080bb12888ef420d3";
    let file = File::new(&format!("username,password_hash\nuser74,{spring}\n"));
    let import = async |options: &str| {
        latchkey(&service.database, &format!("users import {} --json --dry-run {options}", file.0.display()), "").await
    };
    let refused = import("").await;
    assert_eq!(refused.code, 4);
    assert!(refused.stdout.contains("--spring-pbkdf2"), "{refused:?}");
    assert_eq!(import("--spring-pbkdf2 5.5").await.code, 4);
    assert_eq!(summary(&import("--spring-pbkdf2 5.8").await)["hashes"], json!({"pbkdf2": 1}));

    let pepper = File::new("synthetic-pepper-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n");
    let peppered = File::new("username,password_hash\nuser67,$2a$12$x4vy9r/5LzS/tFzWtvl28OlUZqz5q6gFIn7FseWp85vTOudnldYnm\n");
    let command = format!("users import {} --pepper-file {}", peppered.0.display(), pepper.0.display());
    latchkey(&service.database, &command, "").await.assert_done();
    assert_eq!(status(&service, "user67", PASSWORD).await, 200);
}
