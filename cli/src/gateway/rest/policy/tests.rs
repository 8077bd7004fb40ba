use serde_json::json;

use super::*;

const ARN: &str = "arn:aws:execute-api:us-east-1:123456789012:latchkey00/Prod/GET/sessions/abc";

#[test]
fn wildcards() {
    let cases = [
        ("*", "", true),
        ("", "", true),
        ("", "a", false),
        ("a*c", "abbc", true),
        ("a*c", "abbcd", false),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("*a*b", "xaxbxab", true),
        ("*/GET/*", ARN, true),
        ("arn:aws:execute-api:*:*:latchkey00/Prod/*", ARN, true),
        ("arn:aws:execute-api:*:*:latchkey00/Dev/*", ARN, false),
        ("arn:aws:execute-api:us-east-1:123456789012:latchkey00/Prod/GET/sessions/???", ARN, true),
    ];
    for (pattern, text, expected) in cases {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
    }
}

fn policy(statement: &Value) -> Result<Policy, PolicyError> {
    Policy::read(&json!({
        "principalId": "u",
        "policyDocument": {"Version": "2012-10-17", "Statement": statement},
    }))
}

#[test]
fn an_allow_without_a_deny() {
    let allow = json!({"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"});
    let deny = json!({"Effect": "Deny", "Action": ["execute-api:*"], "Resource": ["*/GET/sessions/*"]});
    let cases = [
        (json!([]), false),
        (json!([allow]), true),
        (allow.clone(), true),
        (json!([deny]), false),
        (json!([allow, deny]), false),
        (json!([{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]), false),
        (json!([{"Effect": "Allow", "Action": "EXECUTE-API:invoke", "Resource": [ARN]}]), true),
        (json!([{"Effect": "Allow", "Action": "*", "Resource": "*/POST/*"}]), false),
    ];
    for (statement, expected) in cases {
        assert_eq!(policy(&statement).unwrap().allows(ARN), expected, "{statement}");
    }
}

#[test]
fn what_is_no_policy_is_a_configuration_error() {
    let whole = [
        json!(null),
        json!({"isAuthorized": true}),
        json!({"principalId": "u"}),
        json!({"policyDocument": {"Statement": []}}),
        json!({"principalId": "u", "policyDocument": {"Statement": []}, "context": {"a": {"b": 1}}}),
        json!({"principalId": "u", "policyDocument": {"Statement": []}, "context": {"a": [1]}}),
        json!({"principalId": "u", "policyDocument": {"Statement": []}, "context": {"a": null}}),
        json!({"principalId": "u", "policyDocument": {"Statement": []}, "context": "a"}),
    ];
    for answer in whole {
        assert!(Policy::read(&answer).is_err(), "{answer}");
    }
    for statement in [
        json!([{"Effect": "allow", "Action": "*", "Resource": "*"}]),
        json!([{"Effect": "Allow", "Action": "*"}]),
        json!([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}]),
        json!([{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {}}]),
    ] {
        assert!(policy(&statement).is_err(), "{statement}");
    }
}

#[test]
fn context_arrives_as_strings() {
    let answer = json!({
        "principalId": "u",
        "policyDocument": {"Statement": []},
        "context": {"text": "a", "number": 3, "yes": true},
    });
    assert_eq!(
        Value::Object(Policy::read(&answer).unwrap().request_context()),
        json!({"principalId": "u", "text": "a", "number": "3", "yes": "true"})
    );
}
