//! Over real HTTP, with functions that do as the request says.

mod answers;
mod authorizing;
mod events;
mod logging;
mod refusals;
mod routing;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use latchkey::clock::Clock;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;

use super::*;
use crate::{
    gateway::{
        GatewayOptions,
        stand::{Function, Stand},
    },
    invoke::{FunctionError, FunctionFuture},
};

/// `login` answers with its request's body, `refresh` and `sessions` with their event.
const TEMPLATE: &str = r#"
Parameters:
  ResultTtl: {Type: Number, Default: 0}
  PreflightAsks: {Type: String, Default: "false"}
Globals:
  Function: {Timeout: 1}
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: v1
      Cors: {AllowOrigin: "'https://app.example'", AllowHeaders: "'Authorization'", MaxAge: "'600'"}
      Auth:
        DefaultAuthorizer: Bearer
        AddDefaultAuthorizerToCorsPreflight: !Ref PreflightAsks
        Authorizers:
          Bearer:
            FunctionArn: !GetAtt AuthorizerFunction.Arn
            Identity: {ValidationExpression: "(?i:bearer) [a-z-]+", ReauthorizeEvery: !Ref ResultTtl}
      GatewayResponses:
        UNAUTHORIZED:
          ResponseParameters: {Headers: {WWW-Authenticate: "'Bearer'", Cache-Control: "'no-store'"}}
        ACCESS_DENIED:
          StatusCode: 401
          ResponseParameters: {Headers: {WWW-Authenticate: "'Bearer error=\"invalid_token\"'"}}
        AUTHORIZER_FAILURE: {StatusCode: 503, ResponseParameters: {Headers: {Retry-After: "'1'"}}}
        MISSING_AUTHENTICATION_TOKEN: {StatusCode: 404}
        DEFAULT_4XX:
          ResponseParameters: {Headers: {Content-Type: "'application/problem+json'"}}
          ResponseTemplates:
            application/json: '{"type":"$context.error.responseType","title":$context.error.messageString,"raw":"$context.error.message","id":"$context.requestId","unknown":"$context.nothing.like.it"}'
        DEFAULT_5XX:
          ResponseTemplates:
            application/problem+json: '{"type":"${context.error.responseType}","title":$context.error.messageString}'
  AuthorizerFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: authorizer}}
    Properties: {}
  LoginFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: login}}
    Properties:
      Events:
        Login: {Type: Api, Properties: {Path: /login, Method: POST, Auth: {Authorizer: NONE}}}
  RefreshFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: refresh}}
    Properties:
      Events:
        Refresh: {Type: Api, Properties: {Path: /refresh, Method: ANY, Auth: {Authorizer: NONE}}}
        Item: {Type: Api, Properties: {Path: "/open/{item}", Method: POST, Auth: {Authorizer: NONE}}}
  SessionsFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: sessions}}
    Properties:
      Events:
        Me: {Type: Api, Properties: {Path: /me, Method: GET}}
        List: {Type: Api, Properties: {Path: /sessions, Method: GET}}
        EndAll: {Type: Api, Properties: {Path: /sessions, Method: DELETE}}
        End: {Type: Api, Properties: {Path: "/sessions/{login_id}", Method: DELETE}}
  OrphanFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: orphan}}
    Properties:
      Events:
        Orphan: {Type: Api, Properties: {Path: /orphan, Method: GET, Auth: {Authorizer: NONE}}}
"#;

impl Stand {
    async fn up() -> Self {
        Self::with(&[], GatewayOptions::default()).await
    }

    async fn with(overrides: &[(&str, &str)], options: GatewayOptions) -> Self {
        let functions: [Function; 4] = [("authorizer", authorizer), ("login", answer_as_told), ("refresh", echo), ("sessions", echo)];
        Self::serve(TEMPLATE, overrides, options, &functions).await
    }
}

fn echo(event: Value) -> FunctionFuture {
    Box::pin(async move { Ok(json!({"statusCode": 200, "body": event.to_string()})) })
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
    let policy = |effect: &str, resource: &str, context: Value| {
        let statement = json!([{"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}]);
        Ok(json!({
            "principalId": "user-1",
            "policyDocument": {"Version": "2012-10-17", "Statement": statement},
            "context": context,
        }))
    };
    Box::pin(async move {
        let token = event["authorizationToken"].as_str().unwrap();
        match token.split_once(' ').unwrap().1 {
            "allow" => policy("Allow", "*", json!({"user_id": "user-1", "generation": 7, "fresh": true})),
            "me-only" => policy("Allow", "arn:aws:execute-api:*:*:*/v1/GET/me", json!({})),
            "deny" => policy("Deny", "*", json!({})),
            "elsewhere" => policy("Allow", "arn:aws:execute-api:us-east-1:123456789012:latchkey00/v2/*", json!({})),
            "nested" => policy("Allow", "*", json!({"session": {"id": 1}})),
            "malformed" => Ok(json!({"isAuthorized": true})),
            "unauthorized" => Err(FunctionError::failed("Error", "Unauthorized")),
            "almost" => Err(FunctionError::failed("Error", "Unauthorized.")),
            "panic" => panic!("as told"),
            "hang" => std::future::pending().await,
            other => panic!("{other}"),
        }
    })
}
