"""A running `lakehouse up` with four batches, and a real browser that looks at it.

`LAKEHOUSE_SCREENSHOTS=<folder>` makes the tests leave their pictures there.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, ViewportSize, expect, sync_playwright

from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.landing import Landing
from lakehouse_pipeline.orchestration.batches import BatchState, batch_states
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.parts import Stack
from lakehouse_pipeline.orchestration.processes import running
from lakehouse_pipeline.settings import Settings
from lakehouse_pipeline_tests.browser.payments import DATASET, FILES, write_contract, write_files
from lakehouse_pipeline_tests.homes import AUTHOR, approve_contract

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SIZE = ViewportSize(width=1280, height=800)
PROCESSED_SECONDS = 90.0
SHOWN_MILLISECONDS = 20_000


@dataclass(frozen=True, slots=True)
class Lakehouse:
    """A running UI and API, and the states of the four batches by file name."""

    url: str
    api_url: str
    batches: dict[str, BatchState]


@dataclass  # without slots: playwright leaves a mark on whose method it calls
class Visit:
    """A browser page that reaches nothing but the UI; `read` is all that it was ever given."""

    page: Page
    url: str
    read: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Open a path of the UI and return the page."""
        self.page.goto(f"{self.url}{path}", wait_until="domcontentloaded")
        return self.page

    def handle(self, route: Route) -> None:
        """Let a request through to the UI only, and keep every answer of its GraphQL."""
        url = route.request.url
        if not url.startswith((self.url, "data:")):
            route.abort()
        elif url.startswith(f"{self.url}/graphql"):
            answer = route.fetch(max_retries=3)  # uvicorn may close a connection just reused
            self.read.append(answer.text())
            route.fulfill(response=answer)
        else:
            route.continue_()


@pytest.fixture(scope="session")
def chromium() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on the PATH")
    return found


@pytest.fixture(scope="module")
def lakehouse(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lakehouse]:
    folder = tmp_path_factory.mktemp("browser")
    settings = Settings(home=folder / "home")
    ContractStore(settings.contracts).add(write_contract(folder), AUTHOR)
    approve_contract(settings, DATASET)
    with running(settings) as stack:
        for file in write_files(folder):
            Landing(settings.landing).place(DATASET, file)
        yield Lakehouse(stack.url, stack.api_url, _processed(settings, stack))


def _processed(settings: Settings, stack: Stack) -> dict[str, BatchState]:
    """Return the states of the batches when every one is published or refused."""
    deadline = time.monotonic() + PROCESSED_SECONDS
    with open_instance(settings) as instance:
        while True:
            stack.check()
            states = batch_states(instance, DATASET)
            done = [state for state in states if state.state in ("published", "refused")]
            if len(done) == len(FILES):
                return {state.file: state for state in done}
            assert time.monotonic() < deadline, states
            time.sleep(0.2)


@pytest.fixture(scope="module")  # playwright's event loop must be gone before other tests run
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(OPTIONS))
        yield browser
        browser.close()


@pytest.fixture
def visit(lakehouse: Lakehouse, browser: Browser) -> Iterator[Visit]:
    expect.set_options(timeout=SHOWN_MILLISECONDS)
    context = browser.new_context(viewport=SIZE, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(SHOWN_MILLISECONDS)
    visit = Visit(context.new_page(), lakehouse.url)
    context.route("**/*", visit.handle)
    yield visit
    context.unroute_all(behavior="wait")
    context.close()


@pytest.fixture(scope="session")
def picture() -> Callable[[Page, str], None]:
    """Return what saves a page as a picture, when somebody wants pictures."""

    def save(page: Page, name: str) -> None:
        if folder := os.environ.get("LAKEHOUSE_SCREENSHOTS"):
            page.mouse.move(0, 0)
            page.wait_for_timeout(1000)  # transitions end; nothing is waited for in the test
            page.screenshot(path=Path(folder) / name)

    return save
