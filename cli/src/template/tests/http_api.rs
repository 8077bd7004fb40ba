use std::time::Duration;

use super::*;

const SMALL: &str = r#"
Parameters:
  ResultTtl: {Type: Number, Default: 0}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      Description: What is harmless here is passed over.
      Auth:
        DefaultAuthorizer: Bearer
        Authorizers:
          Bearer:
            FunctionArn: !GetAtt AuthorizerFunction.Arn
            AuthorizerPayloadFormatVersion: "2.0"
            EnableSimpleResponses: true
            EnableFunctionDefaultPermissions: true
            Identity:
              Headers: [Authorization]
              Context: [routeKey]
              ReauthorizeEvery: !Ref ResultTtl
  AuthorizerFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: authorizer}}
    Properties: {}
  HelloFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: hello}}
    Properties:
      Events:
        Hello: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /hello, Method: get}}
        Open: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /open, Auth: {Authorizer: NONE}}}
        Else: {Type: HttpApi, Properties: {ApiId: !Ref Api}}
        Nightly: {Type: Schedule, Properties: {Schedule: rate(1 day)}}
"#;

fn parse(text: &str, overrides: &[(&str, &str)]) -> Result<Template, TemplateError> {
    let overrides = overrides.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Template::parse(text, &overrides)
}

#[test]
fn routes_and_authorizer() {
    let api = parse(SMALL, &[("ResultTtl", "60")]).unwrap().http_api.unwrap();
    let routes: Vec<_> = api.routes.iter().map(|route| (&*route.method, &*route.path, &*route.function, route.authorized)).collect();
    let hello = "HelloFunction";
    assert_eq!(routes, [("ANY", "$default", hello, true), ("GET", "/hello", hello, true), ("ANY", "/open", hello, false)]);
    let expected = RequestAuthorizer {
        function: "AuthorizerFunction".to_owned(),
        identity: vec![IdentitySource::Header("Authorization".to_owned()), IdentitySource::RouteKey],
        result_ttl: Duration::from_secs(60),
    };
    assert_eq!(api.authorizer, Some(expected));
}

#[test]
fn a_function_of_another_stack_is_named_by_its_arn() {
    let main = parse(SMALL, &[]).unwrap();
    let authorizer = main.function("AuthorizerFunction").unwrap();
    let beside = SMALL.replace("!GetAtt AuthorizerFunction.Arn", &authorizer.arn()).replace("  AuthorizerFunction:", "  OtherFunction:");
    let error = parse(&beside, &[]).unwrap_err().to_string();
    assert_eq!(error, "the API's Auth: there is no AuthorizerFunction");
    let template = Template::parse_beside(&beside, &BTreeMap::new(), std::slice::from_ref(authorizer)).unwrap();
    assert_eq!(template.function("AuthorizerFunction"), Some(authorizer));
}

#[test]
fn what_the_local_gateway_cannot_do_is_refused_by_name() {
    let api = "Resources.Api.Properties";
    let authorizer = "Resources.Api.Properties.Auth.Authorizers.Bearer";
    let hello = "Resources.HelloFunction.Properties.Events.Hello.Properties";
    let cases = [
        (
            "      Auth:\n",
            "      CorsConfiguration: true\n      Auth:\n",
            format!("{api}.CorsConfiguration: expected no CORS: the local gateway answers no preflight for an HTTP API, found \"true\""),
        ),
        (
            "      Auth:\n",
            "      StageName: prod\n      Auth:\n",
            format!("{api}.StageName: expected $default, the stage that is in no URL, found \"prod\""),
        ),
        (
            "      Auth:\n",
            "      StageVariables: {A: b}\n      Auth:\n",
            format!("{api}.StageVariables: expected no stage variables: the local gateway has none, found a mapping"),
        ),
        (
            "      Auth:\n",
            "      DefinitionBody: {}\n      Auth:\n",
            format!("{api}.DefinitionBody: expected no API definition: routes are read from the functions' events, found a mapping"),
        ),
        (
            "AuthorizerPayloadFormatVersion: \"2.0\"",
            "AuthorizerPayloadFormatVersion: \"1.0\"",
            format!("{authorizer}.AuthorizerPayloadFormatVersion: expected 2.0, found \"1.0\""),
        ),
        (
            "EnableSimpleResponses: true",
            "EnableSimpleResponses: false",
            format!(
                "{authorizer}.EnableSimpleResponses: expected true: the local gateway takes no policy for an HTTP API, found \"false\""
            ),
        ),
        (
            "EnableSimpleResponses: true",
            "JwtConfiguration: {issuer: x}",
            format!("{authorizer}.JwtConfiguration: expected a Lambda authorizer, found a mapping"),
        ),
        (
            "Context: [routeKey]",
            "Context: [httpMethod]",
            format!("{authorizer}.Identity.Context[0]: expected routeKey, found \"httpMethod\""),
        ),
        (
            "Context: [routeKey]",
            "QueryStrings: [token]",
            format!("{authorizer}.Identity.QueryStrings: expected Headers and Context only, found a list"),
        ),
        (
            "              ReauthorizeEvery: !Ref ResultTtl\n",
            "",
            format!("{authorizer}.Identity.ReauthorizeEvery: expected a value, found nothing"),
        ),
        (
            "Path: /hello, Method: get",
            "Path: /hello, PayloadFormatVersion: \"1.0\"",
            format!("{hello}.PayloadFormatVersion: expected 2.0, found \"1.0\""),
        ),
        (
            "Path: /hello, Method: get",
            "Path: /hello, TimeoutInMillis: 50",
            format!("{hello}.TimeoutInMillis: expected no timeout of its own: the function's counts, found \"50\""),
        ),
        (
            "ApiId: !Ref Api, Path: /hello",
            "ApiId: !Ref HelloFunction, Path: /hello",
            format!("{hello}.ApiId: expected !Ref Api, the template's HTTP API, found \"HelloFunction\""),
        ),
        ("ApiId: !Ref Api, Path: /hello", "Path: /hello", format!("{hello}.ApiId: expected a value, found nothing")),
        (
            "  AuthorizerFunction:",
            "  Rest: {Type: AWS::Serverless::Api, Properties: {StageName: v1}}\n  AuthorizerFunction:",
            "Resources.Api: expected no second API, found a mapping".to_owned(),
        ),
    ];
    for (from, to, expected) in cases {
        let text = SMALL.replacen(from, to, 1);
        assert_ne!(text, SMALL, "{from}");
        assert_eq!(parse(&text, &[]).unwrap_err().to_string(), expected);
    }
    let nothing_to_keep_by = SMALL.replace("              Headers: [Authorization]\n              Context: [routeKey]\n", "");
    assert!(parse(&nothing_to_keep_by, &[]).is_ok());
    let error = parse(&nothing_to_keep_by, &[("ResultTtl", "60")]).unwrap_err().to_string();
    assert!(error.ends_with("expected an identity source to keep answers by, or ReauthorizeEvery: 0, found a mapping"), "{error}");
}
