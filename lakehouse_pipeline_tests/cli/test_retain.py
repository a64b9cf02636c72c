import json
from pathlib import Path

import pytest

from lakehouse_pipeline.cli.retain import shown_days
from lakehouse_pipeline.settings import Settings
from lakehouse_pipeline_tests.cli.commands import Command
from lakehouse_pipeline_tests.homes import add_contract, contract_text

AT_ONCE = contract_text("1.1.0").replace("value: 365, unit: d", "value: 0.0000001, unit: d")
"""A contract that keeps records for nine milliseconds."""

COLUMNS = ["dataset", "batch", "layer", "age", "days", "records", "bytes"]


@pytest.fixture
def overdue(home: Path) -> Path:
    add_contract(Settings(home=home), AT_ONCE)
    return home


def files(home: Path) -> set[Path]:
    """Return what is in the lake and in landing; folders of one moment aside."""
    found = {p for folder in ("lake", "landing") for p in (home / folder).rglob("*")}
    return {path for path in found if path.is_file()}


def test_a_dry_run_shows_what_would_leave_and_changes_nothing(
    lakehouse: Command, overdue: Path
) -> None:
    before = files(overdue)
    shown = lakehouse("retain", "--dry-run")
    assert shown.code == 0
    header, *_ = shown.out.strip().splitlines()
    assert header.split() == COLUMNS
    assert "would go: 2 batches, " in shown.out
    assert files(overdue) == before
    states = [s["state"] for s in lakehouse("batches", "orders", "--json").json]
    assert sorted(states) == ["published", "refused"]


@pytest.mark.usefixtures("overdue")
def test_less_than_a_tenth_of_a_day_is_no_zero(lakehouse: Command) -> None:
    shown = lakehouse("retain", "--dry-run").out
    batch, layer, age, days, records, _ = shown.strip().splitlines()[2].split()[1:]
    assert (batch.split("-")[0], layer, days, records) == ("a", "published", "0.0000001", "8")
    assert 0 < float(age) < 1
    assert all(row["age_days"] > 0 for row in lakehouse("retain", "--json").json)


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (0.0, "0.0"), (0.0001, "0.0001"), (0.0423, "0.042"), (0.5, "0.5"), (1.0, "1.0"),
        (31.25, "31.2"), (3650.0, "3,650.0"), (1e-7, "0.0000001"),
    ],
)  # fmt: skip
def test_days_are_shown_in_two_digits_at_least(days: float, text: str) -> None:
    assert shown_days(days) == text


def test_an_empty_name_is_not_every_dataset(lakehouse: Command, overdue: Path) -> None:
    for command in ("retain", "verify"):
        refused = lakehouse(command, "")
        assert (refused.code, "unknown dataset ''" in refused.err) == (2, True), refused.err
    states = [s["state"] for s in lakehouse("batches", "orders", "--json").json]
    assert "expired" not in states


def test_what_a_dry_run_shows_is_what_leaves(lakehouse: Command, overdue: Path) -> None:
    planned = lakehouse("retain", "orders", "--dry-run", "--json").json
    done = lakehouse("retain", "orders", "--json")
    assert done.code == 0
    assert [{**one, "age_days": None} for one in done.json] == [
        {**one, "age_days": None} for one in planned
    ]
    assert [(one["layer"], one["records"]) for one in planned] == [
        ("published", 8),
        ("anonymized", 8),
        ("validated", 8),
        ("validated", 4),
        ("quarantined", 2),
        ("quarantined", 6),
        ("raw", 10),
        ("raw", 10),
        ("landing", None),
        ("landing", None),
    ]
    assert not [path for path in files(overdue) if path.suffix in (".parquet", ".csv")]


def test_after_it_batches_are_expired_and_verify_is_content(
    lakehouse: Command, overdue: Path
) -> None:
    assert "gone: 2 batches, " in lakehouse("retain").out
    shown = lakehouse("batches", "orders").out
    assert shown.count(" expired ") == 3
    assert "raw, quarantined, validated, anonymized, published" in shown
    assert lakehouse("verify").code == 0
    assert lakehouse("retain", "--json").json == []


def test_nothing_leaves_before_its_time(lakehouse: Command, home: Path) -> None:
    before = files(home)
    assert "gone: 0 batches, 0 bytes" in lakehouse("retain").out
    assert files(home) == before


def test_an_expired_batch_is_not_taken_in_again_and_its_replay_says_why(
    lakehouse: Command, overdue: Path
) -> None:
    source = overdue / "a.csv"
    source.write_bytes((overdue / "landing" / "orders" / "a.csv").read_bytes())
    lakehouse("retain")
    again = lakehouse("ingest", source, "-d", "orders")
    assert again.code == 1
    assert "this content was taken before; it was not read again" in again.out
    (batch,) = json.loads(lakehouse("ingest", source, "-d", "orders", "--json").out)["known"]
    refused = lakehouse("replay", "orders", "--batch", batch)
    assert refused.code == 1
    assert f"batch '{batch}': its records left raw by retention" in refused.err


def test_an_unknown_dataset_is_named(lakehouse: Command) -> None:
    answer = lakehouse("retain", "order")
    assert answer.code == 2
    assert "Did you mean 'orders'?" in answer.err


def test_status_says_nothing_about_freshness_without_a_promise(lakehouse: Command) -> None:
    assert [row["fresh"] for row in lakehouse("status", "--json").json["datasets"]] == [""]
