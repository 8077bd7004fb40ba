"""A Lambda authorizer on boto3, run by awslambdaric."""

import base64
import datetime
import hashlib

import boto3
from boto3.dynamodb.conditions import Key

table = boto3.resource("dynamodb").Table("SessionsTable")


def session(token):
    token_hash = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
    found = table.query(
        ConsistentRead=True,
        KeyConditionExpression=Key("user_key").eq(token[4:26]) & Key("sk").begins_with(token[26:48]),
    )["Items"]
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return next((item for item in found if item.get("access_token_hash") == token_hash and now < item["access_token_expires_at"]), None)


def handler(event, _context):
    token = event.get("authorizationToken", "")
    found = session(token[7:]) if token.startswith("Bearer ") else None
    stage = "/".join(event["methodArn"].split("/")[:2])
    names = ("user_id", "login_id", "generation", "access_token_expires_at", "refresh_token_expires_at")
    return {
        "principalId": found["user_id"] if found else "anonymous",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow" if found else "Deny", "Resource": f"{stage}/*"}],
        },
        **({"context": {name: str(found[name]) for name in names}} if found else {}),
    }
