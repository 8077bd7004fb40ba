#!/usr/bin/env bash
# SAM: another value of a parameter that a function's environment refers to publishes no version, even with
# AutoPublishAliasAllProperties: the version's logical id is a hash of the template's text.
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

import copy


def versions(value):
    function = copy.deepcopy(FUNCTION)
    function["Properties"] |= {"AutoPublishAlias": "live", "AutoPublishAliasAllProperties": True,
                               "Environment": {"Variables": {"TTL": {"Ref": "Ttl"}}}}
    return [name for name, r in expand({"Function": function}, {"Ttl": value}).items() if r["Type"] == "AWS::Lambda::Version"]


before, after = versions("5m"), versions("7m")
print("version with Ttl=5m:", before)
print("version with Ttl=7m:", after)
assert before == after and len(before) == 1, "the behaviour has changed"
PY
