"""The steps of scripts/stack-check, which starts the emulator: BUILD_DIRECTORY WORK_DIRECTORY

What ministack lacks is left out of a copy of the template, or set by a call after the deployment. template.yaml isn't bent to it."""
import json, os, pathlib, platform, subprocess, sys, urllib.error, urllib.request

import boto3
from samcli.yamlhelper import yaml_dump, yaml_parse

build, work = map(pathlib.Path, sys.argv[1:])
STACK, API, STAGE, ORIGIN = "latchkey-check", "Api", "v1", "capacitor://localhost"
URL = os.environ["AWS_ENDPOINT_URL"]
FUNCTIONS = ("LoginFunction", "RefreshFunction", "AuthorizerFunction", "SessionsFunction")
TABLES = ("SessionsTable", "UsersTable", "LoginAttemptsTable")
cloudformation, dynamodb, lambdas, gateway = (boto3.client(name) for name in ("cloudformation", "dynamodb", "lambda", "apigateway"))


def expect(what, seen, expected):
    if seen != expected:
        sys.exit(f"FAILED  {what}: {seen!r}, expected {expected!r}")
    print(f"ok      {what}", flush=True)


def sam(*arguments):
    result = subprocess.run(["sam", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=work)
    if result.returncode:
        sys.exit(f"FAILED  sam {arguments[0]}\n{result.stdout}\n{result.stderr}")


def adjusted(template):
    """Without the alarms on metric math, which ministack refuses, and the dashboard, which lists them."""
    for name, resource in list(template["Resources"].items()):
        if resource["Type"] == "AWS::CloudWatch::Dashboard" or (
                resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]):
            del template["Resources"][name]
        elif resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = str(build / name)
    del template["Outputs"]["DashboardUrl"]
    template["Globals"]["Function"]["Environment"]["Variables"]["AWS_ENDPOINT_URL_DYNAMODB"] = URL
    return template


def deploy(**parameters):
    parameters = {"DeletionProtection": "false", "Architecture": {"aarch64": "arm64"}.get(platform.machine(), platform.machine()),
                  "ReplayWindow": "10s", "CorsAllowOrigin": ORIGIN, **parameters}
    sam("deploy", "--template-file", str(work / "template.yaml"), "--stack-name", STACK, "--resolve-s3", "--no-confirm-changeset",
        "--capabilities", "CAPABILITY_IAM", "--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items()))


def resources():
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK)
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for page in pages for each in page["StackResourceSummaries"]}


def put_gateway_responses(api):
    """ministack doesn't import those of the API's definition."""
    def text(value):
        if isinstance(value, dict) and "Fn::If" in value:
            assert value["Fn::If"][0] == "AllowsPages", value
            return text(value["Fn::If"][1])
        return value["Fn::Sub"].replace("${CorsAllowOrigin}", ORIGIN) if isinstance(value, dict) else value
    for kind, response in template["Resources"][API]["Properties"]["GatewayResponses"].items():
        headers = response["ResponseParameters"]["Headers"]
        gateway.put_gateway_response(
            restApiId=api, responseType=kind, statusCode=str(response["StatusCode"]), responseTemplates=response["ResponseTemplates"],
            responseParameters={f"gatewayresponse.header.{name}": text(value) for name, value in headers.items()})
    gateway.create_deployment(restApiId=api, stageName=STAGE)


def ask(api, method, path, **headers):
    request = urllib.request.Request(f"{URL}/_aws/execute-api/{api}/{STAGE}{path}", method=method, headers=headers)
    try:
        answer = urllib.request.urlopen(request)
    except urllib.error.HTTPError as refusal:
        answer = refusal
    return answer.status, json.loads(answer.read() or b"{}").get("code"), answer.headers.get_all("Content-Type")


def smoke(api, tables):
    command = [os.environ["LATCHKEY"], "smoke", f"{URL}/_aws/execute-api/{api}/{STAGE}",
               "--sessions-table", tables["SessionsTable"], "--users-table", tables["UsersTable"]]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, text=True)
    if result.returncode:
        sys.exit(f"FAILED  latchkey smoke: exit {result.returncode}")


template = adjusted(yaml_parse((build / "template.yaml").read_text()))
(work / "template.yaml").write_text(yaml_dump(template))

deploy()
stack = resources()
api = stack[API]
status = lambda: cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
expect("sam deploy creates the stack", status(), "CREATE_COMPLETE")
authorizer, = gateway.get_authorizers(restApiId=api)["items"]
expect("the authorizer's answers aren't kept", authorizer["authorizerResultTtlInSeconds"], 0)
aliases = {name: lambdas.get_alias(FunctionName=stack[name], Name="live")["FunctionVersion"] for name in FUNCTIONS}
expect("each alias stands at its first version", aliases, dict.fromkeys(FUNCTIONS, "1"))
iam = boto3.client("iam")
expect("no function has a managed policy", [iam.list_attached_role_policies(RoleName=stack[name.replace("Function", "Role")])["AttachedPolicies"]
                                            for name in FUNCTIONS], [[]] * 4)
put_gateway_responses(api)
problem = ["application/problem+json"]
expect("without a token", ask(api, "GET", "/me"), (401, "missing_token", problem))
expect("a malformed token", ask(api, "GET", "/me", Authorization="Bearer lka_short"), (401, "missing_token", problem))
expect("an unknown path", ask(api, "GET", "/nothing"), (404, "not_found", problem))
smoke(api, stack)

deploy(AccessTokenTtl="7m")
expect("sam deploy updates one parameter", status(), "UPDATE_COMPLETE")
updated = resources()
expect("tables, API and functions stay", {name: updated[name] for name in (*TABLES, API, *FUNCTIONS)},
       {name: stack[name] for name in (*TABLES, API, *FUNCTIONS)})
aliases = {name: lambdas.get_alias(FunctionName=stack[name], Name="live")["FunctionVersion"] for name in FUNCTIONS}
expect("the functions that the parameter is for have a new version", aliases,
       {"LoginFunction": "2", "RefreshFunction": "2", "AuthorizerFunction": "1", "SessionsFunction": "1"})
environment = lambdas.get_function_configuration(FunctionName=stack["LoginFunction"], Qualifier="live")["Environment"]["Variables"]
expect("the alias's version has the new value", environment["ACCESS_TOKEN_TTL"], "7m")
put_gateway_responses(api)
smoke(api, stack)

# SAM sees the same text of the function, so only the version's description can tell that a table was replaced. Its name is given here:
# ministack generates the same name for every replacement, where CloudFormation draws a new last part.
template["Resources"]["LoginAttemptsTable"]["Properties"]["TableName"] = f"{STACK}-LoginAttemptsTable-ANOTHER"
(work / "template.yaml").write_text(yaml_dump(template))
deploy(AccessTokenTtl="7m")
replaced = resources()
expect("a table is replaced", replaced["LoginAttemptsTable"] != stack["LoginAttemptsTable"], True)
live = {name: lambdas.get_function_configuration(FunctionName=stack[name], Qualifier="live") for name in FUNCTIONS}
expect("the alias's version uses the new table", live["LoginFunction"]["Environment"]["Variables"]["LOGIN_ATTEMPTS_TABLE"],
       replaced["LoginAttemptsTable"])
expect("only the function that uses it has a new version", {name: one["Version"] for name, one in live.items()},
       {"LoginFunction": "3", "RefreshFunction": "2", "AuthorizerFunction": "1", "SessionsFunction": "1"})

sam("delete", "--stack-name", STACK, "--no-prompts", "--region", os.environ["AWS_REGION"])
expect("sam delete leaves the tables", {stack[name] for name in TABLES} - set(dynamodb.list_tables()["TableNames"]), set())
expect("sam delete removes the functions", [each["FunctionName"] for each in lambdas.list_functions()["Functions"]], [])
