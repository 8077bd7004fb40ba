//! What CloudFormation makes of the template, as far as it is easily got wrong.

use std::collections::BTreeSet;

use latchkey::config::Environment;
use regex::Regex;
use serde_json::Value;

use crate::{
    dev::TEMPLATE,
    template::{Template, document},
};

/// Of a function's properties those that aren't a version's own.
const OUTSIDE_OF_VERSIONS: [&str; 4] = ["Events", "DeploymentPreference", "ReservedConcurrentExecutions", "VersionDescription"];

/// The names that stand in `Ref` and `Fn::Sub`.
fn names(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(entries) => entries.iter().for_each(|(key, value)| match (key.as_str(), value) {
            ("Ref", Value::String(name)) => drop(found.insert(name.clone())),
            ("Fn::Sub", Value::String(text)) => found.extend(placeholders(text)),
            ("Fn::Sub", Value::Array(parts)) => {
                let own = |name: &String| parts[1].get(name).is_none();
                found.extend(placeholders(parts[0].as_str().unwrap()).filter(own));
                names(&parts[1], found);
            }
            _ => names(value, found),
        }),
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        _ => {}
    }
}

fn placeholders(text: &str) -> impl Iterator<Item = String> {
    text.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.to_owned())
}

/// SAM publishes a version when the template's text changes, and not when a parameter does or when CloudFormation replaces a table.
/// What isn't in the version's description would never reach what the API invokes. Roles and log groups aren't in it: no property that
/// they have in the template replaces them.
#[test]
fn every_parameter_and_table_of_a_function_makes_a_version() {
    let template = document::read(TEMPLATE).unwrap();
    let tables = template["Resources"].as_object().unwrap().iter().filter(|(_, one)| one["Type"] == "AWS::DynamoDB::Table");
    let parameters = template["Parameters"].as_object().unwrap().keys();
    let changing: BTreeSet<_> = parameters.chain(tables.map(|(id, _)| id)).cloned().collect();
    let functions = template["Resources"].as_object().unwrap().iter().filter(|(_, one)| one["Type"] == "AWS::Serverless::Function");
    let mut count = 0;
    for (id, function) in functions {
        count += 1;
        let mut used = BTreeSet::new();
        let own = function["Properties"].as_object().unwrap().iter();
        let globals = template["Globals"]["Function"].as_object().unwrap().iter();
        for (property, value) in own.chain(globals) {
            if !OUTSIDE_OF_VERSIONS.contains(&property.as_str()) {
                names(value, &mut used);
            }
        }
        let mut described = BTreeSet::new();
        names(&function["Properties"]["VersionDescription"], &mut described);
        let used: BTreeSet<_> = used.intersection(&changing).cloned().collect();
        assert_eq!(described, used, "{id}");
        assert_eq!(function["Properties"]["AutoPublishAliasAllProperties"], "true", "{id}");
    }
    assert_eq!(count, 5);
}

/// A description ends at 256 characters. CloudFormation's part of a table's name has at most 13.
#[test]
fn the_longest_descriptions_fit() {
    let template = document::read(TEMPLATE).unwrap();
    let longest = |name: &str| match (name, &template["Parameters"][name]) {
        ("Sessions" | "Users" | "Attempts", _) => 13,
        ("AccessTokenTtl", _) => "60m".len(),
        ("RefreshTokenTtl", _) => "2160h".len(),
        ("ReplayWindow", _) => "300s".len(),
        ("SessionMaxLifetime", _) => "99999h".len(),
        ("MaxSessionsPerUser", _) => "1000".len(),
        ("LoginMaxDelay" | "LoginNetworkWindow", _) => "9999s".len(),
        (_, parameter) => {
            let allowed = parameter["AllowedValues"].as_array().map(|all| all.iter().map(|one| one.as_str().unwrap().len()).max().unwrap());
            let limit = || parameter["MaxLength"].as_str().map(|length| length.parse().unwrap());
            allowed.or_else(limit).unwrap_or_else(|| parameter["MaxValue"].as_str().unwrap_or_else(|| panic!("{name}")).len())
        }
    };
    for (id, function) in template["Resources"].as_object().unwrap().iter().filter(|(_, one)| one["Type"] == "AWS::Serverless::Function") {
        let text = function["Properties"]["VersionDescription"]["Fn::Sub"][0].as_str().unwrap();
        let length = placeholders(text).fold(text.len(), |length, name| length - "${}".len() - name.len() + longest(&name));
        assert!(length <= 256, "{id}: {length}");
    }
}

/// A page is let in only where the operator says so, and is told of nothing then.
#[test]
fn no_page_is_let_in_by_default() {
    let of = |parameters: &[(&str, &str)]| {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Template::parse(TEMPLATE, &parameters).unwrap()
    };
    let allowed = |template: &Template| {
        let responses = template.gateway_responses.values().map(|one| one.headers.get("Access-Control-Allow-Origin").cloned());
        let functions = template.functions.iter().filter(|one| one.binary != "authorizer");
        let functions = functions.map(|one| one.environment.get("CORS_ALLOW_ORIGIN").cloned());
        let preflight = [template.cors.as_ref().unwrap().allow_origin.clone()];
        responses.chain(functions).chain(preflight).collect::<BTreeSet<_>>()
    };
    assert_eq!(allowed(&of(&[])), [None].into());
    assert_eq!(allowed(&of(&[("CorsAllowOrigin", "capacitor://localhost")])), [Some("capacitor://localhost".to_owned())].into());
    assert_eq!(
        of(&[]).cors.unwrap().allow_headers.unwrap(),
        "Authorization,Content-Type,DPoP,Idempotency-Key,traceparent,tracestate,baggage,sentry-trace,x-amzn-trace-id"
    );
    assert_eq!(
        of(&[("CorsAllowHeaders", "x-request-id")]).cors.unwrap().allow_headers.unwrap(),
        "Authorization,Content-Type,DPoP,Idempotency-Key,x-request-id"
    );
}

/// What stands in a quoted header of the API, and is compared with what browsers send: lower case, no path.
#[test]
fn origins_are_origins() {
    let template = document::read(TEMPLATE).unwrap();
    let pattern = |name: &str| Regex::new(template["Parameters"][name]["AllowedPattern"].as_str().unwrap()).unwrap();
    let origin = pattern("CorsAllowOrigin");
    let longest: usize = template["Parameters"]["CorsAllowOrigin"]["MaxLength"].as_str().unwrap().parse().unwrap();
    // The functions check their variable the same way: the template is deployed by other tools than `sam`, too.
    let is_taken = |text: &str| {
        let by_template = text.len() <= longest && origin.is_match(text);
        let environment = Environment::from_fn(|_| Some(text.to_owned()));
        // An empty variable is one that isn't set.
        let by_functions = !text.is_empty() && environment.cors_allow_origin().is_ok();
        assert_eq!(by_template, by_functions, "{text}");
        by_template
    };
    let of_length = |length: usize| format!("https://{}", "a".repeat(length - "https://".len()));
    for good in [
        "none",
        "*",
        "https://app.example.com",
        "http://localhost:5173",
        "http://[::1]:3000",
        "http://[fe80::1]",
        "http://192.0.2.1:80",
        "capacitor://localhost",
        "ionic://localhost",
        "tauri://localhost",
        "chrome-extension://abcdefghijklmnop",
        "a+b.c-1://x",
        "https://a:1",
        "https://a:99999",
        &of_length(longest),
    ] {
        assert!(is_taken(good), "{good}");
    }
    for bad in [
        "",
        "null",
        "None",
        "**",
        "app.example.com",
        "//app.example.com",
        "://app.example.com",
        "1http://app.example.com",
        "https:/app.example.com",
        "https://app.example.com/",
        "https://app.example.com/path",
        "https://app.example.com?",
        "https://app.example.com:",
        "https://app.example.com:123456",
        "https://app.example.com:80a",
        "https://app.example.com:1:2",
        "https://:80",
        "https://[::1",
        "https://[]",
        "https://[::1]x",
        "https://[::1]80",
        "https://[::g]",
        "https://App.example.com",
        "HTTPS://app.example.com",
        "https://*.example.com",
        "https://user@app.example.com",
        "https://a.example,https://b.example",
        "https://a.example https://b.example",
        " https://a.example",
        "https://a.example ",
        "https://ä.example",
        "https://x://y",
        "file://",
        "https://a'b",
        &of_length(longest + 1),
    ] {
        assert!(!is_taken(bad), "{bad}");
    }
    let headers = pattern("CorsAllowHeaders");
    assert!(headers.is_match("traceparent,sentry-trace") && headers.is_match("x_id"));
    assert!(!["", "a, b", "a,", "*", "a'b"].iter().any(|bad| headers.is_match(bad)));
}

/// China and GovCloud have ARNs and domains of their own.
#[test]
fn nothing_names_one_partition() {
    let template = document::read(TEMPLATE).unwrap();
    let mut texts = Vec::new();
    fn collect<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
        match value {
            Value::String(text) => texts.push(text),
            Value::Object(entries) => entries.values().for_each(|value| collect(value, texts)),
            Value::Array(items) => items.iter().for_each(|value| collect(value, texts)),
            _ => {}
        }
    }
    for part in ["Conditions", "Globals", "Resources", "Outputs"] {
        collect(&template[part], &mut texts);
    }
    // The principals of services are the same in every partition.
    let principals = ["lambda.amazonaws.com", "backup.amazonaws.com"];
    for text in texts.into_iter().filter(|text| !principals.contains(text)) {
        assert!(!text.contains("arn:aws") && !text.contains("amazonaws.com") && !text.contains("aws.amazon.com"), "{text}");
    }
}

/// The unqualified function is what was written last, whether or not its deployment went well.
#[test]
fn what_is_invoked_is_the_alias() {
    let template = document::read(TEMPLATE).unwrap();
    let authorizer = &template["Resources"]["Api"]["Properties"]["Auth"]["Authorizers"]["TokenAuthorizer"]["FunctionArn"];
    for arn in [authorizer, &template["Outputs"]["AuthorizerFunctionArn"]["Value"]] {
        assert_eq!(arn["Ref"], "AuthorizerFunction.Alias");
    }
    assert_eq!(template["Globals"]["Function"]["AutoPublishAlias"], "live");
}

/// Traffic is shifted exactly where the parameter names a way to, and the mapping knows each.
#[test]
fn each_way_to_deploy_is_known() {
    let template = document::read(TEMPLATE).unwrap();
    let allowed = template["Parameters"]["Deployment"]["AllowedValues"].as_array().unwrap();
    for way in allowed {
        let shifts = if way == "AllAtOnce" { "false" } else { "true" };
        assert_eq!(template["Mappings"]["Shifting"][way.as_str().unwrap()]["Enabled"], shifts, "{way}");
    }
    assert_eq!(template["Mappings"]["Shifting"].as_object().unwrap().len(), allowed.len());
}

/// CodeDeploy looks only at the alarms that a function's deployment names. An alarm that no deployment names rolls nothing back.
#[test]
fn each_deployment_is_watched_by_its_alarms() {
    let template = document::read(TEMPLATE).unwrap();
    let resources = template["Resources"].as_object().unwrap();
    let of_type = |kind: &'static str| resources.iter().filter(move |(_, one)| one["Type"] == kind);
    let rollback: BTreeSet<_> =
        of_type("AWS::CloudWatch::Alarm").map(|(id, _)| id.as_str()).filter(|id| id.ends_with("RollbackAlarm")).collect();
    let mut watched = BTreeSet::new();
    for (id, function) in of_type("AWS::Serverless::Function") {
        let alarms = &function["Properties"]["DeploymentPreference"]["Alarms"]["Fn::If"];
        // The back office has an API of its own, and is there only if the operator asks for it.
        let of_the_back_office = id == "AdminFunction";
        assert_eq!(alarms[0], if of_the_back_office { "ShiftsAdminTraffic" } else { "ShiftsTraffic" }, "{id}");
        let named: BTreeSet<_> = alarms[1].as_array().unwrap().iter().map(|alarm| alarm["Ref"].as_str().unwrap()).collect();
        let own = id.trim_end_matches("Function");
        let is_its = |alarm: &&str| alarm.starts_with(own) || !of_the_back_office && alarm.starts_with("Api");
        let expected: BTreeSet<_> = rollback.iter().copied().filter(is_its).collect();
        assert!(named == expected && !expected.is_empty(), "{id}: {named:?}");
        watched.extend(named);
    }
    assert_eq!(watched, rollback);
}
