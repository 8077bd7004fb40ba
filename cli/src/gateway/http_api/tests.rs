//! Over real HTTP, with functions that do as the request says.

mod answers;
mod authorizing;
mod events;
mod routing;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::{
    gateway::{
        GatewayOptions,
        stand::{Function, Stand},
    },
    invoke::{FunctionError, FunctionFuture},
};

/// `team` answers with its event, `told` with its request's body.
const TEMPLATE: &str = r#"
Parameters:
  ResultTtl: {Type: Number, Default: 0}
Globals:
  Function: {Timeout: 1}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        DefaultAuthorizer: Bearer
        Authorizers:
          Bearer:
            FunctionArn: !GetAtt AuthorizerFunction.Arn
            AuthorizerPayloadFormatVersion: "2.0"
            EnableSimpleResponses: true
            EnableFunctionDefaultPermissions: true
            Identity: {Headers: [Authorization], Context: [routeKey], ReauthorizeEvery: !Ref ResultTtl}
  AuthorizerFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: authorizer}}
    Properties: {}
  TeamFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: team}}
    Properties:
      Events:
        Me: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /me, Method: GET}}
        Dog: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /pets/dog, Method: GET}}
        Pet: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: "/pets/{id}", Method: GET}}
        AnyPet: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: "/pets/{id}", Method: ANY}}
        Pets: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: "/pets/{proxy+}", Method: ANY}}
        Shops: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: "/shops/{proxy+}", Method: ANY}}
        Toys: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: "/{kind}/toys", Method: GET}}
        Open: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: "/open/{item}", Auth: {Authorizer: NONE}}}
  ToldFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: told}}
    Properties:
      Events:
        Told: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /told, Method: POST, Auth: {Authorizer: NONE}}}
  OrphanFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: orphan}}
    Properties:
      Events:
        Orphan: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /orphan, Method: GET, Auth: {Authorizer: NONE}}}
"#;

/// Beside them a route for everything else.
const DEFAULT: &str = r#"
  ElseFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: else}}
    Properties:
      Events:
        Else: {Type: HttpApi, Properties: {ApiId: !Ref Api, Auth: {Authorizer: NONE}}}
"#;

async fn stand() -> Stand {
    stand_with(&[], GatewayOptions::default()).await
}

async fn stand_with(overrides: &[(&str, &str)], options: GatewayOptions) -> Stand {
    let functions: [Function; 4] = [("authorizer", authorizer), ("team", echo), ("told", answer_as_told), ("else", echo)];
    Stand::serve(TEMPLATE, overrides, options, &functions).await
}

fn echo(event: Value) -> FunctionFuture {
    Box::pin(async move { Ok(event) })
}

fn answer_as_told(event: Value) -> FunctionFuture {
    Box::pin(async move {
        match event["body"].as_str().unwrap_or_default() {
            "panic" => panic!("as told"),
            "fail" => Err(FunctionError::failed("StoreDown", "the table is gone")),
            "hang" => std::future::pending().await,
            told => Ok(serde_json::from_str(told).unwrap()),
        }
    })
}

fn authorizer(event: Value) -> FunctionFuture {
    Box::pin(async move {
        match event["identitySource"][0].as_str().unwrap() {
            "Bearer allow" => Ok(json!({"isAuthorized": true, "context": {"user_id": "user-1", "generation": "7"}})),
            "Bearer bare" => Ok(json!({"isAuthorized": true})),
            "Bearer policy" => Ok(json!({"principalId": "user-1", "policyDocument": {"Version": "2012-10-17", "Statement": []}})),
            "Bearer almost" => Ok(json!({"isAuthorized": "true"})),
            "Bearer fail" => Err(FunctionError::failed("StoreUnavailable", "the session store gave no answer")),
            "Bearer panic" => panic!("as told"),
            "Bearer hang" => std::future::pending().await,
            _ => Ok(json!({"isAuthorized": false})),
        }
    })
}
