#!/usr/bin/env bash
# ministack: CloudFormation takes the routes of an API's Body, and drops x-amazon-apigateway-gateway-responses without a word.
# Put them by put-gateway-response, then deploy the stage again.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check ministack==1.5.33 boto3==1.43.106
AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 "$work/venv/bin/python" - <<'PY'
from importlib.metadata import version
import json, os, socket, subprocess, sys, time, urllib.request
import boto3

port = socket.create_server(("127.0.0.1", 0)).getsockname()[1]
url = f"http://127.0.0.1:{port}"
server = subprocess.Popen([sys.executable, "-m", "ministack"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={
    **os.environ, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"})
try:
    for _ in range(300):
        try:
            urllib.request.urlopen(url + "/_ministack/health")
            break
        except OSError:
            time.sleep(0.1)
    body = {"openapi": "3.0.1", "info": {"title": "x", "version": "1"},
            "paths": {"/me": {"get": {"responses": {}, "x-amazon-apigateway-integration": {"type": "mock"}}}},
            "x-amazon-apigateway-gateway-responses": {"UNAUTHORIZED": {"statusCode": "418", "responseTemplates": {"application/json": "{}"}}}}
    cloudformation, gateway = (boto3.client(name, endpoint_url=url) for name in ("cloudformation", "apigateway"))
    cloudformation.create_stack(StackName="x", TemplateBody=json.dumps(
        {"Resources": {"Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Body": body}}}}))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="x", WaiterConfig={"Delay": 1})
    api = cloudformation.describe_stack_resource(StackName="x", LogicalResourceId="Api")["StackResourceDetail"]["PhysicalResourceId"]
    paths = [each["path"] for each in gateway.get_resources(restApiId=api)["items"]]
    seen = gateway.get_gateway_response(restApiId=api, responseType="UNAUTHORIZED")
finally:
    server.terminate()
print("ministack", version("ministack"))
print("paths:", sorted(paths), " UNAUTHORIZED:", seen["statusCode"], " default:", seen.get("defaultResponse"))
assert "/me" in paths and seen["statusCode"] == "401" and seen.get("defaultResponse"), "the behaviour has changed"
PY
