"""The portal in a real browser: files delivered, reasons read, by mouse and by keyboard alone."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from lakehouse_pipeline_tests.browser.conftest import SHOWN_MILLISECONDS, SIZE, Lakehouse
from lakehouse_pipeline_tests.browser.payments import DATASET

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]

Picture = Callable[[Page, str], None]
PROCESSED = 60_000
NARROW = ViewportSize(width=360, height=740)
HOSTILE = "<img src=x onerror=alert(1)>"
WATCH = """() => {
  window.seen = [];
  const list = document.getElementById("sent");
  const look = () => seen.push(list.textContent);
  new MutationObserver(look).observe(list, {subtree: true, childList: true, characterData: true});
}"""
"""Keeps everything that the list of deliveries ever said."""

DROP = """() => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File(["id,note,amount\\n1,dropped,3\\n"], "dropped.csv"));
  const facts = {dataTransfer, bubbles: true, cancelable: true};
  for (const kind of ["dragover", "drop"]) document.body.dispatchEvent(new DragEvent(kind, facts));
}"""
OUTLINE = """() => {
  const at = document.activeElement;
  const shown = at.matches(".drop input") ? at.parentElement.querySelector(".choose") : at;
  return getComputedStyle(shown).outlineStyle;
}"""
"""The outline of what has the focus; of the hidden file input that of its label."""


@pytest.fixture
def page(lakehouse: Lakehouse, browser: Browser) -> Iterator[Page]:
    """Yield a page of the portal's site; nothing on it may fail, and no dialog may open."""
    expect.set_options(timeout=SHOWN_MILLISECONDS)
    context = browser.new_context(
        viewport=SIZE,
        locale="en-GB",
        timezone_id="Asia/Tokyo",
        base_url=lakehouse.api_url,
        accept_downloads=True,
    )
    context.set_default_timeout(SHOWN_MILLISECONDS)
    page, faults = context.new_page(), list[str]()
    page.on("console", lambda said: faults.append(said.text) if said.type != "log" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    yield page
    context.close()
    assert [fault for fault in faults if "status of 4" not in fault] == []


def post(lakehouse: Lakehouse, path: str, body: object) -> Any:  # noqa: ANN401 JSON has no narrower type
    headers = {"Content-Type": "application/json"}
    request = Request(f"{lakehouse.api_url}{path}", json.dumps(body).encode(), headers)  # noqa: S310 - it is ours
    with urlopen(request, timeout=60) as answer:  # noqa: S310 - it is ours
        return json.load(answer)


@pytest.fixture(scope="module")
def sales(lakehouse: Lakehouse) -> str:
    schema = {"id": "int", "note": "string", "amount": "decimal(10,2)"}
    post(lakehouse, "/datasets", {"name": "sales", "schema": schema})
    return "sales"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def sent(page: Page, name: str) -> Locator:
    return page.locator("#sent li", has=page.get_by_text(name, exact=True))


def axe(page: Page) -> list[str]:
    """Return what axe finds that keeps people from using the page."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found]


def test_a_file_is_delivered_with_progress_and_published(
    page: Page, sales: str, tmp_path: Path
) -> None:
    rows = "".join(f"{n},{'x' * 400},9.50\n" for n in range(20_000))
    page.goto("/")
    page.get_by_role("link", name=sales, exact=True).click()
    page.locator("#sent").wait_for(state="attached")  # a click does not wait for the page
    page.evaluate(WATCH)
    page.get_by_label("Drop CSV files here").set_input_files(
        write(tmp_path, "large.csv", f"id,note,amount\n{rows}")
    )
    expect(sent(page, "large.csv")).to_contain_text(
        "20,000 of 20,000 records published, 0 quarantined.", timeout=PROCESSED
    )
    seen = " ".join(page.evaluate("seen"))
    assert re.search(r"\d+ % sent", seen)
    assert "Delivered; it is taken in within seconds." in seen
    row = page.locator("tr[data-state=published]", has_text="large-")
    expect(row).to_contain_text("20,000")
    with page.expect_download() as downloaded:
        page.get_by_role("button", name="CSV", exact=True).click()
    assert downloaded.value.suggested_filename == "sales.csv"
    assert Path(downloaded.value.path()).read_text().startswith("id,note,amount\n0,xxx")


def test_broken_rows_show_their_reasons_and_come_back_corrected(
    page: Page, sales: str, tmp_path: Path
) -> None:
    text = f'id,note,amount\n1,ok,9.50\nfour,"{HOSTILE}",7\n3,fine,-\n4,fine,1,2\n'
    page.goto(f"/portal/datasets/{sales}")
    page.get_by_label("Drop CSV files here").set_input_files(write(tmp_path, "broken.csv", text))
    said = sent(page, "broken.csv")
    expect(said).to_contain_text("1 of 4 records published, 3 quarantined.", timeout=PROCESSED)
    said.get_by_role("link").click()
    expect(
        page.get_by_text("4 records = 1 validated + 3 quarantined; none is missing.")
    ).to_be_visible()
    records = page.get_by_role("region", name="Quarantined records; scrolls sideways").locator(
        "tbody tr"
    )
    expect(records).to_have_count(3)
    expect(records.nth(0)).to_contain_text("id must be a whole number")
    expect(records.nth(0)).to_contain_text(HOSTILE)
    expect(records.nth(1).locator(".broken")).to_have_text("breaks a rule: -")
    expect(records.nth(2)).to_contain_text("as it stood: 4,fine,1,2")
    with page.expect_download() as downloaded:
        page.get_by_role("link", name="Export for the supplier (CSV)").click()
    report = Path(downloaded.value.path()).read_text("utf-8")
    back = write(
        tmp_path, "back.csv", report.replace("four", "2").replace("3,fine,-", "3,fine,8.00")
    )
    page.get_by_label("Corrected file").set_input_files(back)
    page.get_by_role("button", name="Send").click()
    expect(
        page.get_by_text("2 corrected, 2 of them now keep every rule; 1 unchanged.").first
    ).to_be_visible()
    expect(
        page.get_by_text("4 records = 3 validated + 1 quarantined; none is missing.")
    ).to_be_visible()


def test_a_wrong_correction_says_why(page: Page, sales: str, tmp_path: Path) -> None:
    page.goto(f"/portal/datasets/{sales}")
    page.get_by_label("Drop CSV files here").set_input_files(
        write(tmp_path, "wrong.csv", "id,note,amount\nx,y,1\n")
    )
    expect(sent(page, "wrong.csv")).to_contain_text("0 of 1", timeout=PROCESSED)
    sent(page, "wrong.csv").get_by_role("link").click()
    page.get_by_label("Corrected file").set_input_files(write(tmp_path, "no.csv", "a,b\n1,2\n"))
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".corrections .answer.problem")).to_contain_text("nothing was changed")


def test_what_is_no_csv_file_is_refused_with_a_reason_and_a_copy_is_told(
    page: Page, sales: str, tmp_path: Path
) -> None:
    page.goto(f"/portal/datasets/{sales}")
    files = [
        write(tmp_path, "picture.png", "no"),
        write(tmp_path, f"{HOSTILE}.csv", "id,note,amount\n1,a,1\n"),
        write(tmp_path, "copy.csv", "id,note,amount\n1,a,1\n"),
    ]
    page.get_by_label("Drop CSV files here").set_input_files(files)
    expect(sent(page, "picture.png")).to_contain_text("is no CSV file. Send .csv")
    expect(sent(page, f"{HOSTILE}.csv")).to_contain_text("1 of 1 records", timeout=PROCESSED)
    expect(sent(page, "copy.csv")).to_contain_text("was delivered before as", timeout=PROCESSED)


def test_a_file_is_dropped_anywhere_on_the_page(page: Page, sales: str) -> None:
    page.goto(f"/portal/datasets/{sales}?lang=de")
    page.evaluate(DROP)
    expect(sent(page, "dropped.csv")).to_contain_text(
        "1 von 1 Datensätzen veröffentlicht, 0 in Quarantäne.", timeout=PROCESSED
    )
    expect(page.locator("#announce")).to_contain_text("veröffentlicht")


def test_a_batch_that_came_by_the_landing_folder_appears_without_reload(
    page: Page, lakehouse: Lakehouse, sales: str
) -> None:
    page.goto(f"/portal/datasets/{sales}")
    url = post(lakehouse, f"/datasets/{sales}/upload-url", {"filename": "elsewhere.csv"})["url"]
    put = Request(url, b"id,note,amount\n7,z,1\n", {"Content-Type": "text/csv"}, method="PUT")  # noqa: S310 - it is ours
    urlopen(put, timeout=30).close()  # noqa: S310 - it is ours
    row = page.locator("tr[data-state=published]", has_text="elsewhere-")
    expect(row).to_be_visible(timeout=PROCESSED)
    expect(row.locator("time")).not_to_contain_text("UTC")


def test_the_keyboard_alone_reaches_and_does_everything(page: Page, lakehouse: Lakehouse) -> None:
    page.on("filechooser", lambda _: None)  # the browser takes a moment to hand its choosers over
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    press_until(page, page.get_by_role("link", name=DATASET, exact=True))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=DATASET, exact=True)).to_be_visible()
    press_until(page, page.get_by_label("Drop CSV files here"))
    with page.expect_file_chooser():
        page.keyboard.press("Space")
    press_until(
        page, page.locator(f"a[id='batch-{lakehouse.batches['payments-2025-04.csv'].batch}']")
    )
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("payments-2025-04")
    press_until(page, page.get_by_role("region", name="Quarantined records; scrolls sideways"))


def press_until(page: Page, wanted: Locator) -> None:
    """Press Tab until this has the focus; every stop on the way has a visible focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        outline = page.evaluate(OUTLINE)
        assert outline != "none"
        if wanted.evaluate("it => it === document.activeElement"):
            return
    raise AssertionError(wanted)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "de"])
def test_axe_finds_nothing_that_keeps_people_out(
    page: Page, lakehouse: Lakehouse, scheme: str, language: str, picture: Picture
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    batch = lakehouse.batches["payments-2025-04.csv"].batch
    good = lakehouse.batches["payments-2025-03.csv"].batch
    for name, path in {
        "datasets": "/",
        "dataset": f"/portal/datasets/{DATASET}",
        "refused": f"/portal/datasets/{DATASET}/batches/{batch}",
        "batch": f"/portal/datasets/{DATASET}/batches/{good}",
        "error": "/portal/datasets/nowhere",
    }.items():
        page.goto(f"{path}?lang={language}")
        picture(page, f"portal-{name}-{scheme}-{language}.png")
        assert axe(page) == [], path


def test_a_narrow_screen_scrolls_its_tables_and_nothing_else(
    page: Page, lakehouse: Lakehouse, picture: Picture
) -> None:
    page.set_viewport_size(NARROW)
    batch = lakehouse.batches["payments-2025-04.csv"].batch
    for name, path in {
        "datasets": "/",
        "dataset": f"/portal/datasets/{DATASET}",
        "batch": f"/portal/datasets/{DATASET}/batches/{batch}",
    }.items():
        page.goto(path)
        picture(page, f"portal-{name}-narrow.png")
        wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not page.evaluate(wider), path
        assert axe(page) == [], path


def test_without_a_script_everything_can_be_read(browser: Browser, lakehouse: Lakehouse) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=lakehouse.api_url)
    page = context.new_page()
    page.goto("/")
    page.get_by_role("link", name=DATASET, exact=True).click()
    assert "With curl it works without" in page.content()
    expect(page.get_by_text("Drop CSV files here")).to_be_hidden()
    page.get_by_role("link", name="payments-2025-04").click()
    expect(
        page.get_by_role("region", name="Quarantined records; scrolls sideways")
    ).to_contain_text("amount must be at least 0.")
    expect(page.get_by_text("UTC").first).to_be_visible()
    context.close()
