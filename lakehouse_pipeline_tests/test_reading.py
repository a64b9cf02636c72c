"""Published data read into pandas from a home that the pipeline really filled."""

import datetime as dt
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

import lakehouse_pipeline
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.errors import (
    UnknownBatchError,
    UnknownColumnError,
    UnknownDatasetError,
    UnknownTableVersionError,
)
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.engine import engine, parquet_relation
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline_tests.contracts.contract_text import contract_text
from lakehouse_pipeline_tests.pipelines import drop, take

COLUMNS = """\
      - {name: id, logicalType: integer, required: true, logicalTypeOptions: {minimum: 1}}
      - {name: small, logicalType: integer, physicalType: TINYINT}
      - name: email
        logicalType: string
        classification: personal
        logicalTypeOptions: {pattern: '@'}
        customProperties: [{property: anonymize, value: {technique: hash}}]
      - name: phone
        logicalType: string
        classification: personal
        customProperties: [{property: anonymize, value: {technique: drop}}]
      - {name: amount, logicalType: number, physicalType: "DECIMAL(38,10)"}
      - {name: rate, logicalType: number, logicalTypeOptions: {multipleOf: 0.1}}
      - {name: paid, logicalType: boolean}
      - {name: day, logicalType: date, logicalTypeOptions: {format: dd.MM.yyyy}}
      - {name: at, logicalType: timestamp}
      - {name: clock, logicalType: time, logicalTypeOptions: {minimum: '08:00'}}
      - {name: note, logicalType: string, logicalTypeOptions: {maxLength: 5}}
"""
DTYPES = {
    "id": "Int64",
    "small": "Int8",
    "email": "string",
    "amount": "decimal128(38, 10)[pyarrow]",
    "rate": "Float64",
    "paid": "boolean",
    "day": "date32[day][pyarrow]",
    "at": "datetime64[us, UTC]",
    "clock": "string",
    "note": "string",
    "_released": "boolean",
    "_record": "Int64",
    "_batch_id": "string",
}
HEADER = "id,small,email,phone,amount,rate,paid,day,at,clock,note\n"
FULL = (
    "{},-128,p{}@x.org,1,1234567890123456789012345678.0123456789,0.3,true,29.02.2024,"
    "2024-01-05T23:30:00-02:00,08:15,a b\n"
)
EMPTY = "{},,,,,,,,,,\n"
BROKEN = "0,,,,,,,,,,\n"


def rows(first: int) -> str:
    return HEADER + FULL.format(first, first) + BROKEN + EMPTY.format(first + 1)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("reading") / "home"
    contract = register(home, contract_text(COLUMNS))
    take(home, contract, [drop(home, contract, "b.csv", rows(10))])
    take(home, contract, [drop(home, contract, "a.csv", rows(20))])
    return home


@pytest.fixture
def home(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Path(shutil.copytree(filled, tmp_path / "home"))
    monkeypatch.setenv("LAKEHOUSE_HOME", str(folder))
    return folder


def register(home: Path, text: str) -> Contract:
    file = home / "new.yaml"
    home.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return ContractStore(home / "contracts").add(file)


def batches(frame: pd.DataFrame) -> list[str]:
    return [str(name) for name in frame["_batch_id"].unique()]


def test_what_is_read_keeps_the_schema_of_its_dataset(home: Path) -> None:
    frame = lakehouse_pipeline.read("orders")
    schema = lakehouse_pipeline.schema("orders")
    pd.testing.assert_frame_equal(schema.validate(frame, lazy=True), frame)
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == DTYPES
    assert list(frame.columns) == list(schema.columns)


def test_the_values_are_those_of_the_table_in_the_order_of_the_records(home: Path) -> None:
    frame = lakehouse_pipeline.read("orders")
    assert [name[0] for name in frame["_batch_id"]] == ["a", "a", "b", "b"]
    assert frame["_record"].tolist() == [1, 3, 1, 3]
    assert frame["id"].tolist() == [20, 21, 10, 11]
    assert frame["_released"].tolist() == [False] * 4
    first = frame.iloc[0]
    assert first["amount"] == Decimal("1234567890123456789012345678.0123456789")
    assert first["day"] == dt.date(2024, 2, 29)
    assert first["at"] == dt.datetime(2024, 1, 6, 1, 30, tzinfo=dt.UTC)
    assert first[["small", "rate", "paid", "clock", "note"]].tolist() == [
        -128,
        0.3,
        True,
        "08:15",
        "a b",
    ]
    assert frame.iloc[1, 1:10].isna().all()


def test_duckdb_reads_the_same(home: Path) -> None:
    frame = lakehouse_pipeline.read("orders")
    names = [name for name in DTYPES if name != "_released"]
    source = parquet_relation(Tables(home / "lake").files("orders", Layer.PUBLISHED))
    with engine(home / "tmp") as connection:
        connection.register("frame", frame)
        listed = ", ".join(f'"{name}"' for name in names)
        texts = f"COLUMNS([{', '.join(repr(n) for n in names)}])::VARCHAR"
        for one, other in (("frame", source), (source, "frame")):
            sql = f"SELECT {texts} FROM (SELECT {listed} FROM {one}) EXCEPT ALL "
            sql += f"SELECT {texts} FROM (SELECT {listed} FROM {other})"
            assert connection.execute(sql).fetchall() == []


def test_columns_and_batches_can_be_chosen(home: Path) -> None:
    everything = lakehouse_pipeline.read("orders")
    a, b = batches(everything)
    assert list(lakehouse_pipeline.read("orders", columns=["note", "id"]).columns) == ["note", "id"]
    assert lakehouse_pipeline.read("orders", batch=b)["id"].tolist() == [10, 11]
    assert lakehouse_pipeline.read("orders", batch=[a, b]).equals(everything)
    assert lakehouse_pipeline.read("orders", batch=[]).empty


def test_an_older_version_of_the_table_can_be_read(home: Path) -> None:
    newest = Tables(home / "lake").open("orders", Layer.PUBLISHED)
    assert newest is not None
    before = lakehouse_pipeline.read("orders", version=newest.version() - 1)
    assert before["id"].tolist() == [10, 11]


def test_another_home_can_be_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_HOME", str(home / "elsewhere"))
    assert len(lakehouse_pipeline.read("orders", home=str(home))) == 4
    assert lakehouse_pipeline.schema("orders", home=home).name == "orders"
    with pytest.raises(UnknownDatasetError):
        lakehouse_pipeline.read("orders")
    assert not (home / "elsewhere").exists()


def test_a_dataset_without_published_records_is_an_empty_frame_of_its_schema(
    tmp_path: Path,
) -> None:
    register(tmp_path, contract_text(COLUMNS))
    frame = lakehouse_pipeline.read("orders", home=tmp_path)
    lakehouse_pipeline.schema("orders", home=tmp_path).validate(frame)
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == DTYPES
    assert frame.empty


def test_a_column_that_is_younger_than_a_record_is_null_in_it(home: Path) -> None:
    columns = COLUMNS + "      - {name: new, logicalType: date}\n"
    text = contract_text(columns).replace("version: 1.0.0", "version: 1.1.0")
    register(home, text)
    frame = lakehouse_pipeline.read("orders")
    lakehouse_pipeline.schema("orders").validate(frame)
    assert list(frame.columns)[-4:] == ["new", "_released", "_record", "_batch_id"]
    assert str(frame["new"].dtype) == "date32[day][pyarrow]"
    assert frame["new"].isna().all()


def test_what_is_not_there_is_named_with_what_is(home: Path) -> None:
    with pytest.raises(UnknownDatasetError, match="Did you mean 'orders'"):
        lakehouse_pipeline.read("order")
    with pytest.raises(UnknownColumnError) as column:
        lakehouse_pipeline.read("orders", columns=["id", "phone"])
    assert str(column.value) == (
        "published 'orders' has no column 'phone'. It has: " + ", ".join(DTYPES)
    )
    with pytest.raises(UnknownBatchError, match="dataset 'orders' has no batch 'c'"):
        lakehouse_pipeline.read("orders", batch="c")
    with pytest.raises(UnknownTableVersionError) as version:
        lakehouse_pipeline.read("orders", version=99)
    assert str(version.value) == "published 'orders' has no table version 99; it has 0 to 2."


def test_the_package_is_loaded_without_pandas() -> None:
    code = (
        "import sys, lakehouse_pipeline; "
        "assert not {'pandas', 'pyarrow', 'pandera', 'duckdb'} & set(sys.modules); "
        "lakehouse_pipeline.read; assert 'pandas' in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_package_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'write'"):
        getattr(lakehouse_pipeline, "write")  # noqa: B009 - the name is not there
