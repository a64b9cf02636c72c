"""What a draft says of a column, shown by drafts of real files; one file holds many columns."""

import random
import uuid
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from lakehouse_pipeline.contracts.infer.draft import DraftColumn
from lakehouse_pipeline.errors import DatasetNameError, NoDraftError, UnreadableFileError
from lakehouse_pipeline.pipeline.binding import unbound
from lakehouse_pipeline.pipeline.inference import Inference, infer
from lakehouse_pipeline_tests.pipeline.inferring import (
    accepted_percent,
    activated,
    column_of,
    csv_text,
    infer_text,
    silent,
)

RECORDS = 400
FIRST_DAY = date(2023, 1, 1)


def drawn(make: Callable[[random.Random], object]) -> list[object]:
    draw = random.Random(7)
    return [make(draw) for _ in range(RECORDS)]


def days(text_format: str, within: int = 700) -> list[str]:
    return [f"{FIRST_DAY + timedelta(days=n * 7 % within):{text_format}}" for n in range(RECORDS)]


def dirty(values: list[object], *strays: object) -> list[object]:
    return [*strays, *values[len(strays) :]]


def iban(account: str) -> str:
    return f"DE{98 - int(account + '131400') % 97:02}{account}"


def luhn(digits: str) -> str:
    doubled = [int(c) * (2 - n % 2) for n, c in enumerate(reversed(digits))]
    return digits + str(-sum(n - 9 * (n > 9) for n in doubled) % 10)


COLUMNS: dict[str, Sequence[object]] = {
    "plain": drawn(lambda d: d.randrange(-500, 500)),
    "integral": drawn(lambda d: f"{d.randrange(10_000)}.0"),
    "price": drawn(lambda d: d.choice(["1.5", "20", "3.125"])),
    "cents": drawn(lambda d: f"{d.randrange(10_000) / 100:.2f}"),
    "whole_cents": drawn(lambda d: f"{d.randrange(100)}.00"),
    "measure": drawn(lambda d: d.random() * 1000),
    "exponent": drawn(lambda d: f"{d.randrange(1, 99)}e-5"),
    "padded": drawn(lambda d: f"{d.randrange(100_000):05}"),
    "long_digits": drawn(lambda d: 10**20 + d.randrange(10**9)),
    "signed": drawn(lambda d: f"+{d.randrange(1000)}"),
    "flag": drawn(lambda d: d.randrange(2)),
    "truth": drawn(lambda d: d.choice(["true", "FALSE"])),
    "answer": drawn(lambda d: d.choice(["yes", "no"])),
    "iso_day": days("%Y-%m-%d"),
    "german_day": days("%d.%m.%Y"),
    "us_day": days("%m/%d/%Y"),
    "open_day": ["04/05/2024", "06/07/2024"],
    "compact_date": days("%Y%m%d"),
    "short_day": days("%m/%d/%y"),
    "stamp": days("%Y-%m-%dT10:00:00Z"),
    "german_stamp": days("%d.%m.%Y 08:15"),
    "clock": drawn(lambda d: f"{d.randrange(24):02}:{d.randrange(60):02}"),
    "comma": drawn(lambda d: f"{d.randrange(1000)},{d.randrange(10, 99)}"),
    "nothing": [""],
    "mostly_numbers": dirty(drawn(lambda d: d.randrange(90)), *["n.v."] * 20),
    "nearly_numbers": dirty(drawn(lambda d: d.randrange(90)), "twelve"),
    "missing": dirty(drawn(lambda d: d.randrange(90)), "NA", "NA", "n/a"),
    "zip": drawn(lambda d: d.randrange(10_000, 99_999)),
    "web": drawn(lambda d: f"https://example.org/{d.randrange(900)}"),
    "mail": drawn(lambda d: f"p{d.randrange(900)}@example.org"),
    "unique": drawn(lambda d: uuid.UUID(int=d.getrandbits(128))),
    "host": drawn(lambda d: f"10.0.{d.randrange(256)}.{d.randrange(256)}"),
    "account": drawn(lambda d: iban(f"{d.randrange(10**18):018}")),
    "paid_with": drawn(lambda d: luhn(f"4{d.randrange(10**14):014}")),
    "reach": drawn(lambda d: f"+49 {d.randrange(10**8, 10**9)}"),
    "state": drawn(lambda d: d.choice(["new", "paid", "sent"])),
    "code": drawn(lambda d: f"{d.choice('AB')}{d.randrange(1000):03}"),
    "words": drawn(lambda d: " ".join(d.choices(["red", "blue", "Tea", "cup"], k=3))),
    "lat": drawn(lambda d: d.uniform(-60, 60)),
    "stock": dirty(drawn(lambda d: d.randrange(900)), -1),
    "first_name": drawn(lambda d: d.choice(["Marlene", "Gustavo", "Ottokar"])),
    "birth_date": days("%Y-%m-%d"),
    "order_no": list(range(1000, 1000 + RECORDS)),
}
MIXED_ORDER = [*days("%d/%m/%Y"), *days("%m/%d/%Y")]


@cache
def drafted() -> Inference:
    with TemporaryDirectory() as folder:
        return infer_text(Path(folder), csv_text(COLUMNS), "orders")


def column(name: str) -> DraftColumn:
    return column_of(drafted(), name)


@pytest.mark.parametrize(
    ("name", "of_type"),
    [
        ("plain", "BIGINT"),
        ("integral", "BIGINT"),
        ("price", "DECIMAL(12,3)"),
        ("cents", "DECIMAL(12,2)"),
        ("whole_cents", "DECIMAL(12,2)"),
        ("measure", "DOUBLE"),
        ("exponent", "DOUBLE"),
        ("padded", "VARCHAR"),
        ("long_digits", "VARCHAR"),
        ("signed", "VARCHAR"),
        ("flag", "BIGINT"),
        ("truth", "BOOLEAN"),
        ("answer", "VARCHAR"),
        ("iso_day", "DATE"),
        ("german_day", "DATE (dd.MM.yyyy)"),
        ("us_day", "DATE (MM/dd/yyyy)"),
        ("open_day", "DATE (MM/dd/yyyy)"),
        ("compact_date", "DATE (yyyyMMdd)"),
        ("short_day", "DATE (MM/dd/yy)"),
        ("stamp", "TIMESTAMP WITH TIME ZONE"),
        ("german_stamp", "TIMESTAMP WITH TIME ZONE (dd.MM.yyyy HH:mm)"),
        ("clock", "TIME"),
        ("comma", "VARCHAR"),
        ("nothing", "VARCHAR"),
        ("mostly_numbers", "VARCHAR"),
        ("nearly_numbers", "BIGINT"),
        ("missing", "BIGINT"),
        ("zip", "VARCHAR"),
        ("order_no", "BIGINT"),
    ],
)
def test_a_column_has_the_type_its_values_show(name: str, of_type: str) -> None:
    assert str(column(name).type) == of_type


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("padded", "leading zeros"),
        ("long_digits", "more than 18 digits"),
        ("signed", "a plus sign"),
        ("open_day", "the order of day and month is taken from column us_day"),
        ("short_day", "two-digit years"),
        ("comma", "a decimal comma"),
        ("nothing", "no value was seen"),
        ("zip", "with other columns a postal code may lead to a person"),
        ("mostly_numbers", "text, because 20 values (5.0 %) are not a whole number (BIGINT)"),
    ],
)
def test_what_was_doubtful_is_said_beside_the_column(name: str, note: str) -> None:
    assert note in " ".join(column(name).notes)
    assert note in drafted().text


def test_the_share_that_breaks_a_rule_stands_beside_it() -> None:
    assert "logicalType: integer # 1 (0.2 %) break type" in drafted().text


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("web", {"format": "uri"}),
        ("mail", {"format": "email"}),
        ("unique", {"format": "uuid"}),
        ("host", {"format": "ipv4"}),
        ("account", {"pattern": "^[A-Z]{2}[0-9]{2}( ?[A-Z0-9]){11,30}$"}),
        ("paid_with", {"pattern": "^[0-9]([ -]?[0-9]){12,18}$"}),
        ("reach", {"pattern": r"^\+?[0-9(][0-9 ()/.-]{5,22}$"}),
        ("zip", {"pattern": "^[0-9]{5}$"}),
        ("code", {"pattern": "^[A-Z][0-9]{3}$"}),
        ("words", {}),
        ("lat", {"minimum": "-90", "maximum": "90"}),
        ("plain", {"minimum": "-10000", "maximum": "10000"}),
        ("cents", {"minimum": "0", "maximum": "1000"}),
        ("flag", {"minimum": "0", "maximum": "1"}),
        ("iso_day", {"minimum": "2000-01-01"}),
        ("stamp", {"minimum": "2000-01-01T00:00:00Z"}),
        ("order_no", {"minimum": "0"}),
        ("stock", {"minimum": "-100", "maximum": "10000"}),
    ],
)
def test_a_column_has_the_rules_its_values_show(name: str, options: dict[str, str]) -> None:
    assert dict(column(name).options) == options


def test_few_values_that_are_seen_often_are_an_enum() -> None:
    assert column("state").enum == ("new", "paid", "sent")
    assert [c.name for c in drafted().draft.columns if c.enum] == ["answer", "state"]


def test_a_column_is_required_when_no_value_is_missing() -> None:
    assert column("plain").required
    assert not column("missing").required
    assert column("missing").facts.nulls == 3


def test_the_texts_that_mean_null_are_found() -> None:
    assert drafted().contract.csv.null_values == ("", "n/a", "NA")


@pytest.mark.parametrize(
    ("name", "kind", "technique"),
    [
        ("mail", "email", "hash"),
        ("account", "iban", "mask"),
        ("paid_with", "card", "mask"),
        ("reach", "phone", "mask"),
        ("host", "ip", "hash"),
        ("birth_date", "birth", "drop"),
        ("first_name", "name", "drop"),
    ],
)
def test_a_personal_column_gets_a_technique(name: str, kind: str, technique: str) -> None:
    personal = column(name).personal
    assert personal is not None
    assert (personal.kind, personal.technique.technique) == (kind, technique)


def test_a_draft_with_personal_columns_is_under_gdpr_and_names_the_subject() -> None:
    assert drafted().contract.compliance == "gdpr"
    assert [c.name for c in drafted().contract.columns if c.subject] == ["mail"]


def test_no_value_of_a_personal_column_stands_in_the_draft() -> None:
    for personal in (c for c in drafted().draft.columns if c.personal):
        values = {str(value) for value in COLUMNS[personal.name]} - {""}
        assert not [value for value in values if value in drafted().text], personal.name


def test_the_column_named_like_a_key_is_the_key() -> None:
    assert [c.name for c in drafted().draft.columns if c.key] == ["order_no"]


def test_other_columns_that_never_repeat_are_possible_keys_too(tmp_path: Path) -> None:
    columns: dict[str, Sequence[object]] = {
        "id": range(RECORDS),
        "serial": [f"s{n * n}" for n in range(RECORDS)],
        "price": [n / 4 for n in range(RECORDS)],
        "what": ["a", "b"],
    }
    found = infer_text(tmp_path, csv_text(columns))
    assert [c.name for c in found.draft.columns if c.key] == ["id"]
    noted = [c.name for c in found.draft.columns if c.notes]
    assert noted == ["serial"]
    assert "# no value repeats in the sample: another possible key" in found.text


def test_the_draft_fits_the_engine_and_accepts_its_own_file(tmp_path: Path) -> None:
    found = infer_text(tmp_path, csv_text(COLUMNS), "orders")
    contract = activated(found)
    assert unbound(contract) == []
    assert accepted_percent(tmp_path / "home", contract, [tmp_path / "file.csv"]) >= 99
    assert found.draft.quarantined == 1


def test_the_same_file_gives_the_same_draft(tmp_path: Path) -> None:
    assert infer_text(tmp_path, csv_text(COLUMNS), "orders").text == drafted().text


def test_an_order_of_day_and_month_that_no_day_shows_is_said(tmp_path: Path) -> None:
    found = infer_text(tmp_path, csv_text({"day": [f"0{n}/0{n + 1}/2024" for n in range(1, 9)]}))
    assert column_of(found, "day").type.format == "dd/MM/yyyy"
    assert "this may as well be MM/dd/yyyy; please check" in found.text


@pytest.mark.parametrize(
    "values", [MIXED_ORDER, [f"0{n}/0{n + 1}/24" for n in range(1, 9)]], ids=["mixed", "short"]
)
def test_dates_whose_order_cannot_be_told_stay_text(tmp_path: Path, values: list[str]) -> None:
    found = infer_text(tmp_path, csv_text({"day": values}))
    assert column_of(found, "day").type.sql == "VARCHAR"


def test_a_rule_that_many_records_break_together_is_loosened(tmp_path: Path) -> None:
    columns = {f"n{i}": drawn(lambda d: d.randrange(99)) for i in range(8)}
    for i, values in enumerate(columns.values()):
        values[10 * i] = "not a number"
    found = infer_text(tmp_path, csv_text(columns))
    assert found.draft.quarantined <= RECORDS // 100
    assert "text, because 1 record (0.2 %) cannot be read as a whole number (BIGINT)" in found.text


def test_two_columns_that_never_repeat_together_are_named(tmp_path: Path) -> None:
    orders = [n // 4 for n in range(RECORDS)]
    columns: dict[str, Sequence[object]] = {
        "order": orders,
        "line": [n % 4 for n in range(RECORDS)],
        "what": ["a", "b", "a"],
    }
    assert "# order and line together never repeat: a possible key." in infer_text(
        tmp_path, csv_text(columns)
    ).text  # fmt: skip


def test_a_key_that_a_few_values_repeat_is_told_but_not_proposed(tmp_path: Path) -> None:
    found = infer_text(tmp_path, csv_text({"id": [1, *range(1, RECORDS)], "x": ["a"]}))
    assert not column_of(found, "id").key
    assert "nearly a key: 1 values repeat an earlier one, 0 are empty" in found.text


def test_records_that_cannot_be_split_are_counted(tmp_path: Path) -> None:
    found = infer_text(tmp_path, "a,b\n" + "1,x\n" * 500 + "1,x,y\n")
    assert "# Accepted under this draft: 500 of them (99.8 %); 1 cannot be split" in found.text
    assert activated(found).publish.max_quarantined_percent == 5


def test_a_file_of_another_encoding_further_down_is_read_in_it(tmp_path: Path) -> None:
    lines = [f"{n},plain" for n in range(60_000)] + ["1,Müller", "2,Köln", "3,Straße"]
    found = infer_text(tmp_path, ("id,name\n" + "\n".join(lines) + "\n").encode("cp1252"))
    assert found.contract.csv.encoding == "cp1252"
    assert found.draft.unsplit == 0


def test_files_of_one_kind_are_looked_at_together(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,day\n1,01/02/2024\n2,02/02/2024\n")
    (tmp_path / "b.csv").write_text("day,id\n25/02/2024,3\n26/02/2024,4\n")
    found = infer([tmp_path / "a.csv", tmp_path / "b.csv"], "days", None, silent)
    assert found.draft.sample.records == 4
    assert str(column_of(found, "day").type) == "DATE (dd/MM/yyyy)"
    assert found.contract.column_names == ("id", "day")


def test_two_files_of_the_same_name_and_content_are_both_looked_at(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.csv").write_text("id\n1\n2\n")
    found = infer([tmp_path / "x" / "a.csv", tmp_path / "y" / "a.csv"], "ids", None, silent)
    assert found.draft.sample.records == 4


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("a,b\n", "it holds a header but no record"),
        ("PK\x03\x04", "a zip archive or an Excel workbook"),
        ("\x00\x01\x02\x03" * 50, "it is binary, not text"),
        ("Dear all,\nthis is\na letter, with commas, and\nno records\n", "no delimiter divides"),
        ("a,A\n1,2\n", "column 2 has the name of column 1"),
        ("a,\n1,2\n", "column 2 has no name"),
        ("_a,b\n1,2\n", "column 1 has a name that begins with '_'"),
    ],
)
def test_a_file_that_is_no_csv_is_refused_with_the_reason(
    tmp_path: Path, content: str, problem: str
) -> None:
    with pytest.raises(NoDraftError, match=problem):
        infer_text(tmp_path, content)


def test_files_that_differ_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    (tmp_path / "b.csv").write_text("key,x\n1,2\n")
    with pytest.raises(NoDraftError, match=r"b\.csv: .* differ from those of a\.csv"):
        infer([tmp_path / "a.csv", tmp_path / "b.csv"], "ids", None, silent)


def test_a_missing_file_and_a_wrong_name_are_told(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="no such file"):
        infer([tmp_path / "a.csv"], "ids", None, silent)
    with pytest.raises(DatasetNameError, match="dataset name '1a': expected a letter"):
        infer([tmp_path / "a.csv"], "1a", None, silent)
