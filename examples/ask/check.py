"""Asks a service for its greeting with live, ended and missing tokens of a `latchkey dev`: check.py NAME COMMAND...

The command is the service. It is started twice, once with nothing where it has to ask: then it must answer 503, and never 401. The
service prints its address first."""

import http.client, json, os, subprocess, sys, time, urllib.parse

LATCHKEY = os.environ["ADMIN_API"]
DEAD = "http://127.0.0.1:9"
DEMO = {"username": "demo", "password": "correct-horse-battery-staple"}


def ask(url, method="GET", tokens=(), body=None, scheme="Bearer"):
    """Status, headers, JSON. Headers may repeat, which urllib doesn't let them."""
    address = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    connection.putrequest(method, address.path)
    for token in tokens:
        connection.putheader("Authorization", f"{scheme} {token}")
    data = json.dumps(body).encode() if body else b""
    if body:
        connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(data)))
    connection.endheaders(data)
    answer = connection.getresponse()
    text = answer.read().decode()
    return answer.status, answer.headers, text


class Service:
    def __init__(self, command, **environment):
        self.process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True)
        self.hello = next((line.strip() for line in self.process.stdout if line.startswith("http://")), None)
        self.health = self.hello.replace("/hello", "/health")
        until = time.monotonic() + 30
        while True:
            try:
                assert ask(self.health)[0] == 200
                return
            except ConnectionRefusedError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def login():
    status, _, text = ask(f"{LATCHKEY}/login", "POST", body=DEMO)
    assert status == 200, text
    return json.loads(text)


def check(service, name):
    def refused(expected, **how):
        status, headers, text = ask(service.hello, **how)
        assert (status, headers["WWW-Authenticate"]) == (401, expected), (name, how, status, text)

    first = login()
    status, _, text = ask(service.hello, tokens=[first["access_token"]])
    assert status == 200 and first["user_id"] in text and first["login_id"] in text, (name, status, text)

    refused("Bearer")
    refused("Bearer", tokens=["YTpi"], scheme="Basic")
    invalid = 'Bearer error="invalid_token"'
    refused(invalid, tokens=[first["refresh_token"]])
    refused(invalid, tokens=[first["access_token"][:-1] + ("A" if first["access_token"][-1] != "A" else "B")])
    assert ask(service.hello, tokens=[first["access_token"]] * 2)[0] in (400, 401), f"{name}: two headers"

    # A refresh, and then a logout, hold from the next request on.
    status, _, text = ask(f"{LATCHKEY}/refresh", "POST", tokens=[first["refresh_token"]])
    second = json.loads(text)
    assert ask(service.hello, tokens=[second["access_token"]])[0] == 200
    refused(invalid, tokens=[first["access_token"]])
    assert ask(f"{LATCHKEY}/logout", "POST", tokens=[second["access_token"]])[0] == 204
    refused(invalid, tokens=[second["access_token"]])


def check_outage(service, name):
    status, headers, text = ask(service.hello, tokens=[login()["access_token"]])
    assert status == 503 and headers["Retry-After"], (name, status, text)


name, *command = sys.argv[1:]
with Service(command) as service:
    check(service, name)
with Service(command, ADMIN_API=DEAD, AWS_ENDPOINT_URL_DYNAMODB=DEAD) as service:
    check_outage(service, name)
print(f"{name}: ok")
