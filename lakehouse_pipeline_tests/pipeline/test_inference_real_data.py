"""Drafts of real data: they lint clean and accept what they were made from, really processed."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from lakehouse_pipeline.contracts.infer.draft import DraftColumn
from lakehouse_pipeline.demo.new_york import write_airports, write_flights
from lakehouse_pipeline.pipeline.binding import unbound
from lakehouse_pipeline.pipeline.inference import Inference, infer
from lakehouse_pipeline_tests.pipeline.inferring import accepted_percent, activated, silent

RETAIL = Path(__file__).resolve().parents[3] / "shared" / "data" / "online_retail"


def retail_files() -> list[Path]:
    if not RETAIL.is_dir():
        pytest.skip(f"{RETAIL} is not there: it stands beside the repository of the founders")
    return sorted(RETAIL.glob("*.csv"))


def kept(folder: Path, dataset: str, files: Sequence[Path]) -> Inference:
    """Return the draft, after the pipeline accepted 99 % of the files under it."""
    found = infer(files, dataset, None, silent)
    contract = activated(found)
    assert unbound(contract) == []
    accepted = accepted_percent(folder, contract, files)
    assert accepted >= 99
    records = found.draft.sample.records
    assert accepted == 100 * (records - found.draft.quarantined) / records
    return found


def types(columns: Sequence[DraftColumn]) -> dict[str, str]:
    return {column.name: str(column.type) for column in columns}


def test_airports(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    found = kept(tmp_path / "home", "airports", write_airports(tmp_path / "files"))
    assert types(found.draft.columns) == {
        "faa": "VARCHAR",
        "name": "VARCHAR",
        "lat": "DOUBLE",
        "lon": "DOUBLE",
        "alt": "BIGINT",
        "tz": "BIGINT",
        "dst": "VARCHAR",
        "tzone": "VARCHAR",
    }
    assert found.contract.primary_key == ("faa",)
    assert found.contract.column("faa").pattern == "^[0-9A-Z]{3}$"
    assert found.contract.column("dst").enum == ("A", "N", "U")
    assert found.contract.compliance == "standard"
    assert "# 'NA' is taken for text, not for null: tzone (3)." in found.text


def test_flights_of_a_year(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    found = kept(tmp_path / "home", "flights", write_flights(tmp_path / "files"))
    assert "# Looked at: all 336,776 records of 12 files, 31.1 MB." in found.text
    integers = [c.name for c in found.draft.columns if c.type.sql == "BIGINT"]
    assert len(integers) == 14
    assert types(found.draft.columns)["time_hour"] == "TIMESTAMP WITH TIME ZONE"
    assert found.contract.csv.null_values == ("", "NA")
    assert "where it is null too: tailnum (2,512)" in found.text
    assert found.contract.column("origin").enum == ("EWR", "JFK", "LGA")
    assert not found.contract.column("dep_time").required
    assert found.contract.primary_key == ()


def check_retail(found: Inference) -> None:
    assert types(found.draft.columns) == {
        "InvoiceNo": "VARCHAR",
        "StockCode": "VARCHAR",
        "Description": "VARCHAR",
        "Quantity": "BIGINT",
        "InvoiceDate": "TIMESTAMP WITH TIME ZONE",
        "UnitPrice": "DECIMAL(12,3)" if found.draft.sample.files > 100 else "DECIMAL(12,2)",
        "CustomerID": "BIGINT",
        "Country": "VARCHAR",
    }
    customer = found.contract.column("CustomerID")
    assert (customer.personal, customer.subject, customer.required) == (True, True, False)
    assert customer.anonymize is not None
    assert customer.anonymize.technique == "hash"
    assert found.contract.compliance == "gdpr"
    assert found.contract.column("UnitPrice").minimum == "0"
    assert found.contract.column("Quantity").minimum is not None
    assert "17850" not in found.text


def test_thirty_days_of_a_shop(tmp_path: Path) -> None:
    check_retail(kept(tmp_path, "online_retail", retail_files()[:30]))


@pytest.mark.slow
def test_all_days_of_a_shop(tmp_path: Path) -> None:
    files = retail_files()
    assert len(files) == 305
    found = kept(tmp_path, "online_retail", files)
    check_retail(found)
    assert found.draft.sample.records == 541_909
    assert "2 (less than 0.01 %) break minimum" in found.text
    assert found.contract.column("InvoiceNo").pattern == "^([0-9]{6}|[A-Z][0-9]{6})$"


@pytest.mark.slow
def test_a_sample_of_a_year_gives_a_draft_that_accepts_the_year(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    files = write_flights(tmp_path / "files")
    found = infer(files, "flights", 20_000, silent)
    assert found.draft.sample.records < 30_000
    assert "; the rest was not read." in found.text
    assert accepted_percent(tmp_path / "home", activated(found), files) >= 99
