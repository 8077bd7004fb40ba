"""A service in Python, outside API Gateway: it asks Latchkey's back office about each request's token, under IAM."""

import json, os, urllib.error, urllib.parse, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

ADMIN_API, PORT = os.environ["ADMIN_API"], int(os.environ.get("PORT", "8084"))
aws = botocore.session.get_session()


class Unavailable(Exception):
    """The question has no answer. That is never "no session"."""


def introspect(token):
    """Who is asking, or None. No answer is kept: an ended login is refused on its next request."""
    form = urllib.parse.urlencode({"token": token})
    request = AWSRequest("POST", f"{ADMIN_API}/admin/introspect", {"Content-Type": "application/x-www-form-urlencoded"}, form)
    SigV4Auth(aws.get_credentials(), "execute-api", os.environ["AWS_REGION"]).add_auth(request)
    sent = urllib.request.Request(request.url, form.encode(), dict(request.headers.items()), method="POST")
    try:
        with urllib.request.urlopen(sent, timeout=3) as answer:
            caller = json.load(answer)
    except (urllib.error.URLError, TimeoutError) as error:
        raise Unavailable from error
    return caller if caller["active"] else None


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/health":
            return self.answer(200, {"status": "ok"})
        sent = self.headers.get_all("Authorization") or []
        scheme, _, token = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
        if scheme.lower() != "bearer":
            return self.answer(401, {"code": "missing_token"}, {"WWW-Authenticate": "Bearer"})
        try:
            caller = introspect(token.strip())
        except Unavailable:
            return self.answer(503, {"code": "unavailable"}, {"Retry-After": "1"})
        if caller is None:
            return self.answer(401, {"code": "invalid_token"}, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        self.answer(200, {"hello": caller["sub"], "login_id": caller["sid"]})

    def answer(self, status, body, headers=()):
        body = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **dict(headers)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    print(f"http://127.0.0.1:{PORT}/hello", flush=True)
    ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
