"""A login in a real browser, and the Dagster UI behind it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from lakehouse_pipeline.orchestration.parts import Stack
from lakehouse_pipeline.orchestration.processes import running
from lakehouse_pipeline.settings import Settings
from lakehouse_pipeline_tests.api.client import end_token, make_token
from lakehouse_pipeline_tests.browser.conftest import SHOWN_MILLISECONDS

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]
CODE = "/dagster/locations"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("login") / "home"
    make_token(path, "Olga", "owner")
    return path


@pytest.fixture(scope="module")
def guarded(chromium: str, home: Path) -> Iterator[Stack]:
    with running(Settings(home=home, threads=1)) as stack:
        yield stack


@pytest.fixture
def context(guarded: Stack, browser: Browser) -> Iterator[BrowserContext]:
    """Yield a browser that reaches nothing but the API."""
    expect.set_options(timeout=SHOWN_MILLISECONDS)
    context = browser.new_context(locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(SHOWN_MILLISECONDS)
    context.route(lambda url: not url.startswith(guarded.api_url), lambda route: route.abort())
    yield context
    context.close()


def log_in(context: BrowserContext, stack: Stack, secret: str, path: str = CODE) -> Page:
    """Open a page of the UI, log in where that is asked for, and return the page."""
    page = context.new_page()
    page.goto(f"{stack.api_url}{path}", wait_until="domcontentloaded")
    page.get_by_label("Your token").fill(secret)
    page.get_by_role("button", name="Log in").click()
    return page


def test_a_steward_logs_in_operates_the_ui_and_logs_out(
    context: BrowserContext, guarded: Stack, home: Path, picture: Callable[[Page, str], None]
) -> None:
    told: list[str] = []
    page = log_in(context, guarded, make_token(home, "Stella", "steward"))
    page.on("console", lambda said: told.append(said.text))
    page.wait_for_url(f"**{CODE}")
    with page.expect_response(is_reload) as done:
        page.get_by_role("button", name="Reload").first.click()
    assert done.value.status == 200
    assert "UnauthorizedError" not in done.value.text()
    assert [said for said in told if "Content Security Policy" in said] == []
    assert page.evaluate("document.cookie") == ""
    page.goto(f"{guarded.api_url}/login")
    expect(page.get_by_text("Stella")).to_be_visible()
    picture(page, "login.png")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Your token")).to_be_visible()
    page.goto(f"{guarded.api_url}{CODE}")
    expect(page.get_by_label("Your token")).to_be_visible()


def test_a_consumer_sees_the_ui_and_can_change_nothing(
    context: BrowserContext, guarded: Stack, home: Path
) -> None:
    page = log_in(context, guarded, make_token(home, "Carla", "consumer"))
    button = page.get_by_role("button", name="Reload").first
    expect(button).to_be_visible()
    expect(button).to_be_disabled()


def test_a_wrong_token_is_told_and_a_revoked_one_ends_the_login(
    context: BrowserContext, guarded: Stack, home: Path
) -> None:
    page = log_in(context, guarded, "lhp_wrong")
    expect(page.get_by_role("alert")).to_contain_text("You are not logged in")
    page.get_by_label("Your token").fill(make_token(home, "Rolf", "auditor"))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{CODE}")
    end_token(home, "Rolf")
    page.goto(f"{guarded.api_url}{CODE}")
    expect(page.get_by_label("Your token")).to_be_visible()


def is_reload(answer: Response) -> bool:
    """Return whether this answers the button: it reloads one location, or all of them."""
    sent = answer.request.post_data or ""
    return "reloadWorkspace" in sent or "reloadRepositoryLocation" in sent
