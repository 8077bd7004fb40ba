//! What CloudFormation makes of the template, as far as it is easily got wrong.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{dev::TEMPLATE, template::document};

/// Of a function's properties those that aren't a version's own.
const OUTSIDE_OF_VERSIONS: [&str; 5] = ["Policies", "Events", "DeploymentPreference", "ReservedConcurrentExecutions", "VersionDescription"];

/// The names that stand in `Ref` and `Fn::Sub`.
fn names(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(entries) => entries.iter().for_each(|(key, value)| match (key.as_str(), value) {
            ("Ref", Value::String(name)) => drop(found.insert(name.clone())),
            ("Fn::Sub", Value::String(text)) => {
                let names = text.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
                found.extend(names.map(|(name, _)| name.to_owned()));
            }
            _ => names(value, found),
        }),
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        _ => {}
    }
}

/// SAM publishes a version when the template's text changes, and not when a parameter does. A setting that isn't in the
/// version's description would never reach what the API invokes.
#[test]
fn every_parameter_of_a_function_makes_a_version() {
    let template = document::read(TEMPLATE).unwrap();
    let parameters: BTreeSet<_> = template["Parameters"].as_object().unwrap().keys().cloned().collect();
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
        let used: BTreeSet<_> = used.intersection(&parameters).cloned().collect();
        assert_eq!(described, used, "{id}");
        assert_eq!(function["Properties"]["AutoPublishAliasAllProperties"], "true", "{id}");
    }
    assert_eq!(count, 4);
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
