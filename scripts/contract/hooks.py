"""Teaches schemathesis how to get a token, and that an undeclared method must get 404.

Each case gets a pair from its own login, because some cases end their login. Answers are counted by operation and status. The counts
are written to the file LATCHKEY_CONTRACT_COUNTS when the run ends.
"""

import atexit
import collections
import json
import os

import requests
import schemathesis

API = os.environ["LATCHKEY_CONTRACT_API"]
COUNTS = os.environ["LATCHKEY_CONTRACT_COUNTS"]
DEMO_USER = {"username": "demo", "password": "correct-horse-battery-staple"}
# The user whose password is changed, as the description's example has them.
ADA = {"username": "ada", "password": os.environ["LATCHKEY_CONTRACT_PASSWORD"]}
CHANGE = "/me/password"

counts = collections.Counter()


@schemathesis.auth(refresh_interval=None, retry_on=[])
class OwnPair:
    def get(self, case, context):
        schemes = {name for alternative in context.operation.definition.raw.get("security", []) for name in alternative}
        if not schemes:
            return None
        user = ADA if context.operation.path == CHANGE else DEMO_USER
        answer = requests.post(f"{API}/login", json=user, timeout=10)
        answer.raise_for_status()
        return answer.json()["access_token" if "accessToken" in schemes else "refresh_token"]

    def set(self, case, token, context):
        case.headers["Authorization"] = f"Bearer {token}"


@schemathesis.hook
def after_call(context, case, response):
    counts[f"{response.request.method} {case.operation.path} {response.status_code}"] += 1
    if (case.operation.path, response.request.method, response.status_code) == (CHANGE, "PUT", 200):
        change_back(case, response.json()["access_token"])


def change_back(case, token):
    """So that the next case finds the password that the example has."""
    body = {"username": "ada", "current_password": case.body["new_password"], "new_password": ADA["password"]}
    requests.put(f"{API}{CHANGE}", json=body, headers={"Authorization": f"Bearer {token}"}, timeout=10).raise_for_status()


@schemathesis.check
def an_undeclared_method_is_not_found(context, response, case):
    declared = {method.upper() for method in case.operation.schema[case.operation.path]}
    if response.request.method not in declared | {"OPTIONS"}:
        assert response.status_code == 404, f"{response.request.method} {case.operation.path} is {response.status_code}, not 404"


@atexit.register
def write_counts():
    with open(COUNTS, "w") as file:
        json.dump(counts, file)
