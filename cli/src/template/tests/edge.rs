//! What stands between the internet and the functions: throttles, web ACL, access log, cached answers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{
    dev::TEMPLATE,
    template::{Template, document},
};

fn with(parameters: &[(&str, &str)]) -> BTreeMap<String, String> {
    parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn resources(kind: &str, parameters: &[(&str, &str)]) -> BTreeMap<String, Value> {
    Template::properties(TEMPLATE, &with(parameters), kind).unwrap()
}

fn parameter(name: &str) -> Value {
    document::read(TEMPLATE).unwrap()["Parameters"][name].clone()
}

/// Whether CloudFormation's rules let these parameters through: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html>
fn passes_rules(template: &Value, access_token_ttl: &str, result_ttl: &str) -> bool {
    let rules = template["Rules"].as_object().unwrap().iter().filter(|(name, _)| name.starts_with("ShortAnswers"));
    rules.map(|(_, rule)| rule).all(|rule| {
        assert_eq!(rule["RuleCondition"]["Fn::Equals"][0], json!({"Ref": "AccessTokenTtl"}));
        rule["RuleCondition"]["Fn::Equals"][1] != access_token_ttl
            || rule["Assertions"].as_array().unwrap().iter().all(|assertion| {
                let contains = &assertion["Assert"]["Fn::Contains"];
                assert_eq!(contains[1], json!({"Ref": "AuthorizerResultTtl"}));
                contains[0].as_array().unwrap().iter().any(|one| one == result_ttl)
            })
    })
}

/// API Gateway keeps an Allow for this long: it must not outlive the token that it was given for.
#[test]
fn a_cached_answer_is_shorter_than_the_access_token() {
    let template = document::read(TEMPLATE).unwrap();
    let ttls = template["Parameters"]["AuthorizerResultTtl"]["AllowedValues"].as_array().unwrap().clone();
    let mut refused = 0;
    for minutes in 1..=60 {
        for ttl in &ttls {
            let seconds: u32 = ttl.as_str().unwrap().parse().unwrap();
            assert!(seconds <= 300);
            let passes = passes_rules(&template, &format!("{minutes}m"), ttl.as_str().unwrap());
            assert_eq!(passes, seconds < minutes * 60, "{minutes}m and {seconds}s");
            refused += usize::from(!passes);
        }
    }
    assert_eq!(refused, 6 + 4 + 3 + 2 + 1, "of 1m to 5m");
}

/// A partition of DynamoDB takes 1,000 write units a second, and an attempt writes at most twice to one subject.
#[test]
fn a_flood_at_one_account_stays_below_a_partitions_limit() {
    let most: u32 = parameter("LoginRateLimit")["MaxValue"].as_str().unwrap().parse().unwrap();
    assert!(most * 2 <= 1_000);
}

#[test]
fn who_is_too_fast_is_told_to_wait() {
    let responses = Template::parse(TEMPLATE, &BTreeMap::new()).unwrap().gateway_responses;
    for kind in ["THROTTLED", "WAF_FILTERED", "QUOTA_EXCEEDED"] {
        let response = &responses[kind];
        assert_eq!(response.status, Some(429), "{kind}");
        assert!(response.headers["Retry-After"].parse::<u32>().unwrap() > 0, "{kind}");
        assert_eq!(response.headers["Content-Type"], "application/problem+json", "{kind}");
        let body: Value = serde_json::from_str(&response.bodies["application/json"]).unwrap();
        let expected = json!({"type": "about:blank", "title": "Too many attempts", "status": 429, "code": "throttled", "retryable": true});
        assert_eq!(body, expected, "{kind}");
    }
}

/// A web ACL costs by the request, so it is there only where it is asked for.
#[test]
fn each_address_has_a_limit_of_its_own_if_asked_for() {
    for kind in ["AWS::WAFv2::WebACL", "AWS::WAFv2::WebACLAssociation"] {
        assert!(resources(kind, &[]).is_empty(), "{kind}");
    }
    let asked = [("WebAcl", "Enabled"), ("WebAclRateLimit", "500"), ("WebAclRateWindow", "60")];
    let acl = &resources("AWS::WAFv2::WebACL", &asked)["RateLimits"];
    assert_eq!((&acl["Scope"], &acl["DefaultAction"]), (&json!("REGIONAL"), &json!({"Allow": {}})));
    let [rule] = acl["Rules"].as_array().unwrap().as_slice() else { panic!("{acl}") };
    assert_eq!(rule["Action"], json!({"Block": {}}));
    let by_address = json!({"RateBasedStatement": {"AggregateKeyType": "IP", "Limit": "500", "EvaluationWindowSec": "60"}});
    assert_eq!(rule["Statement"], by_address);
    for visibility in [&acl["VisibilityConfig"], &rule["VisibilityConfig"]] {
        assert_eq!(visibility["CloudWatchMetricsEnabled"], "true");
        assert_eq!(visibility["SampledRequestsEnabled"], "false", "a sample has the headers, and so the token");
    }
    let association = &resources("AWS::WAFv2::WebACLAssociation", &asked)["RateLimitsOfStage"];
    assert_eq!(association["WebACLArn"], "RateLimits.Arn");
    assert_eq!(association["ResourceArn"], "arn:aws:apigateway:us-east-1::/restapis/Api/stages/Api.Stage");
}

/// One address alone mustn't use up the logins of all: the default lets fewer requests through than the stage lets logins.
#[test]
fn one_address_does_not_use_up_the_logins_of_all() {
    let number = |name: &str| parameter(name)["Default"].as_str().unwrap().parse::<u32>().unwrap();
    assert!(number("WebAclRateLimit") < number("LoginRateLimit") * number("WebAclRateWindow"));
}

/// The line of a request: an allow-list, because any other variable of API Gateway may contain a token.
#[test]
fn the_access_log_says_who_asked_for_what_and_never_a_token() {
    let setting = |parameters: &[(&str, &str)]| resources("AWS::Serverless::Api", parameters)["Api"].get("AccessLogSetting").cloned();
    assert_eq!(setting(&[]), None);
    assert!(!resources("AWS::Logs::LogGroup", &[]).contains_key("RequestLogs"));

    let asked = [("AccessLogs", "Enabled"), ("LogRetentionDays", "30")];
    let setting = setting(&asked).unwrap();
    assert_eq!(setting["DestinationArn"], "RequestLogs.Arn");
    assert_eq!(resources("AWS::Logs::LogGroup", &asked)["RequestLogs"], json!({"RetentionInDays": "30"}));
    let format = setting["Format"].as_str().unwrap();
    assert!(!format.contains('\n'), "one line a request");
    let line: BTreeMap<String, String> = serde_json::from_str(format).unwrap();
    let expected = [
        ("request_id", "$context.requestId"),
        ("address", "$context.identity.sourceIp"),
        ("method", "$context.httpMethod"),
        ("path", "$context.resourcePath"),
        ("status", "$context.status"),
        ("error", "$context.error.responseType"),
        ("latency_ms", "$context.responseLatency"),
    ];
    assert_eq!(line, with(&expected));
}

/// The runbook's queries name fields of the line as it is.
#[test]
fn the_documented_queries_name_fields_of_the_line() {
    let documented = include_str!("../../../../docs/operations.md");
    let section = documented.split("### Access logs\n").nth(1).unwrap().split("\n### ").next().unwrap();
    let queries: Vec<_> = section.split("```").filter(|block| block.contains("stats ") || block.contains("filter ")).collect();
    assert!(queries.len() >= 2);
    let language = ["filter", "stats", "fields", "sort", "limit", "by", "in", "and", "as", "desc", "count", "bin", "times"];
    let fields = ["request_id", "address", "method", "path", "status", "error", "latency_ms", "timestamp"];
    for query in queries {
        // Outside of quotes, which hold values.
        let code = query.split('"').step_by(2).collect::<Vec<_>>().join(" ");
        let words = code.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        let words: BTreeSet<_> = words.filter(|word| word.starts_with(|letter: char| letter.is_ascii_lowercase())).collect();
        assert!(words.iter().any(|word| fields.contains(word)), "{query}");
        let unknown: Vec<_> = words.iter().filter(|word| !fields.contains(word) && !language.contains(word)).collect();
        assert!(unknown.is_empty(), "{unknown:?} in {query}");
    }
}
