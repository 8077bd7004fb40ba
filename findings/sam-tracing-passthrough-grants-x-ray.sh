#!/usr/bin/env bash
# SAM: Tracing PassThrough gives a function the right to write to X-Ray, as Active does; only Disabled doesn't. The policy
# is AWSXrayWriteOnlyAccess in the partition aws, and AWSXRayDaemonWriteAccess in the others.
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
from samtranslator.translator.arn_generator import ArnGenerator


def policies(tracing, region="us-east-1"):
    ArnGenerator.BOTO_SESSION_REGION_NAME = region
    function = copy.deepcopy(FUNCTION)
    function["Properties"]["Tracing"] = tracing
    return [arn.split("/")[-1] for arn in expand({"Function": function})["FunctionRole"]["Properties"]["ManagedPolicyArns"] if "ray" in arn.lower()]


seen = {mode: policies(mode) for mode in ("Active", "PassThrough", "Disabled")}
china = policies("Active", "cn-north-1")
print(seen, "in cn-north-1:", china)
assert seen == {"Active": ["AWSXrayWriteOnlyAccess"], "PassThrough": ["AWSXrayWriteOnlyAccess"], "Disabled": []}, "the behaviour has changed"
assert china == ["AWSXRayDaemonWriteAccess"], "the behaviour has changed"
PY
