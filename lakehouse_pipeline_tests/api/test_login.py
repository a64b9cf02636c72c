import re
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from lakehouse_pipeline_tests.api.client import Answer, Api, end_token, make_token, serving

FORM = "application/x-www-form-urlencoded"
SECURE = {"X-Forwarded-Proto": "https"}
"""What a TLS proxy on this machine says."""


@pytest.fixture(scope="module")
def login(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Yield an API with tokens, called without one."""
    home = tmp_path_factory.mktemp("login") / "home"
    make_token(home, "Olga", "owner")
    with serving(home) as api:
        yield api


def logged_in(api: Api, secret: str, onward: str = "", **headers: str) -> Answer:
    body = urlencode({"token": secret, "next": onward}).encode()
    return api.call("POST", "/login", body, {"Content-Type": FORM, "Origin": api.url} | headers)


def cookie(answer: Answer) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


def test_a_token_is_shown_once_and_a_cookie_stands_for_it(login: Api) -> None:
    secret = make_token(login.home, "Ann", "steward")
    answer = logged_in(login, secret, "/dagster/runs")
    assert (answer.status, answer.headers["location"]) == (303, "/dagster/runs")
    kept = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=28800"} <= set(kept.split("; "))
    assert "Secure" not in kept
    assert secret not in kept
    assert login.get("/datasets", Cookie=cookie(answer)).status == 200
    assert (
        "You are <strong>Ann</strong>" in login.get("/login", Cookie=cookie(answer)).body.decode()
    )


def test_over_tls_the_cookie_is_for_tls_only(login: Api) -> None:
    secret = make_token(login.home, "Sue", "steward")
    assert "Secure" in logged_in(login, secret, **SECURE).headers["set-cookie"].split("; ")


@pytest.mark.parametrize("secret", ["", "lhp_x", "lhp_" + "x" * 43, "\xff"])
def test_what_is_no_token_gets_the_form_again(login: Api, secret: str) -> None:
    answer = logged_in(login, secret)
    assert (answer.status, "set-cookie" in answer.headers) == (401, False)
    assert "You are not logged in: unknown token." in answer.body.decode()
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_login_ends_with_its_token(login: Api) -> None:
    kept = cookie(logged_in(login, make_token(login.home, "Rolf", "owner")))
    assert login.get("/datasets", Cookie=kept).status == 200
    end_token(login.home, "Rolf")
    login.get("/datasets", Cookie=kept).problem(401)
    assert "Your token" in login.get("/login", Cookie=kept).body.decode()


def test_a_login_ends_with_the_logout_also_for_who_has_a_copy(login: Api) -> None:
    kept = cookie(logged_in(login, make_token(login.home, "Lou", "owner")))
    login.call("POST", "/logout", b"", {"Cookie": kept}).problem(403)
    answer = login.call("POST", "/logout", b"", {"Cookie": kept, "Origin": login.url})
    assert (answer.status, answer.headers["location"]) == (303, "/login")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    login.get("/datasets", Cookie=kept).problem(401)


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://127.0.0.1:1"])
def test_a_login_changes_nothing_from_pages_of_elsewhere(login: Api, origin: str | None) -> None:
    kept = cookie(logged_in(login, make_token(login.home, f"C{time.time()}", "owner")))
    body, headers = {"dataset": "none"}, {"Cookie": kept}
    said = {"Origin": origin} if origin is not None else {}
    login.post("/replay", body, **headers, **said).problem(403)
    login.post("/replay", body, **headers, Origin=login.url).problem(404)


def test_a_token_counts_more_than_a_login(login: Api) -> None:
    kept = cookie(logged_in(login, make_token(login.home, "Bob", "owner")))
    login.of("lhp_wrong").get("/datasets", Cookie=kept).problem(401)


@pytest.mark.parametrize(
    "onward", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/a\nb", ""]
)
def test_a_login_goes_on_to_this_address_only(login: Api, onward: str) -> None:
    name = f"N{time.time()}"
    answer = logged_in(login, make_token(login.home, name, "auditor"), onward)
    assert answer.headers["location"] == "/dagster"


def test_a_page_of_the_ui_asks_for_the_login_and_a_program_gets_a_problem(login: Api) -> None:
    page = login.get("/dagster/runs/1", Accept="text/html,*/*")
    assert (page.status, page.headers["location"]) == (303, "/login?next=/dagster/runs/1")
    login.get("/dagster/runs/1").problem(401)


def test_people_may_come_by_a_link_of_another_site_and_pages_may_not(login: Api) -> None:
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    document = link | {"Sec_Fetch_Dest": "document"}
    assert login.get("/dagster", Accept="text/html", **document).status == 303
    assert login.get("/login", **document).status == 200
    login.get("/login", **link, Sec_Fetch_Dest="iframe").problem(403)
    login.get("/datasets", **document).problem(403)
    login.get("/dagster", **document, Origin="http://evil.example").problem(403)
    login.call(
        "POST", "/login", b"", {n.replace("_", "-"): v for n, v in document.items()}
    ).problem(403)


def test_the_form_runs_no_script_and_shows_what_it_was_given_as_text(login: Api) -> None:
    page = login.get('/login?next=/"><script>alert(1)</script>')
    assert "<script" not in page.body.decode()
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "no-store"
    style = re.search("<style>(.*)</style>", page.body.decode())
    assert style


def test_a_form_that_is_too_large_is_refused(login: Api) -> None:
    login.call("POST", "/login", b"token=" + b"x" * 5000, {"Content-Type": FORM}).problem(413)


def test_without_tokens_nobody_has_to_log_in(api: Api) -> None:
    assert "nobody has to log in" in api.get("/login").body.decode()
