"""What people see of four batches in Dagster's UI, the last one refused, in a real browser."""

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from lakehouse_pipeline_tests.browser.conftest import Lakehouse, Visit
from lakehouse_pipeline_tests.browser.payments import PERSONAL, QUARANTINED

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]

Picture = Callable[[Page, str], None]

LAYERS = ("raw", "quarantined", "validated", "anonymized", "published")
WIDE = ViewportSize(width=1920, height=900)
TALL = ViewportSize(width=1280, height=2400)
GRAPH = "/locations/lakehouse/asset-groups/payments/lineage"
SAMPLED = "payments-2025-03.csv"
REFUSED = "payments-2025-04.csv"
MEASURES = [
    f"privacy/{of}{measure}"
    for of in ("", "published/")
    for measure in ("k", "l/paid_on", "t/paid_on")
]
COUNTS = {"amount.minimum": 6, "email.format": 6, "method.enum": 5, "amount.type": 5}
WHY = "maxQuarantinedPercent: 22 of 40 records (55.00 %) are quarantined, the contract allows 20 %"


@pytest.fixture(autouse=True)
def _no_personal_value_is_shown(visit: Visit) -> Iterator[None]:
    """After each test: neither the page nor any answer it was given holds a personal value."""
    yield
    seen = "\n".join([visit.page.inner_text("body"), visit.page.content(), *visit.read])
    assert visit.read
    assert "payments" in seen
    assert [value for value in PERSONAL if value in seen] == []


def row(page: Page, name: str) -> Locator:
    """Return the row of a table of metadata that begins with this name."""
    return page.locator("tr", has=page.get_by_text(name, exact=True))


def numbers_read(visit: Visit, label: str) -> dict[str, float]:
    """Return by batch the numbers with this label that the page was given to plot."""
    found: dict[str, float] = {}

    def look(value: object) -> None:
        if isinstance(value, dict):
            for entry in value.get("metadataEntries") or () if value.get("partition") else ():
                if entry["label"] == label:
                    found[value["partition"]] = entry.get("intValue", entry.get("floatValue"))
            value = list(value.values())
        if isinstance(value, list):
            for part in value:
                look(part)

    for answer in visit.read:
        look(json.loads(answer))
    return found


def check_of(visit: Visit, check: str, batch: str) -> Page:
    """Open a check, its partitions and one batch among them."""
    page = visit.open(f"/assets/payments/validated?view=checks&checkDetail={check}")
    expect(page.get_by_role("tab", name="Execution history")).to_be_visible()
    page.get_by_role("tab", name="Partitions").last.click()
    page.locator("span:visible", has_text=batch[-6:]).last.click()
    expect(page.get_by_text("Target materialization")).to_be_visible()
    return page


def test_the_graph_shows_the_contract_the_five_layers_and_what_is_filled(visit: Visit) -> None:
    visit.page.set_viewport_size(WIDE)  # the graph fits in; zoomed out it shows names only
    page = visit.open(GRAPH)
    for asset in ("contract", *LAYERS):
        expect(page.get_by_text(asset, exact=True).first).to_be_visible()
    expect(page.get_by_text("100% filled")).to_have_count(3)
    expect(page.get_by_text("75% filled")).to_have_count(2)


def test_the_overview_of_quarantined_has_its_row_count_and_a_plot_of_every_rule(
    visit: Visit,
) -> None:
    page = visit.open("/assets/payments/quarantined")
    count = page.get_by_text("Row count", exact=True).locator("xpath=../..")
    expect(count).to_contain_text(str(QUARANTINED[-1]))
    page.get_by_role("button", name="Plots").click()
    for label in ("quarantined_percent", *(f"rule/{rule}" for rule in COUNTS)):
        expect(page.get_by_text(label, exact=True)).to_be_visible()
    expect(page.locator("canvas").first).to_be_visible()
    assert page.locator("canvas").count() > len(COUNTS)


def test_published_plots_what_privacy_measured_with_a_point_for_every_batch(
    visit: Visit, lakehouse: Lakehouse, picture: Picture
) -> None:
    visit.page.set_viewport_size(TALL)
    page = visit.open("/assets/payments/published")
    page.get_by_role("button", name="Plots").click()
    for label in MEASURES:
        expect(page.get_by_text(label, exact=True)).to_be_visible()
    expect(page.get_by_text("withheld_records", exact=True)).to_be_visible()
    expect(page.locator("canvas").nth(len(MEASURES))).to_be_visible()
    plotted = numbers_read(visit, "privacy/k")
    published = [state for state in lakehouse.batches.values() if state.state == "published"]
    assert plotted == {state.batch: state.published for state in published}
    whole = numbers_read(visit, "privacy/published/k")
    assert sorted(whole.values()) == [40, 77, 112]
    picture(page, "measures.png")


def test_the_rules_of_a_batch_warn_with_a_count_per_rule(
    visit: Visit, lakehouse: Lakehouse
) -> None:
    page = check_of(visit, "rules", lakehouse.batches[REFUSED].batch)
    expect(page.get_by_text("Passed (1)")).to_be_visible()
    expect(page.get_by_text("Failed (3)")).to_be_visible()
    expect(page.get_by_text("22 of 40 records quarantined.")).to_be_visible()
    for rule, count in COUNTS.items():
        expect(row(page, rule).last).to_have_text(f"{rule}{count}")


def test_the_gate_of_a_refused_batch_fails_and_says_why(visit: Visit, lakehouse: Lakehouse) -> None:
    page = check_of(visit, "gate", lakehouse.batches[REFUSED].batch)
    expect(page.get_by_text("Passed (3)")).to_be_visible()
    expect(page.get_by_text("Failed (1)")).to_be_visible()
    expect(page.get_by_text(WHY).last).to_be_visible()


@pytest.mark.parametrize(("check", "icon"), [("gate", "cancel"), ("rules", "warning_outline")])
def test_a_refused_batch_is_an_error_of_the_gate_and_a_warning_of_the_rules(
    visit: Visit, lakehouse: Lakehouse, check: str, icon: str
) -> None:
    page = visit.open(f"/assets/payments/validated?view=checks&checkDetail={check}")
    page.get_by_role("tab", name="Execution history").click()
    rows = page.locator("tr", has_text=lakehouse.batches[REFUSED].batch)
    refused = rows.filter(has_not_text="of 4 batches")  # not what the check says of the run
    expect(refused.get_by_role("img", name=icon)).to_be_visible()
    expect(refused).to_contain_text("Failed")


def test_the_partition_of_quarantined_shows_the_reasons_record_by_record(
    visit: Visit, lakehouse: Lakehouse, picture: Picture
) -> None:
    batch = lakehouse.batches[SAMPLED].batch
    page = visit.open(f"/assets/payments/quarantined?view=partitions&partition={batch}")
    reasons = row(page, "reasons").locator("table")
    expect(reasons.locator("tr")).to_have_count(1 + QUARANTINED[2])
    expect(reasons).to_contain_text("15method.enummethodmust be one of card, transfer")
    expect(row(page, "quarantined_percent")).to_contain_text("12.5")
    picture(page, "ui.png")
