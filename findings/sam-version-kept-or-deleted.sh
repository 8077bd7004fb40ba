#!/usr/bin/env bash
# SAM: a Lambda version has DeletionPolicy Retain and no UpdateReplacePolicy. New code (a new logical id) keeps the old
# version; a changed VersionDescription (a replacement in place) deletes it, and the alias can't go back to it.
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


def version_of(description):
    function = copy.deepcopy(FUNCTION)
    function["Properties"] |= {"AutoPublishAlias": "live", "VersionDescription": description}
    return next((name, r) for name, r in expand({"Function": function}).items() if r["Type"] == "AWS::Lambda::Version")


(name, resource), (other, _) = version_of("one"), version_of("two")
print("DeletionPolicy:", resource.get("DeletionPolicy"), " UpdateReplacePolicy:", resource.get("UpdateReplacePolicy"))
print("logical id with another VersionDescription:", name, other)
assert resource.get("DeletionPolicy") == "Retain" and "UpdateReplacePolicy" not in resource and name == other, "the behaviour has changed"
PY
