"""`lakehouse grant`, and the events of those who take data out by command."""

from pathlib import Path
from typing import Any

import pytest

from lakehouse_pipeline.orchestration.event_stream import Chosen, Told, events_after
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.settings import Settings
from lakehouse_pipeline_tests.cli.commands import Command

WHO = ["--consumer", "marketing", "--purpose", "revenue report", "--by", "Sam"]


def _create(lakehouse: Command, expires: str = "2027-12-31") -> Any:  # noqa: ANN401 JSON has no narrower type
    answer = lakehouse("grant", "create", "orders", *WHO, "--expires", expires, "--json")
    assert answer.code == 0, answer.err
    return answer.json[0]


def _newest(home: Path) -> Told:
    with open_instance(Settings(home=home)) as instance:
        found, _ = events_after(instance, Chosen("orders"), 0, 1000)
    return found[-1]


def test_a_grant_is_given_listed_and_revoked(lakehouse: Command, home: Path) -> None:
    assert lakehouse("grant", "list").out == "no grants\n"
    grant = _create(lakehouse)
    assert (grant["consumer"], grant["state"]) == ("marketing", "active")
    listed = lakehouse("grant", "list", "orders")
    assert grant["id"] in listed.out
    assert "2027-12-31T23:59+00:00" in listed.out
    ended = lakehouse("grant", "revoke", grant["id"], "--by", "Ann", "--why", "over", "--json")
    assert (ended.json[0]["state"], ended.json[0]["revoked_by"]) == ("revoked", "Ann")
    told = _newest(home)
    assert (told.type, told.actor, told.why) == ("ConsumptionRevoked", "Ann", "over")


@pytest.mark.parametrize(
    ("expires", "said"),
    [
        ("yesterday", "neither a day nor a time"),
        ("2020-01-01", "not in the future"),
        ("2027-12-31T10:00:00", "has no zone"),
    ],
)
def test_a_grant_that_ends_at_no_time_is_refused(
    lakehouse: Command, expires: str, said: str
) -> None:
    answer = lakehouse("grant", "create", "orders", *WHO, "--expires", expires)
    assert answer.code == 2
    assert said in answer.err


def test_a_grant_that_is_not_there_names_the_nearest(lakehouse: Command) -> None:
    grant = _create(lakehouse)["id"]
    answer = lakehouse("grant", "revoke", f"{grant}0", "--by", "Ann", "--why", "over")
    assert answer.code == 2
    assert f"Did you mean '{grant}'" in answer.err


def test_a_query_and_an_export_are_on_record_without_their_values(
    lakehouse: Command, home: Path, tmp_path: Path
) -> None:
    assert lakehouse("query", "SELECT * FROM orders WHERE amount <> 1234567").code == 0
    asked = _newest(home)
    assert (asked.type, asked.why) == ("DataConsumed", "lakehouse query")
    file = tmp_path / "orders.csv"
    wanted = ["--columns", "order_id", "--where", "amount <> 1234567"]
    assert lakehouse("export", "orders", "-o", file, *wanted).code == 0
    taken = _newest(home)
    assert (taken.type, taken.why, taken.facts["columns"], taken.facts["filtered"]) == (
        "DataConsumed",
        "lakehouse export",
        "order_id",
        1,
    )
    assert "1234567" not in f"{asked}{taken}"
