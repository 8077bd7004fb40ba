mod deployment;
mod edge;

use serde_json::json;

use super::*;

const SMALL: &str = r#"
AWSTemplateFormatVersion: 2010-09-09
Transform: AWS::Serverless-2016-10-31
Parameters:
  Environment: {Type: String, Default: dev, AllowedValues: [dev, prod]}
  AccessTokenTtl: {Type: String, Default: 5m}
  ResultTtl: {Type: Number, Default: 0}
  Origin: {Type: String, Default: "*"}
  Imported: {Type: String, Default: "false"}
Conditions:
  Prod: !Equals [!Ref Environment, prod]
  TakesImported:
    Fn::Or:
      - Fn::Equals: [{Ref: Imported}, "true"]
      - !And [!Condition Prod, !Not [!Equals [!Ref Origin, "*"]]]
Mappings:
  Sizes: {dev: {Retention: 7}, prod: {Retention: 90}}
Globals:
  Function:
    Timeout: 5
    Environment:
      Variables:
        SESSIONS_TABLE: !Ref SessionsTable
        USERS_TABLE: {Ref: UsersTable}
        ACCESS_TOKEN_TTL: !Ref AccessTokenTtl
        LOG_LEVEL: info
  Api:
    Cors:
      AllowOrigin: !Sub "'${Origin}'"
      AllowHeaders: "'Authorization,Content-Type'"
      MaxAge: "'600'"
Resources:
  SessionsTable:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions:
        - {AttributeName: user_key, AttributeType: S}
        - {AttributeName: sk, AttributeType: S}
        - {AttributeName: access_token_hash, AttributeType: S}
      KeySchema:
        - {AttributeName: user_key, KeyType: HASH}
        - {AttributeName: sk, KeyType: RANGE}
      GlobalSecondaryIndexes:
        - IndexName: access_token
          KeySchema: [{AttributeName: access_token_hash, KeyType: HASH}]
          Projection: {ProjectionType: KEYS_ONLY}
      TimeToLiveSpecification: {AttributeName: ttl, Enabled: true}
  UsersTable:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub "latchkey-${Environment}-users"
      AttributeDefinitions: [{AttributeName: username, AttributeType: S}]
      KeySchema: [{AttributeName: username, KeyType: HASH}]
  ProdOnlyTable:
    Type: AWS::DynamoDB::Table
    Condition: Prod
    Properties:
      AttributeDefinitions: [{AttributeName: id, AttributeType: N}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: !If [Prod, live, !Ref Environment]
      Auth:
        DefaultAuthorizer: Bearer
        AddDefaultAuthorizerToCorsPreflight: false
        Authorizers:
          Bearer:
            FunctionArn: !GetAtt AuthorizerFunction.Arn
            Identity:
              Header: Authorization
              ValidationExpression: !If
                - TakesImported
                - '[Bb]earer [A-Za-z0-9_-]{16,256}'
                - '[Bb]earer lk[ar]_[A-Za-z0-9_-]{252}'
              ReauthorizeEvery: !Ref ResultTtl
      GatewayResponses:
        UNAUTHORIZED:
          StatusCode: 401
          ResponseParameters:
            Headers:
              WWW-Authenticate: "'Bearer'"
              Access-Control-Allow-Origin: !Sub "'${Origin}'"
          ResponseTemplates:
            application/json: '{"code":"unauthorized"}'
        DEFAULT_4XX: {}
  LoginFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: login}}
    Properties:
      Timeout: 10
      Policies: [!Select [0, [a, b]]]
      Environment:
        Variables:
          LOG_LEVEL: debug
          RETENTION: !FindInMap [Sizes, !Ref Environment, Retention]
          WHERE: !Sub ["${Zone}/${AWS::Region}/${!Kept}/${UsersTable}", {Zone: !Join ["-", [a, !Ref Environment]]}]
          ONLY_PROD: !If [Prod, "yes", !Ref AWS::NoValue]
      Events:
        Login: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /login, Method: post, Auth: {Authorizer: NONE}}}
        Nightly: {Type: Schedule, Properties: {Schedule: rate(1 day)}}
  SessionsFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: sessions}}
    Properties:
      Events:
        End: {Type: Api, Properties: {RestApiId: !Ref Api, Path: "/sessions/{login_id}", Method: DELETE}}
  AuthorizerFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: authorizer}}
    Properties: {}
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties: {Threshold: !ImportValue Elsewhere}
"#;

fn parse(overrides: &[(&str, &str)]) -> Result<Template, TemplateError> {
    let overrides = overrides.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Template::parse(SMALL, &overrides)
}

fn changed(from: &str, to: &str) -> String {
    assert!(SMALL.contains(from), "{from}");
    let error = Template::parse(&SMALL.replacen(from, to, 1), &BTreeMap::new()).unwrap_err();
    error.to_string()
}

#[test]
fn tables() {
    let template = parse(&[]).unwrap();
    let [sessions, users] = template.tables.as_slice() else { panic!("{:?}", template.tables) };
    assert_eq!((sessions.logical_id.as_str(), sessions.name.as_str()), ("SessionsTable", "SessionsTable"));
    assert_eq!(sessions.key, KeySchema { partition: "user_key".to_owned(), sort: Some("sk".to_owned()) });
    assert_eq!(sessions.attributes.get("access_token_hash"), Some(&AttributeType::String));
    assert_eq!(sessions.ttl_attribute.as_deref(), Some("ttl"));
    let key = KeySchema { partition: "access_token_hash".to_owned(), sort: None };
    assert_eq!(sessions.indexes, [Index { name: "access_token".to_owned(), key, projection: Projection::KeysOnly }]);
    assert_eq!((users.name.as_str(), &users.key.sort, &users.ttl_attribute), ("latchkey-dev-users", &None, &None));
    assert_eq!(parse(&[("Environment", "prod")]).unwrap().tables.len(), 3);
}

#[test]
fn functions_and_their_environment() {
    let template = parse(&[("AccessTokenTtl", "1m")]).unwrap();
    let login = template.function("LoginFunction").unwrap();
    assert_eq!((login.binary.as_str(), login.timeout.as_secs()), ("login", 10));
    let expected = [
        ("ACCESS_TOKEN_TTL", "1m"),
        ("LOG_LEVEL", "debug"),
        ("RETENTION", "7"),
        ("SESSIONS_TABLE", "SessionsTable"),
        ("USERS_TABLE", "latchkey-dev-users"),
        ("WHERE", "a-dev/us-east-1/${Kept}/latchkey-dev-users"),
    ];
    let environment: Vec<_> = login.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(environment, expected);
    let sessions = template.function("SessionsFunction").unwrap();
    assert_eq!((sessions.timeout.as_secs(), sessions.environment["LOG_LEVEL"].as_str()), (5, "info"));
    assert_eq!(parse(&[("Environment", "prod")]).unwrap().function("LoginFunction").unwrap().environment["ONLY_PROD"], "yes");
}

#[test]
fn routes_and_authorizer() {
    let template = parse(&[]).unwrap();
    let routes: Vec<_> = template.routes.iter().map(|r| (&*r.method, &*r.path, &*r.function, r.authorized)).collect();
    assert_eq!(routes, [("POST", "/login", "LoginFunction", false), ("DELETE", "/sessions/{login_id}", "SessionsFunction", true)]);
    assert_eq!((template.stage.as_str(), parse(&[("Environment", "prod")]).unwrap().stage.as_str()), ("dev", "live"));
    let authorizer = template.authorizer.unwrap();
    assert_eq!((authorizer.function.as_str(), authorizer.header.as_str()), ("AuthorizerFunction", "Authorization"));
    assert!(authorizer.result_ttl.is_zero());
    let whole = format!("Bearer lka_{}", "a".repeat(252));
    let expression = authorizer.validation.unwrap();
    assert!(expression.is_match(&whole));
    for other in [format!("{whole}a"), format!(" {whole}"), format!("{whole}\n"), "Bearer short_but_importable".to_owned()] {
        assert!(!expression.is_match(&other), "{other}");
    }
    let imported = parse(&[("Imported", "true"), ("ResultTtl", "60")]).unwrap().authorizer.unwrap();
    assert!(imported.validation.unwrap().is_match("Bearer short_but_importable"));
    assert_eq!(imported.result_ttl.as_secs(), 60);
}

#[test]
fn cors_and_gateway_responses() {
    let template = parse(&[("Origin", "https://app.example")]).unwrap();
    let expected = Cors {
        allow_origin: Some("https://app.example".to_owned()),
        allow_methods: None,
        allow_headers: Some("Authorization,Content-Type".to_owned()),
        max_age: Some("600".to_owned()),
        allow_credentials: false,
        authorized: false,
    };
    assert_eq!(template.cors, Some(expected));
    let unauthorized = &template.gateway_responses["UNAUTHORIZED"];
    assert_eq!(unauthorized.status, Some(401));
    assert_eq!(unauthorized.headers["WWW-Authenticate"], "Bearer");
    assert_eq!(unauthorized.headers["Access-Control-Allow-Origin"], "https://app.example");
    assert_eq!(unauthorized.bodies["application/json"], r#"{"code":"unauthorized"}"#);
    assert_eq!(template.gateway_responses["DEFAULT_4XX"], GatewayResponse::default());
}

#[test]
fn what_sam_does_where_the_template_is_silent() {
    let silent = SMALL.replace("        AddDefaultAuthorizerToCorsPreflight: false\n", "");
    assert!(Template::parse(&silent, &BTreeMap::new()).unwrap().cors.unwrap().authorized);
    let silent = SMALL.replace("              ReauthorizeEvery: !Ref ResultTtl\n", "");
    assert_eq!(Template::parse(&silent, &BTreeMap::new()).unwrap().authorizer.unwrap().result_ttl.as_secs(), 300);
    let origin = |template: &str| Template::parse(template, &BTreeMap::new()).unwrap().cors.unwrap().allow_origin;
    let given = "      AllowOrigin: !Sub \"'${Origin}'\"\n";
    assert_eq!(origin(&SMALL.replacen(given, "", 1)).as_deref(), Some("*"));
    assert_eq!(origin(&SMALL.replacen(given, "      AllowOrigin: !Ref AWS::NoValue\n", 1)), None);
}

#[test]
fn parameters_are_checked() {
    let error = |overrides: &[(&str, &str)]| parse(overrides).unwrap_err().to_string();
    assert_eq!(error(&[("Enviroment", "prod")]), "the template has no parameter Enviroment");
    assert_eq!(error(&[("Environment", "test")]), "Parameters.Environment: expected one of dev, prod, found \"test\"");
    assert_eq!(changed("Default: 5m", "NoEcho: true"), "parameter AccessTokenTtl has no default: it needs a value");
}

#[test]
fn errors_name_the_place_and_what_was_expected() {
    let api = "Resources.Api.Properties";
    let cases = [
        ("StatusCode: 401", "StatusCode: 4o1", format!("{api}.GatewayResponses.UNAUTHORIZED.StatusCode: expected a whole number, found \"4o1\"")),
        ("StatusCode: 401", "StatusCode: 999", format!("{api}.GatewayResponses.UNAUTHORIZED.StatusCode: expected an HTTP status, found \"999\"")),
        ("\"'Bearer'\"", "Bearer", format!("{api}.GatewayResponses.UNAUTHORIZED.ResponseParameters.Headers.WWW-Authenticate: expected a static value in single quotes: \"'value'\", found \"Bearer\"")),
        ("DEFAULT_4XX: {}", "DEFAULT_4X: {}", format!("{api}.GatewayResponses.DEFAULT_4X: expected to stand under a response type of API Gateway, found a mapping")),
        ("!GetAtt AuthorizerFunction.Arn", "!GetAtt AuthoriserFunction.Arn", format!("{api}.Auth.Authorizers.Bearer.FunctionArn: there is no AuthoriserFunction.Arn")),
        ("!GetAtt AuthorizerFunction.Arn", "arn:x", format!("{api}.Auth.Authorizers.Bearer.FunctionArn: expected the ARN of a function: !GetAtt Function.Arn, found \"arn:x\"")),
        ("            Identity:\n", "            FunctionPayloadType: REQUEST\n            Identity:\n", format!("{api}.Auth.Authorizers.Bearer.FunctionPayloadType: expected TOKEN, found \"REQUEST\"")),
        ("{BuildProperties: {Binary: sessions}}", "{BuildProperties: {}}", "Resources.SessionsFunction.Metadata.BuildProperties.Binary: expected a value, found nothing".to_owned()),
        ("LOG_LEVEL: debug", "LOG_LEVEL: [debug]", "Resources.LoginFunction.Properties.Environment.Variables.LOG_LEVEL: expected text, found a list".to_owned()),
        ("LOG_LEVEL: debug", "LOG_LEVEL: !Select [0, [debug]]", "Resources.LoginFunction.Properties.Environment.Variables.LOG_LEVEL: Fn::Select is not understood here (known: Ref, Sub, GetAtt, If, Join, FindInMap, and conditions)".to_owned()),
        ("!If [Prod, live,", "!If [Production, live,", format!("{api}.StageName: there is no Production")),
        ("{AttributeName: sk, KeyType: RANGE}", "{AttributeName: sk, KeyType: SORT}", "Resources.SessionsTable.Properties.KeySchema[1].KeyType: expected HASH or RANGE, found \"SORT\"".to_owned()),
        ("        - {AttributeName: sk, AttributeType: S}\n", "", "Resources.SessionsTable.Properties.AttributeDefinitions: expected a definition of sk, found a list".to_owned()),
        ("Type: Api, Properties: {RestApiId: !Ref Api, Path: /login", "Type: HttpApi, Properties: {Path: /login", "Resources.LoginFunction.Properties.Events.Login.Type: expected an event of the REST API, found \"HttpApi\"".to_owned()),
        ("'[Bb]earer lk[ar]_[A-Za-z0-9_-]{252}'", "'(?<=x)y'", format!("{api}.Auth.Authorizers.Bearer.Identity.ValidationExpression: expected a regular expression")),
    ];
    for (from, to, expected) in cases {
        assert_eq!(changed(from, to), expected);
    }
}

#[test]
fn what_is_no_template() {
    for (text, expected) in [
        ("", "the template has 0 YAML documents: expected 1"),
        ("Resources: [", "the template is not YAML"),
        ("a: 1", "Resources: expected a mapping, found nothing"),
        ("Resources: {X: {Properties: {}}}", "Resources.X.Type: expected a value, found nothing"),
    ] {
        assert_eq!(Template::parse(text, &BTreeMap::new()).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn circles_are_refused() {
    let table = "Resources: {T: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Ref T}}}";
    let condition = "Conditions: {A: !Condition B, B: !Not [!Condition A]}\nResources: {T: {Type: X, Condition: A}}";
    for (text, place) in [(table, "Resources.T.Properties.TableName"), (condition, "Conditions.A")] {
        let error = Template::parse(text, &BTreeMap::new()).unwrap_err().to_string();
        assert_eq!(error, format!("{place}: the references there go in a circle"));
    }
}

#[test]
fn a_resource_as_it_would_be_deployed() {
    let alarm = "Properties: {Threshold: !ImportValue Elsewhere}";
    assert_eq!(
        Template::properties(SMALL, &BTreeMap::new(), "AWS::CloudWatch::Alarm").unwrap_err().to_string(),
        "Resources.Alarm.Properties.Threshold: Fn::ImportValue is not understood here (known: Ref, Sub, GetAtt, If, Join, FindInMap, and conditions)"
    );
    let mended = SMALL.replace(
        alarm,
        "Properties: {Threshold: 1, Actions: [!If [Prod, a, !Ref AWS::NoValue], !Ref Topic], On: [{Name: T, Value: !Ref UsersTable}]}",
    );
    let parsed = Template::properties(
        &mended.replace("  Alarm:\n", "  Topic: {Type: AWS::SNS::Topic}\n  Alarm:\n"),
        &BTreeMap::new(),
        "AWS::CloudWatch::Alarm",
    );
    let expected = serde_json::json!({"Threshold": "1", "Actions": ["Topic"], "On": [{"Name": "T", "Value": "latchkey-dev-users"}]});
    assert_eq!(parsed.unwrap(), BTreeMap::from([("Alarm".to_owned(), expected)]));
}

/// The repository's own template: what `latchkey dev` reads.
#[test]
fn the_real_template() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml")).unwrap();
    let template = Template::parse(&text, &BTreeMap::new()).unwrap();

    let binaries: std::collections::BTreeSet<_> = template.functions.iter().map(|function| &*function.binary).collect();
    assert_eq!(binaries.into_iter().collect::<Vec<_>>(), ["authorizer", "login", "refresh", "sessions"]);
    assert_eq!(template.tables.len(), 3);
    let mut routes: Vec<_> = template.routes.iter().map(|route| (&*route.path, &*route.method, route.authorized)).collect();
    routes.sort_unstable();
    assert_eq!(
        routes,
        [
            ("/login", "POST", false),
            ("/logout", "POST", false),
            ("/me", "GET", true),
            ("/me/password", "PUT", true),
            ("/refresh", "POST", false),
            ("/sessions", "DELETE", true),
            ("/sessions", "GET", true),
            ("/sessions/{login_id}", "DELETE", true),
        ]
    );
    let authorizer = template.authorizer.as_ref().unwrap();
    assert_eq!(template.function(&authorizer.function).unwrap().binary, "authorizer");
    assert!(authorizer.result_ttl.is_zero(), "the revocation lag is opted into");
    let token = format!("lka_{}", "a".repeat(252));
    let expression = authorizer.validation.as_ref().unwrap();
    assert!(expression.is_match(&format!("Bearer {token}")) && expression.is_match(&format!("bEARER {token}")));
    assert!(!expression.is_match(&format!("Bearer  {token}")) && !expression.is_match(&token));
    assert!(template.cors.as_ref().is_some_and(|cors| !cors.authorized), "preflight takes no authorizer");
    assert_eq!(template.gateway_responses["MISSING_AUTHENTICATION_TOKEN"].status, Some(404));
    assert_eq!(template.gateway_responses["ACCESS_DENIED"].status, Some(401));
}

/// examples/http-api: API Gateway asks the authorizer before every route but `/health`, and may invoke it.
#[test]
fn the_http_api_example() {
    let text = include_str!("../../../examples/http-api/template.yaml");
    let template = document::read(text).unwrap();
    let resources = &template["Resources"];
    let authorizer = json!({
        "FunctionArn": {"Ref": "AuthorizerFunctionArn"},
        "AuthorizerPayloadFormatVersion": "2.0",
        "EnableSimpleResponses": "true",
        "EnableFunctionDefaultPermissions": "true",
        "Identity": {"Headers": ["Authorization"], "Context": ["routeKey"], "ReauthorizeEvery": {"Ref": "AuthorizerResultTtl"}},
    });
    let auth = json!({"DefaultAuthorizer": "Latchkey", "Authorizers": {"Latchkey": authorizer}});
    assert_eq!(resources["Api"]["Properties"]["Auth"], auth);
    assert_eq!(template["Parameters"]["AuthorizerResultTtl"]["Default"], "0");
    let events = resources["HelloFunction"]["Properties"]["Events"].as_object().unwrap();
    let event = |event: &Value| {
        let properties = &event["Properties"];
        assert_eq!((&event["Type"], &properties["ApiId"]), (&json!("HttpApi"), &json!({"Ref": "Api"})));
        let text = |name: &str| properties[name].as_str().unwrap().to_owned();
        (text("Method"), text("Path"), properties["Auth"]["Authorizer"].as_str().map(str::to_owned))
    };
    let mut events: Vec<_> = events.values().map(event).collect();
    events.sort_unstable();
    let route = |method: &str, path: &str, authorizer: Option<&str>| (method.to_owned(), path.to_owned(), authorizer.map(str::to_owned));
    assert_eq!(events, [route("GET", "/health", Some("NONE")), route("GET", "/hello", None), route("POST", "/hello", None)]);

    let parameters = [("AuthorizerFunctionArn".to_owned(), "arn:aws:lambda:us-east-1:123456789012:function:authorizer".to_owned())].into();
    let error = Template::parse(text, &parameters).unwrap_err().to_string();
    assert_eq!(error, "Resources.Api: expected no HTTP API: the local gateway serves REST APIs only, found a mapping");
}
