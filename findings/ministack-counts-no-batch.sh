#!/usr/bin/env bash
# ministack: GetItem reports the capacity that it consumed, and BatchGetItem of the same item reports none, whatever it was asked.
# A test of read units has to leave batches out there.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check ministack==1.5.33 boto3==1.43.106
AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 "$work/venv/bin/python" - <<'PY'
from importlib.metadata import version
import os, socket, subprocess, sys, time, urllib.request
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
    dynamodb = boto3.client("dynamodb", endpoint_url=url)
    dynamodb.create_table(TableName="one", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
                          AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}])
    key = {"k": {"S": "one"}}
    dynamodb.put_item(TableName="one", Item=key)
    single = dynamodb.get_item(TableName="one", Key=key, ConsistentRead=True, ReturnConsumedCapacity="TOTAL")
    batch = dynamodb.batch_get_item(RequestItems={"one": {"Keys": [key], "ConsistentRead": True}}, ReturnConsumedCapacity="TOTAL")
finally:
    server.terminate()
print("ministack", version("ministack"))
print("GetItem:", single.get("ConsumedCapacity"))
print("BatchGetItem:", batch.get("ConsumedCapacity"), " items:", len(batch["Responses"]["one"]))
assert len(batch["Responses"]["one"]) == 1 and single["ConsumedCapacity"]["CapacityUnits"] == 1.0, "the behaviour has changed"
assert not batch.get("ConsumedCapacity"), "the behaviour has changed"
PY
