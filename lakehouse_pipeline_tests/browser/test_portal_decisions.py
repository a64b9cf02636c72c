"""Decisions in the portal: a steward who is logged in, in a real browser, in both languages."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from lakehouse_pipeline_tests.api.client import Api, make_token, serving
from lakehouse_pipeline_tests.browser.conftest import SHOWN_MILLISECONDS, SIZE
from lakehouse_pipeline_tests.homes import AMOUNT, contract_text, rows

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]

PROCESSED = 60_000
PORTAL = "/portal/datasets/{dataset}"


@pytest.fixture(scope="module")
def anna(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Yield an API with tokens, called with that of a steward who writes contracts."""
    home = tmp_path_factory.mktemp("decisions") / "home"
    token = make_token(home, "Anna", "steward")
    with serving(home) as api:
        yield api.of(token)


def proposed(anna: Api, dataset: str, version: str = "1.0.0", amount: str = AMOUNT) -> str:
    """Register a version that somebody else than Anna has to approve; return its dataset."""
    text = contract_text(version, dataset=dataset, amount=amount).encode()
    assert anna.call("POST", "/contracts", text).status == 201
    return dataset


def approved(anna: Api, dataset: str) -> str:
    bert = anna.given(f"Bert of {dataset}", "steward")
    proposed(anna, dataset)
    step = bert.post(f"/datasets/{dataset}/contracts/approve", {"why": "read"})
    assert step.status == 200, step
    return dataset


def logged_in(browser: Browser, api: Api, locale: str = "en-GB") -> BrowserContext:
    """Return a browser where the one who has this token is logged in."""
    expect.set_options(timeout=SHOWN_MILLISECONDS)
    context = browser.new_context(viewport=SIZE, locale=locale, base_url=api.url)
    context.set_default_timeout(SHOWN_MILLISECONDS)
    page = context.new_page()
    page.goto("/login?next=/")
    page.get_by_label("Token").fill(api.token)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.close()
    return context


@pytest.fixture(scope="module")
def stella(anna: Api) -> Api:
    return anna.given("Stella", "steward")


@pytest.fixture
def page(browser: Browser, stella: Api) -> Iterator[Page]:
    """Yield a page of another steward; nothing on it may fail."""
    context = logged_in(browser, stella)
    page, faults = context.new_page(), list[str]()
    page.on("console", lambda said: faults.append(said.text) if said.type != "log" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert [fault for fault in faults if "status of 4" not in fault] == []


def axe(page: Page) -> list[str]:
    """Return what axe finds that keeps people from using the page."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found]


def decide(page: Page, button: str, why: str) -> None:
    """Answer the dialog that asks for a reason."""
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Why").fill(why)
    dialog.get_by_role("button", name=button, exact=True).click()


def last_event(api: Api, dataset: str, kind: str) -> tuple[str, str]:
    told = [event for event in api.events(dataset) if event["type"] == kind]
    return told[-1]["actor"], told[-1]["why"]


def test_a_waiting_version_is_approved_with_a_reason(page: Page, anna: Api) -> None:
    dataset = proposed(anna, "approvals")
    page.goto(PORTAL.format(dataset=dataset))
    expect(page.get_by_text("Version 1.0.0, registered by Anna")).to_be_visible()
    expect(page.get_by_text("The first version: nothing was promised before.")).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    dialog = page.get_by_role("dialog", name="Approve version 1.0.0")
    expect(dialog).to_contain_text("Who decides what, and why, stays on record.")
    assert axe(page) == []
    dialog.get_by_label("Why").fill("   ")  # a reason is asked for, blanks are none
    dialog.get_by_role("button", name="Approve").click()
    expect(dialog).to_be_visible()
    decide(page, "Approve", "read with billing")
    expect(page.locator("p.note", has_text="Version 1.0.0 is approved.")).to_be_visible()
    expect(page.get_by_role("heading", name="Waiting for approval")).to_be_hidden()
    assert last_event(anna, dataset, "DataContractApproved") == ("Stella", "read with billing")


def test_who_registered_a_version_may_decline_it_and_does_not_approve_it(
    browser: Browser, anna: Api
) -> None:
    dataset = approved(anna, "declines")
    proposed(anna, dataset, "2.0.0", AMOUNT.replace("minimum: 0", "minimum: 5"))
    context = logged_in(browser, anna)
    page = context.new_page()
    page.goto(PORTAL.format(dataset=dataset))
    waiting = page.get_by_role("region", name="Waiting for approval")
    expect(waiting).to_contain_text("You registered it, so somebody else has to approve it.")
    expect(waiting).to_contain_text("breaks a promise")
    expect(waiting.get_by_role("button", name="Approve")).to_have_count(0)
    waiting.get_by_role("button", name="Decline").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    waiting.get_by_role("button", name="Decline").click()
    decide(page, "Decline", "too strict")
    expect(page.locator("p.note", has_text="Version 2.0.0 is declined.")).to_be_visible()
    context.close()
    assert last_event(anna, dataset, "DataContractDeclined") == ("Anna", "too strict")


def test_an_approved_version_that_breaks_a_promise_says_that_it_is_not_active(
    page: Page, anna: Api
) -> None:
    dataset = approved(anna, "promises")
    proposed(anna, dataset, "2.0.0", AMOUNT.replace("minimum: 0", "minimum: 5"))
    page.goto(PORTAL.format(dataset=dataset))
    page.get_by_role("button", name="Approve").click()
    decide(page, "Approve", "agreed")
    said = "Version 2.0.0 is approved. It breaks promises, so it is not active yet."
    expect(page.locator("p.note", has_text=said)).to_be_visible()


def test_a_batch_that_is_held_back_is_published_all_the_same(page: Page, anna: Api) -> None:
    dataset = approved(anna, "held")
    batch = anna.published(dataset, rows(4, broken=3).encode())
    page.goto(f"{PORTAL.format(dataset=dataset)}/batches/{batch}")
    expect(page.locator(".lead")).to_contain_text("3 of 4 records")
    page.get_by_role("button", name="Publish it all the same").click()
    decide(page, "Publish it all the same", "the supplier confirmed it")
    expect(page.locator("p.note", has_text="The batch was let through.")).to_be_visible(
        timeout=PROCESSED
    )
    expect(page.locator(".lead")).to_contain_text("1 of 4 records published, 3 quarantined.")


def test_records_are_let_through_one_by_one_and_by_their_rule(page: Page, anna: Api) -> None:
    dataset = approved(anna, "released")
    batch = anna.published(dataset, rows(9, broken=3).encode())
    page.goto(f"{PORTAL.format(dataset=dataset)}/batches/{batch}")
    page.get_by_role("button", name="Let the chosen records through").click()
    expect(page.get_by_text("Choose records in the table first.")).to_be_visible()
    page.get_by_label("Choose record 7").focus()
    page.keyboard.press("Space")
    assert axe(page) == []
    page.get_by_role("button", name="Let the chosen records through").click()
    expect(page.get_by_role("dialog")).to_contain_text("although they break a rule: 7.")
    decide(page, "Let the chosen records through", "a credit note")
    lead = page.locator(".lead")
    expect(lead).to_contain_text("7 of 9 records published", timeout=PROCESSED)
    page.get_by_role("button", name="Let through", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("2 records break this rule.")
    decide(page, "Let through", "credit notes all of them")
    expect(lead).to_contain_text("9 of 9 records published, 0 quarantined.", timeout=PROCESSED)


def test_a_refused_decision_says_why_and_changes_nothing(page: Page, anna: Api) -> None:
    dataset = proposed(anna, "twice")
    page.goto(PORTAL.format(dataset=dataset))
    bert = anna.given("Bert", "steward")
    bert.post(f"/datasets/{dataset}/contracts/decline", {"why": "first"})
    page.get_by_role("button", name="Approve").click()
    decide(page, "Approve", "second")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("was declined by Bert")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_speak_german_and_axe_finds_nothing(
    browser: Browser, anna: Api, scheme: str, picture: Callable[[Page, str], None]
) -> None:
    dataset = approved(anna, f"german_{scheme}")
    batch = anna.published(dataset, rows(4, broken=3).encode())
    proposed(anna, dataset, "2.0.0", AMOUNT.replace("minimum: 0", "minimum: 5"))
    context = logged_in(browser, anna.given(f"Greta {scheme}", "steward"), "de-DE")
    page = context.new_page()
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(PORTAL.format(dataset=dataset))
    expect(page.get_by_role("heading", name="Wartet auf Freigabe")).to_be_visible()
    expect(page.get_by_text("Version 2.0.0, angelegt von Anna")).to_be_visible()
    assert axe(page) == []
    page.get_by_role("button", name="Freigeben").click()
    dialog = page.get_by_role("dialog", name="Version 2.0.0 freigeben")
    expect(dialog).to_contain_text("bleibt festgehalten")
    expect(dialog.get_by_label("Warum")).to_be_focused()
    assert axe(page) == []
    picture(page, f"portal-decision-{scheme}-de.png")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Freigeben")).to_be_focused()
    page.goto(f"{PORTAL.format(dataset=dataset)}/batches/{batch}")
    expect(page.get_by_role("button", name="Trotzdem veröffentlichen")).to_be_visible()
    picture(page, f"portal-held-{scheme}-de.png")
    assert axe(page) == []
    context.close()


def test_on_a_narrow_screen_the_dialog_fits(page: Page, anna: Api) -> None:
    dataset = proposed(anna, "narrow")
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(PORTAL.format(dataset=dataset))
    page.get_by_role("button", name="Approve").click()
    wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(wider)
    box = page.get_by_role("dialog").bounding_box()
    assert box
    assert box["width"] <= 320
    assert axe(page) == []


def test_without_tokens_the_dialog_asks_for_a_name(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path / "home") as api:
        dataset = proposed(api, "open")
        context = browser.new_context(viewport=SIZE, base_url=api.url)
        page = context.new_page()
        page.goto(PORTAL.format(dataset=dataset))
        page.get_by_role("button", name="Approve").click()
        page.get_by_role("dialog").get_by_label("Your name").fill("Nora")
        decide(page, "Approve", "read")
        expect(page.locator("p.note", has_text="Version 1.0.0 is approved.")).to_be_visible()
        assert last_event(api, dataset, "DataContractApproved") == ("Nora", "read")
        context.close()
