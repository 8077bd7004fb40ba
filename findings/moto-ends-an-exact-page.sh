#!/usr/bin/env bash
# moto: a Query whose Limit is exactly the number of items has no LastEvaluatedKey. ministack and dynalite give one, and
# the next page is empty; code that takes a key as a sign of more items passes on moto alone.
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

for sk in ("1", "2", "3"):
    db.put_item(TableName="t", Item={"pk": {"S": "a"}, "sk": {"S": sk}})
page = db.query(TableName="t", Limit=3, KeyConditionExpression="pk = :a", ExpressionAttributeValues={":a": {"S": "a"}})
print("items:", page["Count"], " LastEvaluatedKey:", page.get("LastEvaluatedKey"))
assert page["Count"] == 3 and "LastEvaluatedKey" not in page, "the behaviour has changed"
PY
