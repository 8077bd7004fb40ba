#!/usr/bin/env bash
# Powertools for Python: the parsed ARN of a WebSocket authorizer's event isn't the ARN that came: .arn ends in a slash. A
# policy for it names another resource than the one asked for.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check aws-lambda-powertools==3.37.0
AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 "$work/venv/bin/python" - <<'PY'
from importlib.metadata import version
from aws_lambda_powertools.utilities.data_classes.api_gateway_authorizer_event import parse_api_gateway_arn

print("aws-lambda-powertools", version("aws-lambda-powertools"))
came = "arn:aws:execute-api:us-east-1:123456789012:abcdef123/production/$connect"
arn = parse_api_gateway_arn(came).arn
print("came:", came)
print(".arn:", arn)
assert arn == came + "/", "the behaviour has changed"
PY
