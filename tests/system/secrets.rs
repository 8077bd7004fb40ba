//! Promise G6, on the tables: no stored value works as a token or password.

use latchkey_cli::dev::DEMO_PASSWORD;
use latchkey_tests::service::{Pair, Service};

#[tokio::test]
async fn no_token_and_no_password_reaches_a_table() {
    let service = Service::start(&[]).await;
    let first = service.login().await;
    let second = Pair::of(&service.refresh(&first.refresh).await);
    let mut dump = String::new();
    for table in ["SessionsTable", "UsersTable", "LoginAttemptsTable"] {
        dump.push_str(&format!("{:?}", service.database.items(table).await));
    }
    assert!(!dump.contains(DEMO_PASSWORD));
    for token in [&first.access, &first.refresh, &second.access, &second.refresh] {
        // Every part except the keys: proof, secret, check.
        for part in [&token[53..96], &token[96..250], &token[53..]] {
            assert!(!dump.contains(part));
        }
    }
}

/// The indexes exist for support, which finds a login by the hash of a token. They hold keys only.
#[tokio::test]
async fn a_hash_finds_its_session_in_the_indexes() {
    use aws_sdk_dynamodb::types::AttributeValue;
    use latchkey::token::{AccessToken, RefreshToken};

    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let hashes = [
        ("access_token", AccessToken::parse(&pair.access).unwrap().hash().to_text()),
        ("refresh_token", RefreshToken::parse(&pair.refresh).unwrap().hash().to_text()),
    ];
    for (index, hash) in hashes {
        let query = service.database.client.query().table_name(service.database.table("SessionsTable")).index_name(index);
        let found = query
            .key_condition_expression(format!("{index}_hash = :hash"))
            .expression_attribute_values(":hash", AttributeValue::S(hash))
            .send()
            .await
            .unwrap();
        let mut names: Vec<_> = found.items()[0].keys().cloned().collect();
        names.sort_unstable();
        assert_eq!(found.items().len(), 1);
        assert_eq!(names, [format!("{index}_hash"), "sk".into(), "user_key".into()]);
        assert_eq!(found.items()[0]["sk"].as_s().unwrap(), &format!("{}#0000000000", pair.login_id));
    }
}
