"""The steps of scripts/stack-check, which starts the emulator: BUILD_DIRECTORY WORK_DIRECTORY

What ministack lacks is left out of a copy of the template, or set by a call after the deployment. template.yaml isn't bent to it."""
import json, os, pathlib, platform, re, shutil, subprocess, sys, urllib.error, urllib.request

import boto3
from samcli.yamlhelper import yaml_dump, yaml_parse

build, work = map(pathlib.Path, sys.argv[1:])
STACK, EXAMPLE, API, STAGE, ORIGIN = "latchkey-check", "hello-check", "Api", "v1", "capacitor://localhost"
URL = os.environ["AWS_ENDPOINT_URL"]
FUNCTIONS = ("LoginFunction", "RefreshFunction", "AuthorizerFunction", "SessionsFunction")
TABLES = ("SessionsTable", "UsersTable", "LoginAttemptsTable")
cloudformation, dynamodb, lambdas, gateway, gateway2, iam, sts = (
    boto3.client(name) for name in ("cloudformation", "dynamodb", "lambda", "apigateway", "apigatewayv2", "iam", "sts"))


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
    for function in (*FUNCTIONS, "AdminFunction"):
        watched = template["Resources"][function]["Properties"]["DeploymentPreference"]["Alarms"]["Fn::If"]
        watched[1] = [alarm for alarm in watched[1] if alarm["Ref"] in template["Resources"]]
    del template["Outputs"]["DashboardUrl"]
    template["Globals"]["Function"]["Environment"]["Variables"]["AWS_ENDPOINT_URL_DYNAMODB"] = URL
    return template


def deploy(template="template.yaml", stack=STACK, **parameters):
    parameters = {"Architecture": {"aarch64": "arm64"}.get(platform.machine(), platform.machine()), **parameters}
    sam("deploy", "--template-file", str(work / template), "--stack-name", stack, "--resolve-s3", "--no-confirm-changeset",
        "--capabilities", "CAPABILITY_IAM", "--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items()))


def resources(stack=STACK):
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
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


def send(api, stage, method, path, body=None, **headers):
    request = urllib.request.Request(f"{URL}/_aws/execute-api/{api}/{stage}{path}", method=method, headers=headers, data=body)
    try:
        answer = urllib.request.urlopen(request)
    except urllib.error.HTTPError as refusal:
        answer = refusal
    return answer.status, json.loads(answer.read() or b"{}"), answer.headers


def ask(api, method, path, **headers):
    status, body, answered = send(api, STAGE, method, path, **headers)
    return status, body.get("code"), answered.get_all("Content-Type")


def smoke(api, tables, *more, **environment):
    command = [os.environ["LATCHKEY"], "smoke", f"{URL}/_aws/execute-api/{api}/{STAGE}",
               "--sessions-table", tables["SessionsTable"], "--users-table", tables["UsersTable"], *more]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, text=True, env={**os.environ, **environment})
    if result.returncode:
        sys.exit(f"FAILED  latchkey smoke: exit {result.returncode}")


def add_back_office(settings):
    """AdminApi=Regional on the running stack, and a walk with the credentials of a role. ministack wants a signature and names its caller to the
    function, as API Gateway does. It verifies no signature and evaluates no policy, neither the API's nor the role's."""
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="support", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    deploy(**settings, AdminApi="Regional", AdminCallers=role)
    made = resources()
    office = made["AdminRestApi"]
    methods = [(each["path"], method, declared["authorizationType"])
               for each in gateway.get_resources(restApiId=office, embed=["methods"], limit=500)["items"]
               for method, declared in each.get("resourceMethods", {}).items()]
    declared = [event["Properties"] for event in template["Resources"]["AdminFunction"]["Properties"]["Events"].values()]
    expect("the back office: every route wants a signature", sorted(methods),
           sorted((each["Path"], each["Method"].upper(), "AWS_IAM") for each in declared))
    for path, method, _ in methods:
        if send(office, STAGE, method, path.replace("{hash}", "x"))[0] != 403:
            sys.exit(f"FAILED  {method} {path} is open without a signature")
    print("ok      the back office: each of them is 403 without one", flush=True)
    caller = sts.assume_role(RoleArn=role, RoleSessionName="stack-check")["Credentials"]
    smoke(made[API], made, "--admin-url", f"{URL}/_aws/execute-api/{office}/{STAGE}", AWS_ACCESS_KEY_ID=caller["AccessKeyId"],
          AWS_SECRET_ACCESS_KEY=caller["SecretAccessKey"], AWS_SESSION_TOKEN=caller["SessionToken"])
    deploy(**settings, AdminApi="Disabled")
    expect("the back office goes again", {"AdminRestApi", "AdminFunction"} & set(resources()), set())
    iam.delete_role(RoleName="support")


def fill_http_api(stack):
    """ministack makes an HTTP API and its stage, and drops the routes and authorizers of its definition without a word. So they are
    made by calls, from the definition that SAM expanded."""
    made = resources(stack)
    processed = cloudformation.get_template(StackName=stack, TemplateStage="Processed")["TemplateBody"]
    processed = processed if isinstance(processed, dict) else yaml_parse(processed)
    definition = processed["Resources"][API]["Properties"]["Body"]
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Parameters"]}
    arn = lambda function: lambdas.get_function_configuration(FunctionName=made[function])["FunctionArn"]
    known = {"AWS::Partition": "aws", "AWS::Region": os.environ["AWS_REGION"], **parameters}

    def text(value):
        if isinstance(value, dict) and "Ref" in value:
            return known[value["Ref"]]
        if isinstance(value, dict) and "Fn::Sub" in value:
            pattern, more = value["Fn::Sub"] if isinstance(value["Fn::Sub"], list) else (value["Fn::Sub"], {})
            name = lambda found: text(more[found]) if found in more else known.get(found) or arn(found.removesuffix(".Arn"))
            return re.sub(r"\$\{([^}]+)\}", lambda match: name(match[1]), pattern)
        return value

    api, authorizers = made[API], {}
    for name, scheme in definition["components"]["securitySchemes"].items():
        declared = scheme["x-amazon-apigateway-authorizer"]
        authorizers[name] = gateway2.create_authorizer(
            ApiId=api, Name=name, AuthorizerType=declared["type"].upper(), AuthorizerUri=text(declared["authorizerUri"]),
            IdentitySource=declared["identitySource"], AuthorizerPayloadFormatVersion=declared["authorizerPayloadFormatVersion"],
            EnableSimpleResponses=declared["enableSimpleResponses"],
            AuthorizerResultTtlInSeconds=int(text(declared["authorizerResultTtlInSeconds"])))["AuthorizerId"]
    for path, methods in definition["paths"].items():
        for method, declared in methods.items():
            integration = declared["x-amazon-apigateway-integration"]
            target = gateway2.create_integration(
                ApiId=api, IntegrationType=integration["type"].upper(), IntegrationMethod=integration["httpMethod"],
                IntegrationUri=text(integration["uri"]), PayloadFormatVersion=integration["payloadFormatVersion"])["IntegrationId"]
            scheme, = declared["security"][0]
            authorizer = {} if scheme == "NONE" else {"AuthorizationType": "CUSTOM", "AuthorizerId": authorizers[scheme]}
            gateway2.create_route(ApiId=api, RouteKey=f"{method.upper()} {path}", Target=f"integrations/{target}", **authorizer)
    return api


def walk_http_api(rest):
    """examples/http-api, with tokens of the stack whose REST API is `rest`."""
    password = "four-unrelated-words-hamster"
    users = [os.environ["LATCHKEY"], "users", "add", "ada", "--users-table", resources()["UsersTable"], "--sessions-table", resources()["SessionsTable"],
             "--password-stdin"]
    subprocess.run(users, input=password, text=True, check=True, stdout=subprocess.DEVNULL)
    template = yaml_parse((pathlib.Path(__file__).parent.parent / "examples/http-api/template.yaml").read_text())
    folder = work / "HelloFunction"
    folder.mkdir()
    shutil.copy(os.environ["HELLO"], folder / "bootstrap")
    template["Resources"]["HelloFunction"]["Properties"]["CodeUri"] = str(folder)
    (work / "http-api.yaml").write_text(yaml_dump(template))
    outputs = {each["OutputKey"]: each["OutputValue"] for each in cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]}
    deploy("http-api.yaml", EXAMPLE, AuthorizerFunctionArn=outputs["AuthorizerFunctionArn"])
    api = fill_http_api(EXAMPLE)
    login = json.dumps({"username": "ada", "password": password}).encode()
    status, pair, _ = send(rest, STAGE, "POST", "/login", login, **{"Content-Type": "application/json"})
    expect("a login for the HTTP API", status, 200)
    hello = lambda path, **headers: send(api, "$default", "GET", path, **headers)[:2]
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    greeting = {"hello": pair["user_id"], "login_id": pair["login_id"]}
    expect("HTTP API: a live token", hello("/hello", **bearer), (200, greeting))
    expect("HTTP API: no route asks without a token", hello("/hello")[0], 401)
    expect("HTTP API: a refused token", hello("/hello", Authorization=f"Bearer {pair['refresh_token']}")[0], 403)
    expect("HTTP API: the route without an authorizer", hello("/health"), (200, {"status": "ok"}))
    expect("a logout", send(rest, STAGE, "POST", "/logout", **bearer)[0], 204)
    expect("HTTP API: the ended login", hello("/hello", **bearer)[0], 403)
    sam("delete", "--stack-name", EXAMPLE, "--no-prompts", "--region", os.environ["AWS_REGION"])


template = adjusted(yaml_parse((build / "template.yaml").read_text()))
(work / "template.yaml").write_text(yaml_dump(template))

SETTINGS = {"DeletionProtection": "false", "ReplayWindow": "10s", "CorsAllowOrigin": ORIGIN}
deploy(**SETTINGS)
stack = resources()
api = stack[API]
status = lambda: cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
expect("sam deploy creates the stack", status(), "CREATE_COMPLETE")
authorizer, = gateway.get_authorizers(restApiId=api)["items"]
expect("the authorizer's answers aren't kept", authorizer["authorizerResultTtlInSeconds"], 0)
aliases = {name: lambdas.get_alias(FunctionName=stack[name], Name="live")["FunctionVersion"] for name in FUNCTIONS}
expect("each alias stands at its first version", aliases, dict.fromkeys(FUNCTIONS, "1"))
expect("no function has a managed policy", [iam.list_attached_role_policies(RoleName=stack[name.replace("Function", "Role")])["AttachedPolicies"]
                                            for name in FUNCTIONS], [[]] * 4)
put_gateway_responses(api)
problem = ["application/problem+json"]
expect("without a token", ask(api, "GET", "/me"), (401, "missing_token", problem))
expect("a malformed token", ask(api, "GET", "/me", Authorization="Bearer lka_short"), (401, "missing_token", problem))
expect("an unknown path", ask(api, "GET", "/nothing"), (404, "not_found", problem))
smoke(api, stack)
walk_http_api(api)

deploy(**SETTINGS, AccessTokenTtl="7m")
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

add_back_office({**SETTINGS, "AccessTokenTtl": "7m"})

# SAM sees the same text of the function, so only the version's description can tell that a table was replaced. Its name is given here:
# ministack generates the same name for every replacement, where CloudFormation draws a new last part.
template["Resources"]["LoginAttemptsTable"]["Properties"]["TableName"] = f"{STACK}-LoginAttemptsTable-ANOTHER"
(work / "template.yaml").write_text(yaml_dump(template))
deploy(**SETTINGS, AccessTokenTtl="7m")
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
