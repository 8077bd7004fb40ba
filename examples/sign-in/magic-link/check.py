"""Walks through server.py as a user with a mailbox does, beside `latchkey dev`."""

import json, os, pathlib, socket, subprocess, sys, tempfile, urllib.error, urllib.parse, urllib.request

HERE = pathlib.Path(__file__).parent


def ask(url, form=None, token=None):
    data = urllib.parse.urlencode(form).encode() if form else None
    request = urllib.request.Request(url, data, {"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def check(origin, outbox):
    mails = lambda: [json.loads(line) for line in outbox.read_text().splitlines()]
    assert ask(f"{origin}/magic-links", {"email": "Ada@example.com"})[0] == 202
    assert ask(f"{origin}/magic-links", {"email": "no address"})[0] == 400
    [sent] = mails()
    assert sent["to"] == "ada@example.com"
    page, token = sent["link"].split("#")
    for _ in range(2):
        assert ask(page)[0] == 200, "a program that checks links doesn't use them up"
    assert ask(page, {"token": token[:-1] + ("A" if token[-1] != "A" else "B")})[0] == 401
    status, pair = ask(page, {"token": token})
    assert status == 200, pair
    pair = json.loads(pair)
    assert ask(page, {"token": token})[0] == 401, "a link is good once"
    status, me = ask(f"{os.environ['ADMIN_API']}/me", token=pair["access_token"])
    assert status == 200 and json.loads(me)["user_id"] == pair["user_id"]
    ask(f"{origin}/magic-links", {"email": "ada@example.com"})
    again = json.loads(ask(page, {"token": mails()[-1]["link"].split("#")[1]})[1])
    assert again["user_id"] == pair["user_id"] and again["login_id"] != pair["login_id"]


with tempfile.TemporaryDirectory() as directory, socket.create_server(("127.0.0.1", 0)) as free:
    outbox, port = pathlib.Path(directory, "outbox"), free.getsockname()[1]
    free.close()
    environment = {**os.environ, "PORT": str(port), "OUTBOX": str(outbox)}
    server = subprocess.Popen([sys.executable, HERE / "server.py"], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        origin = server.stdout.readline().strip().removesuffix("/sign-in")
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except ConnectionRefusedError:
                pass
        check(origin, outbox)
    finally:
        server.kill()
        server.wait()
print("sign-in by magic link: ok")
