//! The back office, from outside: does it want a signature, and does it answer one? Its settings are among those of the environment.

use http::StatusCode;
use serde_json::json;

use super::Check;
use crate::smoke::{
    api::{Answer, NoAnswer},
    office::{Body, Office},
};

/// A request that writes nothing, and reads nothing either: this is no token.
fn harmless() -> Body {
    Body::Form("token", "doctor".to_owned())
}

const INTROSPECT: &str = "/admin/introspect";
const ANSWERS: &str = "back office: answers an introspection";

pub(super) async fn check(office: &Office) -> Vec<Check> {
    let unsigned = office.post_unsigned(INTROSPECT, harmless()).await;
    let first = wants_a_signature(&unsigned);
    if unsigned.is_err() {
        return vec![first, Check::skipped(ANSWERS, "nothing answers at this URL")];
    }
    vec![first, answers_a_signature(&office.post(INTROSPECT, harmless(), None).await)]
}

fn wants_a_signature(answer: &Result<Answer, NoAnswer>) -> Check {
    let what = "back office: refuses a request without a signature";
    match answer {
        Ok(Answer { status: 403, .. }) => Check::ok(what),
        Ok(Answer { status: 404, .. }) => Check::finding(
            what,
            "it answers 404: there is no back office at this URL",
            "give the stack's output AdminApiUrl as --admin-url",
        ),
        Ok(Answer { status, .. }) => Check::finding(
            what,
            format!("it answers {status}: anyone who reaches it may be able to act as any user"),
            "deploy the template again, and check that every method of the API has the authorization AWS_IAM",
        ),
        Err(error) => Check::finding(
            what,
            format!("it doesn't answer: {error}"),
            "give the stack's output AdminApiUrl as --admin-url, from a network that reaches it",
        ),
    }
}

fn answers_a_signature(answer: &Result<Answer, NoAnswer>) -> Check {
    let what = ANSWERS;
    match answer {
        Ok(answer) if answer.status == StatusCode::OK && answer.body == json!({"active": false}) => Check::ok(what),
        Ok(Answer { status: 403, .. }) => Check::skipped(
            what,
            "these credentials may not introspect: take a role that is in AdminCallers, and whose own policy allows the path",
        ),
        Ok(Answer { status: 404, .. }) => Check::skipped(what, "there is no back office at this URL"),
        Ok(Answer { status, .. }) => Check::finding(
            what,
            format!("it answers {status}"),
            "look for `internal` and `store_unavailable` in the log of the admin function",
        ),
        Err(error) => Check::finding(
            what,
            format!("it doesn't answer: {error}"),
            "look for `deadline_passed` and `store_unavailable` in the log of the admin function",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Outcome;

    fn answer(status: u16, body: serde_json::Value) -> Result<Answer, NoAnswer> {
        Ok(Answer { status, no_store: true, body })
    }

    #[test]
    fn an_open_back_office_is_a_finding() {
        assert!(matches!(wants_a_signature(&answer(403, json!({"message": "x"}))).outcome, Outcome::Ok));
        for open in [200, 400, 404, 500] {
            assert!(wants_a_signature(&answer(open, json!({}))).is_finding(), "{open}");
        }
    }

    #[test]
    fn a_caller_without_the_right_learns_nothing() {
        assert!(matches!(answers_a_signature(&answer(200, json!({"active": false}))).outcome, Outcome::Ok));
        assert!(matches!(answers_a_signature(&answer(403, json!({}))).outcome, Outcome::Skipped(_)));
        for broken in [answer(200, json!({"active": true})), answer(503, json!({})), Err(NoAnswer::TooLate)] {
            assert!(answers_a_signature(&broken).is_finding());
        }
    }

    #[tokio::test]
    async fn where_nothing_answers_there_is_one_finding() {
        let credentials = aws_sdk_dynamodb::config::Credentials::new("local", "local", None, None, "a test");
        let signer = crate::client::Signer { credentials, region: "us-east-1".to_owned() };
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let checks = check(&Office::new(crate::smoke::api::Api::at(&format!("http://{nobody}")).unwrap(), signer)).await;
        let [first, second] = checks.as_slice() else { panic!("{checks:?}") };
        assert!(first.is_finding() && matches!(second.outcome, Outcome::Skipped(_)), "{checks:?}");
    }

    #[test]
    fn a_wrong_url_is_told_once_and_accuses_no_function() {
        for (nowhere, says) in [(answer(404, json!({})), "no back office at this URL"), (Err(NoAnswer::TooLate), "doesn't answer")] {
            let Outcome::Finding { found, fix } = wants_a_signature(&nowhere).outcome else { panic!() };
            assert!(found.contains(says) && fix.contains("AdminApiUrl"), "{found}; {fix}");
        }
        assert!(matches!(answers_a_signature(&answer(404, json!({}))).outcome, Outcome::Skipped(_)));
    }
}
