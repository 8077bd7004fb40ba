"""Walks through the API with the client that openapi-generator makes for Python."""

import sys

import openapi_client as api

PASSWORD = "correct-horse-battery-staple"
# The rest of a token that was never issued.
MADE_UP = "A" * 252


def client(token=None):
    return api.ApiClient(api.Configuration(host=sys.argv[1], access_token=token))


def login(password):
    return api.LoginApi(client()).login(api.LoginRequest(username="demo", password=password))


def me(token):
    return api.SessionsApi(client(token)).me()


def refresh(token):
    return api.LoginApi(client(token)).refresh()


def refused(code, call, *arguments):
    try:
        call(*arguments)
    except api.exceptions.UnauthorizedException as error:
        problem = error.data
        assert isinstance(problem, api.Problem), problem
        assert (problem.code, problem.status, problem.retryable) == (code, 401, False), problem
    else:
        raise AssertionError(f"no refusal where {code} was expected")


other = login(PASSWORD)
first = login(PASSWORD)
assert first.token_type == "Bearer"
refused("invalid_credentials", login, "wrong")

assert me(first.access_token).login_id == first.login_id
refused("invalid_token", me, "lka_" + MADE_UP)

pair = refresh(first.refresh_token)
assert pair.login_id == first.login_id and pair.access_token != first.access_token
refused("invalid_token", me, first.access_token)
refused("invalid_token", refresh, "lkr_" + MADE_UP)

page = api.SessionsApi(client(pair.access_token)).list_sessions(limit=100)
current = next(session for session in page.sessions if session.login_id == pair.login_id)
assert current.current and current.ip == "127.0.0.1" and current.device is None and current.expires_at > current.logged_in_at

ended = api.SessionsApi(client(pair.access_token)).end_session_with_http_info(other.login_id)
assert (ended.status_code, ended.data) == (204, None)
done = api.LoginApi(client(pair.refresh_token)).logout_with_http_info()
assert (done.status_code, done.data) == (204, None)
refused("invalid_token", me, pair.access_token)
