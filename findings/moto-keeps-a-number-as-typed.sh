#!/usr/bin/env bash
# moto: a number comes back as it was typed. DynamoDB, like ministack and dynalite, normalises it: 1.0 is 1, 1E3 is 1000.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check boto3==1.43.106 'moto[dynamodb]==5.2.5'
AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 "$work/venv/bin/python" - <<'PY'
from importlib.metadata import version
import boto3
from moto import mock_aws

mock_aws().start()
print("moto", version("moto"))
db = boto3.client("dynamodb")
db.create_table(TableName="t", BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}])
KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}

sent = ["1.0", "1E3", "007"]
db.put_item(TableName="t", Item={**KEY, "n": {"L": [{"N": each} for each in sent]}})
back = [each["N"] for each in db.get_item(TableName="t", Key=KEY)["Item"]["n"]["L"]]
print("sent:", sent, "came back:", back)
assert back == sent, "the behaviour has changed"
PY
