"""From real CSV files to a contract, and from quarantine back to published, by the command alone.

The Online Retail files stand beside the repository of the founders; without them this is skipped.
"""

import csv
from pathlib import Path

import pytest

from lakehouse_pipeline_tests.cli.commands import Command, in_process

RETAIL = Path(__file__).resolve().parents[3] / "shared" / "data" / "online_retail"
DRAFTED_FROM = "2010-12-0*.csv"
MONTH = "2011-08-*.csv"
BAD_DEBT = "2011-08-12"
"""The day on which the shop wrote off bad debt: two records with a negative price."""
STEWARD = ("--by", "Sam Steward", "--why", "agreed with the shop")

pytestmark = pytest.mark.timeout(180)


def files(pattern: str) -> list[Path]:
    if not RETAIL.is_dir():
        pytest.skip(f"{RETAIL} is not there: it stands beside the repository of the founders")
    return sorted(RETAIL.glob(pattern))


@pytest.fixture
def lakehouse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return in_process(tmp_path / "home", monkeypatch, capsys)


def done(lakehouse: Command, *arguments: object) -> str:
    answer = lakehouse(*arguments)
    assert answer.code == 0, answer.err
    return answer.out


def register(lakehouse: Command, draft: Path) -> None:
    """Infer, lint, add and approve; Customer ids look personal, so somebody else approves."""
    done(lakehouse, "contract", "infer", *files(DRAFTED_FROM), "-d", "retail", "-o", draft)
    draft.write_text(draft.read_text().replace("status: draft", "status: active"))
    done(lakehouse, "contract", "lint", draft)
    done(lakehouse, "contract", "add", draft, "--by", "Ada Author")
    done(lakehouse, "contract", "approve", "retail", *STEWARD)


def counts(lakehouse: Command) -> dict[str, tuple[int, int, int, int]]:
    found = lakehouse("batches", "retail", "--json").json
    names = ("records", "validated", "quarantined", "published")
    return {one["batch"][:10]: tuple(one[name] for name in names) for one in found}


def corrected(report: Path, price: str) -> None:
    """Set the price of the first record, as the supplier would in a spreadsheet."""
    with report.open(newline="", encoding="utf-8-sig") as file:
        records = list(csv.DictReader(file))
    records[0]["UnitPrice"] = price
    with report.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(records)


def test_infer_lint_ingest_export_correct_publish(lakehouse: Command, tmp_path: Path) -> None:
    month = files(MONTH)
    register(lakehouse, tmp_path / "retail.yaml")
    done(lakehouse, "ingest", *month, "-d", "retail")
    before = counts(lakehouse)
    assert len(before) == len(month)
    records, validated, quarantined, published = before[BAD_DEBT]
    assert (quarantined, published) == (2, validated)
    assert records == validated + quarantined
    assert sum(one[2] for one in before.values()) == 2

    batch = next(
        one["batch"]
        for one in lakehouse("batches", "retail", "--json").json
        if one["batch"].startswith(BAD_DEBT)
    )
    report = tmp_path / "back.csv"
    done(lakehouse, "quarantine", "export", "retail", "-o", report, "--lang", "de")
    assert "UnitPrice muss mindestens 0 sein" in report.read_text()
    corrected(report, "11062.06")
    answer = lakehouse("quarantine", "correct", "retail", batch, report, "--json").json
    assert (answer["corrected"], answer["unchanged"], answer["passed"]) == (1, 1, 1)
    assert counts(lakehouse)[BAD_DEBT] == (records, validated + 1, 1, published + 1)

    done(
        lakehouse, "quarantine", "release", "retail", batch, "--rule", "UnitPrice.minimum", *STEWARD
    )
    after = {**before, BAD_DEBT: (records, records, 0, records)}
    assert counts(lakehouse) == after
    (debt,) = lakehouse(
        "query",
        "SELECT sum(UnitPrice) AS written_off, count_if(_released) AS released "
        "FROM retail.published WHERE Description = 'Adjust bad debt'",
        "--json",
    ).json
    assert (float(debt["written_off"]), debt["released"]) == (11062.06, 1)

    done(lakehouse, "replay", "retail")
    assert counts(lakehouse) == after
    done(lakehouse, "verify")
