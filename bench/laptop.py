#!/usr/bin/env python3
"""What a developer waits for on a laptop: processor time of `GET /me` and of a refresh through `latchkey dev`, an import into its
embedded DynamoDB, and a `doctor --all` of what the import has written, four items a row. The requests are medians of three rounds;
the import and the doctor run once, without a limit: `bench/laptop.py [ROWS]`, 100,000 rows if not given. With the debug build, as
`cargo run` makes it. Linux alone, because it reads /proc."""

import glob, http.client, os, pathlib, re, secrets, statistics, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PORT = 3917
ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
TABLES = ["--sessions-table", "SessionsTable", "--users-table", "UsersTable", "--login-attempts-table", "LoginAttemptsTable"]
LOGIN = '{"username":"demo","password":"correct-horse-battery-staple"}'

subprocess.run(["cargo", "build", "--quiet", "--locked", "-p", "latchkey-cli"], cwd=ROOT, check=True)
latchkey = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/latchkey"


def processor_ms(pid):
    return sum(int(open(path).read().split()[0]) for path in glob.glob(f"/proc/{pid}/task/*/schedstat")) / 1e6


def ask(api, method, path, token=None, body=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {"Content-Type": "application/json"}
    api.request(method, path, body, headers)
    answer = api.getresponse()
    text = answer.read().decode()
    assert answer.status == 200, (method, path, answer.status)
    return [found.group() if (found := re.search(kind + r"_[\w-]*", text)) else None for kind in ("lka", "lkr")]


def median_of_rounds(pid, calls, call):
    def once():
        begun = processor_ms(pid)
        for _ in range(calls):
            call()
        return (processor_ms(pid) - begun) / calls

    return statistics.median(once() for _ in range(3))


dev = subprocess.Popen([latchkey, "dev", "--port", str(PORT)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "NO_COLOR": "1"})
try:
    banner = ""
    while "users add NAME" not in banner:
        line = dev.stdout.readline()
        assert line, "latchkey dev ended"
        banner += line
    api = http.client.HTTPConnection("127.0.0.1", PORT)
    pair = ask(api, "POST", "/login", body=LOGIN)

    def refresh():
        pair[:] = ask(api, "POST", "/refresh", pair[1])

    for _ in range(10):
        refresh()
    print(f"GET /me: {median_of_rounds(dev.pid, 300, lambda: ask(api, 'GET', '/me', pair[0])):.2f} ms of processor time")
    print(f"refresh: {median_of_rounds(dev.pid, 100, refresh):.2f} ms of processor time", flush=True)

    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write("user_id,access_token,refresh_token,access_token_expires_at,refresh_token_expires_at\n")
        for row in range(ROWS):
            file.write(f"user-{row},{secrets.token_urlsafe(48)},{secrets.token_urlsafe(48)},2999-01-01T00:00:00Z,2999-02-01T00:00:00Z\n")
        file.flush()
        variables = dict(re.findall(r"(AWS_\w+)=(\S+)", banner))
        endpoint = re.search(r"--endpoint-url (\S+)", banner).group(1)
        command = [latchkey, "sessions", "import", file.name, "--sessions-table", "SessionsTable", "--endpoint-url", endpoint]
        begun = time.monotonic()
        subprocess.run(command, env={**os.environ, **variables}, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        print(f"sessions import of {ROWS} rows: {time.monotonic() - begun:.1f} s", flush=True)

    begun, memory = time.monotonic(), []
    doctor = subprocess.Popen([latchkey, "doctor", "--all", "--rate", "1000000", *TABLES, "--endpoint-url", endpoint], env={**os.environ, **variables}, stdout=subprocess.PIPE, text=True)
    while doctor.poll() is None:
        memory += [int(kib) / 1024 for kib in re.findall(r"VmRSS:\s+(\d+)", open(f"/proc/{doctor.pid}/status").read())]
        time.sleep(0.1)
    took = time.monotonic() - begun
    output = doctor.stdout.read()
    found = re.search(r"SessionsTable: (\d+), of", output)
    if not found or doctor.returncode != 0:
        sys.exit(f"doctor: exit {doctor.returncode}\n{output}")
    items = int(found.group(1))
    early = memory[len(memory) // 10 : len(memory) // 2]
    print(f"doctor --all: {items} items in {took:.1f} s, {items / took:.0f} items/s; at most {max(early, default=0):.1f} MiB in the first half, {max(memory, default=0):.1f} in all")
finally:
    dev.terminate()
