#!/usr/bin/env bash
# SAM: an API without OpenApiVersion gets a second stage, named Stage, beside the one that the template names.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check aws-sam-translator==1.115.0
AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 "$work/venv/bin/python" - <<'PY'
from importlib.metadata import version
import json
from samtranslator.translator.transform import transform


class Policies:
    def load(self):
        return {"AWSLambdaBasicExecutionRole": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}


def expand(resources, parameters={}):
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources,
                "Parameters": {name: {"Type": "String"} for name in parameters}}
    return transform(template, parameters, Policies())["Resources"]


FUNCTION = {"Type": "AWS::Serverless::Function", "Properties": {
    "Runtime": "provided.al2023", "Handler": "bootstrap", "CodeUri": "s3://bucket/key"}}
print("aws-sam-translator", version("aws-sam-translator"))


def deployments(**extra):
    api = {"Type": "AWS::Serverless::Api", "Properties": {"StageName": "v1", **extra, "DefinitionBody": {
        "openapi": "3.0.1", "info": {"title": "x", "version": "1"}, "paths": {}}}}
    return [r["Properties"].get("StageName") for r in expand({"Api": api}).values() if r["Type"] == "AWS::ApiGateway::Deployment"]


without, with_it = deployments(), deployments(OpenApiVersion="3.0.1")
print("StageName of the AWS::ApiGateway::Deployment without OpenApiVersion:", without)
print("with OpenApiVersion 3.0.1:", with_it)
assert without == ["Stage"] and with_it == [None], "the behaviour has changed"
PY
