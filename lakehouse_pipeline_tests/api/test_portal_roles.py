"""What the pages of the portal offer to each role; the calls behind it ask again."""

import re
from collections.abc import Iterator, Mapping

import pytest

from lakehouse_pipeline_tests.api.client import Api, serving
from lakehouse_pipeline_tests.homes import contract_text

OFFERS = {
    "deliver": 'id="drop"',
    "correct": "data-corrections",
    "decide": "data-decide",
    "asks why": 'id="decision"',
    "download": "data-download",
    "values": ">not a number<",
}
EXPECTED = {
    "producer": {"deliver", "correct", "values"},
    "steward": set(OFFERS),
    "owner": set(OFFERS),
    "consumer": {"download"},
    "auditor": set[str](),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, Mapping[str, str]]]:
    """Yield an API with tokens, and its pages: a dataset with a version that waits, its batch."""
    with serving(tmp_path_factory.mktemp("roles") / "home") as api:
        api.dataset("sales")
        batch = api.published("sales", b"id,amount\n1,9.5\n2,not a number\n")
        text = contract_text("2.0.0", dataset="sales")
        assert api.call("POST", "/contracts?by=Ann", text.encode()).status == 201
        page = "/portal/datasets/sales"
        yield api, {"dataset": page, "batch": f"{page}/batches/{batch}"}


@pytest.mark.parametrize("role", EXPECTED)
def test_a_page_offers_what_a_role_may_do(site: tuple[Api, Mapping[str, str]], role: str) -> None:
    api, pages = site
    holder = api.given(f"a {role}", role, "sales")
    answers = [holder.get(path) for path in pages.values()]
    assert {answer.status for answer in answers} == {200}
    html = "".join(answer.body.decode() for answer in answers)
    assert {offer for offer, mark in OFFERS.items() if mark in html} == EXPECTED[role]
    assert ("Waiting for approval" in html) is (role in ("steward", "owner"))


def test_what_a_page_decides_is_sent_to_calls_of_the_api(
    site: tuple[Api, Mapping[str, str]],
) -> None:
    api, pages = site
    steward = api.given("Stella", "steward")
    html = "".join(steward.get(path).body.decode() for path in pages.values())
    addresses = set(re.findall(r'data-decide="([^"]+)"', html))
    assert {address.rpartition("/")[2] for address in addresses} == {"approve", "decline"}
    elsewhere = {"Origin": "https://elsewhere.example", "Content-Type": "text/plain"}
    for address in addresses:
        refused = steward.call("POST", address, b'{"why":"x"}', elsewhere)
        assert "another origin" in refused.problem(403)
        producer = api.given(f"P {address}".replace("/", " "), "producer")
        producer.post(address, {"why": "x"}).problem(403)
