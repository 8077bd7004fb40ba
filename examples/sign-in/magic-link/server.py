"""Sign-in by a link in a mail, with a login of Latchkey at its end. Links and users live in memory here; yours live in your table."""

import hashlib, json, os, secrets, time, urllib.error, urllib.parse, urllib.request, uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

ADMIN_API, PORT = os.environ["ADMIN_API"], int(os.environ.get("PORT", "8083"))
ORIGIN = os.environ.get("ORIGIN", f"http://127.0.0.1:{PORT}")
LINK_SECONDS = 600
aws = botocore.session.get_session()
links, users = {}, {}

# The page sends the token by a form: programs that check the links of a mail only get pages, and must not use the link up. What follows the
# `#` stays in the browser, so the token is in no log.
PAGE = b"""<!doctype html><meta name="referrer" content="no-referrer"><form method="post"><input type="hidden" name="token"><button>Sign in</button></form>
<script>document.forms[0].token.value = location.hash.slice(1)</script>"""


def issue(login, key):
    """Asks for a login, and returns its pair of tokens. A repeated call with the same key replaces the login of the first."""
    body = json.dumps(login).encode()
    request = AWSRequest("POST", f"{ADMIN_API}/admin/logins", {"Content-Type": "application/json", "Idempotency-Key": key}, body)
    SigV4Auth(aws.get_credentials(), "execute-api", os.environ["AWS_REGION"]).add_auth(request)
    sent = urllib.request.Request(request.url, body, dict(request.headers.items()), method="POST")
    with urllib.request.urlopen(sent, timeout=5) as answer:
        return json.load(answer)


def mail(address, link):
    """Yours sends it, by SES for instance."""
    with open(os.environ["OUTBOX"], "a") as outbox:
        outbox.write(json.dumps({"to": address, "link": link}) + "\n")


def hashed(token):
    return hashlib.sha256(token.encode()).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, PAGE, "text/html") if self.path == "/sign-in" else self.answer(404)

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 4096)).decode())
        route = {"/magic-links": self.send, "/sign-in": self.sign_in}.get(self.path)
        route(form) if route else self.answer(404)

    def send(self, form):
        """The answer is the same whether the address is known, so that it can't be used to find out."""
        address, token = form.get("email", [""])[0].strip().lower(), secrets.token_urlsafe(32)
        if "@" not in address:
            return self.answer(400)
        # Only the hash is kept: who reads the table can't sign in.
        links[hashed(token)] = (address, time.time() + LINK_SECONDS)
        mail(address, f"{ORIGIN}/sign-in#{token}")
        self.answer(202)

    def sign_in(self, form):
        key = hashed(form.get("token", [""])[0])
        address, expires_at = found = links.pop(key, ("", 0))
        if expires_at < time.time():
            return self.answer(401)
        # A mail that was opened is proof of the address, so its user is made here.
        user_id = users.setdefault(address, str(uuid.uuid4()))
        try:
            pair = issue({"user_id": user_id, "user_agent": self.headers.get("User-Agent")}, key)
        except (urllib.error.URLError, TimeoutError):
            links[key] = found
            return self.answer(503)
        self.answer(200, json.dumps(pair).encode(), "application/json")

    def answer(self, status, body=b"", content_type="text/plain"):
        self.send_response(status)
        for name, value in (("Content-Type", content_type), ("Content-Length", len(body)), ("Cache-Control", "no-store")):
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    print(f"{ORIGIN}/sign-in", flush=True)
    ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
