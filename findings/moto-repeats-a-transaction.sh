#!/usr/bin/env bash
# moto: a TransactWriteItems sent twice with one ClientRequestToken commits twice. In DynamoDB the token makes the second
# call return the first one's success without writing.
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

update = {"Update": {"TableName": "t", "Key": KEY, "UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}}
for _ in range(2):
    db.transact_write_items(ClientRequestToken="one-token", TransactItems=[update])
n = db.get_item(TableName="t", Key=KEY)["Item"]["n"]["N"]
print("n after two sends of one transaction:", n)
assert n == "2", "the behaviour has changed"
PY
