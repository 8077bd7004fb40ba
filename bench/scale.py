#!/usr/bin/env python3
"""Computes the tables of docs/scale.md from the units that the page gives for each operation: bench/scale.py [--check]

tests/system/scale.rs compares those units, and the bytes of a login, with what the code consumes. The processor times are
those of docs/performance.md. Every other number is a named assumption, a price or a limit of this file: put yours here, and run it.
With --check it writes nothing, and fails if the page differs.
"""

import doctest
import math
import pathlib
import re
import sys
from collections import Counter

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/scale.md"

# A daily user. An access token lives for 5 minutes; a user spends some 10 minutes in the app, three times a day. A login
# every twentieth day follows a lost device, a week's absence or a logout. The first request after a refresh marks the session.
A_DAY = {"a login": 0.05, "a refresh": 8, "a first request": 8, "a request": 92, "a logout": 0.02}
LOGINS_HELD = 1.5
DAYS_A_MONTH = 30
# The sizes of service that the tables show.
DAILY_USERS = (1e4, 1e5, 1e6, 1e7, 1e8)
# The ratio of a day's busiest second to its average.
PEAK = 4
# A round trip from a function to DynamoDB, and a transaction.
TRIP_MS, TRANSACTION_MS = 4, 12
# The bytes of Lambda's own lines about an invocation, and of a function's log line, with CloudWatch's 26 for each line.
PLATFORM_LOG_BYTES, OWN_LOG_BYTES = 500, 300
# Of a function's line of metrics (docs/metrics.md), as `METRICS_NAMESPACE=Latchkey/latchkey-prod latchkey dev` writes it, and those 26.
METRICS_LOG_BYTES = {"authorizer": 315, "refresh": 325, "login": 355, "sessions": 320}
# How many requests share such a line on Lambda, in an environment that is asked ten times a second, and the bytes of each further one.
SHARING, SHARED_BYTES = {"a request": 10}, 6
# Functions of which `prod` in samconfig.toml leaves out Lambda's own lines, by the parameter that does so.
SYSTEM_LOG_LEVEL = {"authorizer": "AuthorizerSystemLogLevel"}
# A line of the stage's access log, and those 26.
ACCESS_LOG_BYTES = 200
# The function of each operation, its memory's parameter, its waits, and the bytes of its own log lines.
OPERATIONS = {
    "a login": ("login", "LoginMemory", TRIP_MS + TRANSACTION_MS, OWN_LOG_BYTES),
    "a login refused": ("login", "LoginMemory", 2 * TRIP_MS, OWN_LOG_BYTES),
    "a refresh": ("refresh", "FunctionMemory", TRIP_MS + TRANSACTION_MS, OWN_LOG_BYTES),
    "a first request": ("authorizer", "FunctionMemory", 2 * TRIP_MS, 0),
    "a request": ("authorizer", "FunctionMemory", TRIP_MS, 0),
    "a logout": ("sessions", "FunctionMemory", 2 * TRIP_MS, OWN_LOG_BYTES),
}
# The memory at which Lambda gives one whole processor.
MB_OF_A_PROCESSOR = 1769

# AWS's prices in US dollars, on demand, in us-east-1, without free tiers. Read on 2026-11-24 from the pages named here, or
# from copies of them. Prices change; the bill is authoritative. A tier is an amount and the price of a unit within it.
FURTHER = math.inf
# https://aws.amazon.com/dynamodb/pricing/on-demand/, since 2024-11-01: a request unit; a GB for a month, in the table and
# for point-in-time recovery.
READ_UNIT, WRITE_UNIT, STORED_GB = 0.125e-6, 0.625e-6, 0.25 + 0.20
# https://aws.amazon.com/lambda/pricing/: a request, and a GB-second on arm64, by the month's GB-seconds.
INVOCATION = 0.20e-6
GB_SECONDS = [(7.5e9, 0.0000133334), (11.25e9, 0.0000120001), (FURTHER, 0.0000106667)]
# https://aws.amazon.com/api-gateway/pricing/: a million requests of a REST API and of an HTTP API, by the month's millions.
REST_MILLIONS = [(333, 3.50), (667, 2.80), (19_000, 2.38), (FURTHER, 1.51)]
HTTP_MILLIONS = [(300, 1.00), (FURTHER, 0.90)]
# https://aws.amazon.com/waf/pricing/: a web ACL and a rule for a month, and a million requests.
WEB_ACL, WEB_ACL_RULE, WEB_ACL_MILLION = 5.00, 1.00, 0.60
# https://aws.amazon.com/cloudwatch/pricing/, since 2025-05-01: a GB that Lambda writes to CloudWatch Logs, by the month's GB.
LOGGED_GB = [(10_000, 0.50), (20_000, 0.25), (20_000, 0.10), (FURTHER, 0.05)]
# The same page: a GB that API Gateway writes there.
ACCESS_LOGGED_GB = 0.50


def tiered(amount, tiers):
    """The price of an amount.

    >>> [round(tiered(millions, REST_MILLIONS), 6) for millions in (1, 333, 1000)]
    [3.5, 1165.5, 3033.1]
    >>> tiered(60_000, LOGGED_GB)  # AWS's own example: 60 TB of logs
    12500.0
    """
    price = 0.0
    for size, each in tiers:
        price += min(amount, size) * each
        amount -= min(amount, size)
    return price


def milliseconds(cpu_ms, memory_mb, waits_ms):
    """What Lambda bills: the processor time, scaled by the share of a processor that the memory buys, and the waits.

    >>> milliseconds(4, 1769, 6), milliseconds(4, 884.5, 6)
    (10, 14)
    """
    return math.ceil(cpu_ms * max(MB_OF_A_PROCESSOR / memory_mb, 1) + waits_ms)


def grouped(number):
    """
    >>> [grouped(number) for number in (0, 999, 1000, 1234567.4)]
    ['0', '999', '1,000', '1,234,567']
    """
    return f"{number:,.0f}"


def roughly(number):
    """A number of users in words, cut to two digits.

    >>> [roughly(number) for number in (1999, 87654, 1e6, 12345678)]
    ['1,900', '87,000', '1 million', '12 million']
    """
    unit = 10 ** (math.floor(math.log10(number)) - 1)
    cut = number // unit * unit
    return f"{cut / 1e6:g} million" if cut >= 1e6 else grouped(cut)


def named(users):
    return grouped(users) if users < 1e6 else roughly(users)


def prices(usage):
    """The prices of DynamoDB, Lambda, API Gateway and the logs."""
    return [
        usage["reads"] * READ_UNIT + usage["writes"] * WRITE_UNIT + usage["stored_bytes"] / 1e9 * STORED_GB,
        usage["calls"] * INVOCATION + tiered(usage["gb_seconds"], GB_SECONDS),
        tiered(usage["calls"] / 1e6, REST_MILLIONS),
        tiered(usage["log_bytes"] / 1e9, LOGGED_GB),
    ]


def times(usage, factor):
    return Counter({name: amount * factor for name, amount in usage.items()})


def table(head, rows):
    """A table whose first row aligns: a colon stands before a column of numbers."""
    names = [name.removeprefix(":") for name in head]
    marks = ["--:" if name.startswith(":") else "---" for name in head]
    lines = [f"| {' | '.join(names)} |", f"|{'|'.join(marks)}|", *(f"| {' | '.join(map(str, row))} |" for row in rows)]
    return "\n".join(lines) + "\n"


def read(name):
    return (ROOT / name).read_text()


def found(pattern, text):
    match = re.search(pattern, text, re.MULTILINE)
    return match.group(1) if match else sys.exit(f"bench/scale.py: nothing fits {pattern}")


def cpu_ms(function):
    """The processor time of a warm call, from docs/performance.md."""
    header = found(r"^(\| program \|.*)$", read("docs/performance.md")).split(" | ")
    row = found(rf"^(\| {function} \|.*)$", read("docs/performance.md")).split(" | ")
    return float(row[header.index("warm CPU µs")]) / 1000


def of_prod():
    """samconfig.toml's parameters for production."""
    return read("samconfig.toml").split("[prod.deploy.parameters]")[1]


def platform_log_bytes(function):
    """What Lambda itself logs of a run that went well."""
    parameter = SYSTEM_LOG_LEVEL.get(function)
    left_out = parameter and found(rf'"{parameter}=(\w+)', of_prod()) == "WARN"
    return 0 if left_out else PLATFORM_LOG_BYTES


def metrics_bytes(function, sharing):
    """The bytes of metrics of each of several requests that share a line.

    >>> metrics_bytes("authorizer", 1), metrics_bytes("authorizer", 10)
    (315.0, 36.9)
    """
    return (METRICS_LOG_BYTES[function] + SHARED_BYTES * (sharing - 1)) / sharing


def usages(page):
    """What each operation consumes: its units from the page, the rest from its function."""
    for name, (function, memory, waits_ms, own_log_bytes) in OPERATIONS.items():
        reads, writes = (int(found(rf"^\| {name} \|(?: \d+ \|){{{column}}} (\d+) \|", page)) for column in (0, 1))
        memory_mb = default(memory)
        billed_ms = milliseconds(cpu_ms(function), memory_mb, waits_ms)
        log_bytes = platform_log_bytes(function) + metrics_bytes(function, SHARING.get(name, 1)) + own_log_bytes
        gb_seconds = memory_mb / 1024 * billed_ms / 1000
        yield name, Counter(reads=reads, writes=writes, calls=1, gb_seconds=gb_seconds, log_bytes=log_bytes, ms=billed_ms)


def operations(each):
    rows = []
    for name, usage in each.items():
        dollars = prices(times(usage, 1e6))
        rows.append([name, usage["reads"], usage["writes"], usage["ms"], *(f"${price:.2f}" for price in [*dollars, sum(dollars)])])
    head = ["a million times", ":read units", ":write units", ":ms billed", ":DynamoDB", ":Lambda", ":API Gateway", ":logs", ":in all"]
    return table(head, rows)


def busiest_second(day, users):
    """Requests, logins, refreshes, read and write units, and by Little's law the functions at once."""
    a_day = [day["calls"], A_DAY["a login"], A_DAY["a refresh"], day["reads"], day["writes"], day["ms"] / 1000]
    return [users * each / 86_400 * PEAK for each in a_day]


def daily_users(day, login_bytes):
    busiest, bills = [], []
    for users in DAILY_USERS:
        name = named(users)
        busiest.append([name, *(grouped(math.ceil(each)) for each in busiest_second(day, users))])
        month = times(day, users * DAYS_A_MONTH)
        month["stored_bytes"] = users * LOGINS_HELD * login_bytes
        dollars = prices(month)
        total = sum(dollars)
        as_http = total - dollars[2] + tiered(month["calls"] / 1e6, HTTP_MILLIONS)
        bills.append([name, *(f"${grouped(each)}" for each in [*dollars, total]), f"${total / users:.4f}", f"${grouped(as_http)}"])
    loads = [":requests /s", ":logins /s", ":refreshes /s", ":read units /s", ":write units /s", ":functions at once"]
    costs = [":DynamoDB", ":Lambda", ":API Gateway", ":logs", ":a month in all", ":for each user", ":as an HTTP API"]
    first, second = (table([":daily users", *head], rows) for head, rows in ((loads, busiest), (costs, bills)))
    return f"In the busiest second:\n\n{first}\nIn a month:\n\n{second}"


def default(parameter):
    """The default of one of the template's parameters."""
    return float(found(rf"^  {parameter}:\n(?:    .*\n)*?    Default: (\d+)$", read("template.yaml")))


def edge(day):
    """What the parameters WebAcl and AccessLogs cost in a month, and the daily users behind one address whose busiest second on
    average stays below the web ACL's limit."""
    rows = []
    for users in DAILY_USERS:
        millions = users * DAYS_A_MONTH * day["calls"] / 1e6
        web_acl = WEB_ACL + WEB_ACL_RULE + millions * WEB_ACL_MILLION
        access_log = millions * 1e6 * ACCESS_LOG_BYTES / 1e9 * ACCESS_LOGGED_GB
        rows.append([named(users), *(f"${grouped(each)}" for each in (web_acl, access_log))])
    users_of_one = default("WebAclRateLimit") / default("WebAclRateWindow") / busiest_second(day, 1)[0]
    costs = table([":daily users", ":`WebAcl`", ":`AccessLogs`"], rows)
    return f"{costs}\nThe default limit is reached by {roughly(users_of_one)} daily users behind one address.\n"


def limits(day):
    """samconfig.toml's values for production, and AWS's defaults, by the number of daily users that reach them."""
    prod = {name: float(found(rf'"{name}=(\d+)', of_prod())) for name in ("LoginRateLimit", "ApiRateLimit")}
    requests, logins, refreshes, reads, writes, at_once = busiest_second(day, 1)
    warm = "itself as traffic grows; before a launch `aws dynamodb update-table --warm-throughput`"
    all_limits = [
        (logins, "`LoginRateLimit` of `prod`, logins a second", prod["LoginRateLimit"],
         "the parameter, up to 400; each at once is a processor"),
        (refreshes, "`ApiRateLimit` of `prod`, refreshes a second", prod["ApiRateLimit"],
         "the parameter, up to 10,000, with `ApiBurstLimit`"),
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
        (requests, "API Gateway, requests a second of an account in a region", 10_000, "Service Quotas; 2,500 in some regions"),
        # https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
        (at_once, "Lambda, functions at once of an account in a region", 1_000, "Service Quotas; far fewer in new accounts"),
        # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput-scenarios.html
        (reads, "a new table's warm throughput, read units a second", 12_000, warm),
        (writes, "a new table's warm throughput, write units a second", 4_000, "the same way, the table and both indexes"),
        # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
        (reads, "a table's quota, read units a second", 40_000, "Service Quotas"),
        (writes, "a table's quota, write units a second", 40_000, "Service Quotas"),
    ]
    rows = sorted((most / of_one, what, most, how) for of_one, what, most, how in all_limits)
    return table(
        [":daily users", "what is met", ":default", "raise it by"],
        [[roughly(users), what, grouped(most), how] for users, what, most, how in rows],
    )


def computed(page):
    """The page with its tables computed anew. They stand between comments that name them."""
    each = dict(usages(page))
    day = sum((times(each[name], a_day) for name, a_day in A_DAY.items()), Counter())
    login_bytes = float(found(r"^A login with its session takes ([\d,]+) bytes", page).replace(",", ""))
    for section, text in {"operations": operations(each), "users": daily_users(day, login_bytes), "edge": edge(day), "limits": limits(day)}.items():
        begin, end = f"<!-- {section}: computed -->\n", f"<!-- {section}: end -->"
        before, rest = page.split(begin)
        page = f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}"
    return page


if sys.argv[1:] not in ([], ["--check"]):
    sys.exit("usage: bench/scale.py [--check]")
if doctest.testmod().failed:
    sys.exit(1)
page = PAGE.read_text()
if not sys.argv[1:]:
    PAGE.write_text(computed(page))
elif page != computed(page):
    sys.exit("docs/scale.md isn't what bench/scale.py computes; run bench/scale.py")
