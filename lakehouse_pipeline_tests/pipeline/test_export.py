"""Published data as files: every value comes back, and a file is made once."""

import csv
import datetime as dt
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse_pipeline.errors import (
    LakehouseError,
    QueryError,
    UnknownBatchError,
    UnknownColumnError,
    UnknownTableVersionError,
)
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.export_files import without_exports
from lakehouse_pipeline.lake.landing import Landing
from lakehouse_pipeline.lake.result_file import FileFormat
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.export import ExportRequest, VersionGoneError, export
from lakehouse_pipeline.pipeline.retention import Arrivals, retain
from lakehouse_pipeline_tests.pipeline.published_home import fill
from lakehouse_pipeline_tests.pipelines import records

ALL = ExportRequest("orders")
NAMES = ["id", "email", "amount", "rate", "paid", "day", "at", "note"]
SYSTEM = ["_released", "_record", "_batch_id"]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "home"
    fill(folder)
    return folder


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "home"))


def lines(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_a_csv_holds_every_published_record_in_order(home: Path) -> None:
    header, *found = lines(export(home, ALL).path)
    assert header == NAMES + SYSTEM
    assert [row[0] for row in found] == ["20", "21", "10", "11"]
    assert found[0][2:9] == [
        "1234567890123456789012345678.0123456789",
        "0.1",
        "true",
        "2024-02-29",
        "2024-01-06 01:30:00.123456+00",
        '=1+1, "so"\n it says',
        "false",
    ]
    assert found[1][1:8] == [""] * 7


def test_the_values_of_a_csv_come_back_as_they_are_published(home: Path) -> None:
    contract = ContractStore(home / "contracts").active("orders")
    expected = records(home, contract, Layer.PUBLISHED)
    path = export(home, ALL).path
    sql = """SELECT id, email, amount, rate, paid, day, "at", note FROM read_csv(?, header=true,
        auto_detect=false, delim=',', quote='"', escape='"', nullstr='', allow_quoted_nulls=false,
        columns={'id': 'BIGINT', 'email': 'VARCHAR', 'amount': 'DECIMAL(38,10)', 'rate': 'DOUBLE',
        'paid': 'BOOLEAN', 'day': 'DATE', 'at': 'TIMESTAMPTZ', 'note': 'VARCHAR',
        '_released': 'BOOLEAN', '_record': 'BIGINT', '_batch_id': 'VARCHAR'})"""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'")
        found = connection.execute(sql, [str(path)]).fetchall()
    assert found == [tuple(row[name] for name in NAMES) for row in expected]
    assert found[0][2] == Decimal("1234567890123456789012345678.0123456789")
    assert found[0][6] == dt.datetime(2024, 1, 6, 1, 30, 0, 123456, tzinfo=dt.UTC)


def test_parquet_and_arrow_hold_the_same_in_the_types_of_the_table(home: Path) -> None:
    parquet = pq.read_table(export(home, replace(ALL, file_format=FileFormat.PARQUET)).path)
    with pa.memory_map(str(export(home, replace(ALL, file_format=FileFormat.ARROW)).path)) as file:
        arrow = pa.ipc.open_file(file).read_all()
    assert parquet.to_pylist() == arrow.to_pylist()
    assert parquet.schema.field("amount").type == pa.decimal128(38, 10)
    assert parquet.schema.field("at").type == pa.timestamp("us", "UTC")
    assert parquet["id"].to_pylist() == [20, 21, 10, 11]


def test_no_personal_value_leaves_with_an_export(home: Path) -> None:
    for file_format in FileFormat:
        content = export(home, replace(ALL, file_format=file_format)).path.read_bytes()
        assert b"ann@example.org" not in content


def test_batches_ranges_columns_and_conditions_choose(home: Path) -> None:
    tables = Tables(home / "lake")
    a, b = sorted(tables.batches("orders", Layer.PUBLISHED))
    chosen = replace(ALL, columns=["id"])

    def ids(request: ExportRequest) -> list[str]:
        return [row[0] for row in lines(export(home, request).path)[1:]]

    assert ids(replace(chosen, batches=[b])) == ["10", "11"]
    assert ids(replace(chosen, batches=[b, a])) == ["20", "21", "10", "11"]
    assert ids(replace(chosen, first="b")) == ["10", "11"]
    assert ids(replace(chosen, last="a")) == ["20", "21"]
    assert ids(replace(chosen, first="a", last="b")) == ["20", "21", "10", "11"]
    assert ids(replace(chosen, where="amount IS NOT NULL AND id > 10")) == ["20"]
    assert ids(replace(chosen, where="_record = 3 AND NOT _released")) == ["21", "11"]
    assert ids(replace(chosen, where="false")) == []


def test_an_export_is_made_once_and_again_for_a_new_version(home: Path) -> None:
    first = export(home, ALL)
    changed = first.path.stat().st_mtime_ns
    again = export(home, ALL)
    assert (first.reused, again.reused) == (False, True)
    assert (again.path, again.path.stat().st_mtime_ns) == (first.path, changed)
    assert export(home, replace(ALL, where="true")).path != first.path
    tables = Tables(home / "lake")
    tables.remove("orders", Layer.PUBLISHED, [min(tables.batches("orders", Layer.PUBLISHED))])
    newer = export(home, ALL)
    assert (newer.reused, newer.version) == (False, (first.version or 0) + 1)
    old = export(home, replace(ALL, version=first.version))
    assert lines(old.path) == lines(first.path)
    assert len(lines(newer.path)) == 1 + 2


def test_of_several_who_ask_at_once_one_makes_the_file(home: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: export(home, ALL, threads=1), range(4)))
    assert len({one.path for one in made}) == 1
    assert sorted(one.reused for one in made) == [False, True, True, True]


def test_what_a_killed_process_left_is_swept_by_the_next(home: Path) -> None:
    left = home / "exports" / "orders" / ".writing-killed"
    left.mkdir(parents=True)
    (left / "file").write_text("half")
    made = export(home, ALL).path
    assert {path.name for path in made.parent.iterdir()} == {".lock", made.name}


def test_a_dataset_with_nothing_published_is_a_header(home: Path) -> None:
    for folder in (home / "lake" / "orders").iterdir():
        folder.rename(home / folder.name)
    made = export(home, ALL)
    assert (lines(made.path), made.version) == ([NAMES + SYSTEM], None)


def test_nothing_is_left_of_an_export_that_failed(home: Path) -> None:
    with pytest.raises(QueryError, match="the filter does not fit the columns"):
        export(home, replace(ALL, where="amount > 'much'"))
    assert [p.name for p in (home / "exports" / "orders").iterdir()] == [".lock"]


def test_exports_leave_when_records_leave_and_when_nobody_asks_for_them(home: Path) -> None:
    first = export(home, ALL).path
    week_ago = time.time() - 8 * 86_400
    os.utime(first, (week_ago, week_ago))
    second = export(home, replace(ALL, columns=["id"])).path
    assert (first.exists(), second.exists()) == (False, True)
    with without_exports(home / "exports", "orders"):
        assert not second.exists()


def test_retention_takes_the_exports_of_a_dataset_with_its_records(home: Path) -> None:
    contract = replace(
        ContractStore(home / "contracts").active("orders"), retention={Layer.PUBLISHED: 30}
    )
    tables, landing = Tables(home / "lake"), Landing(home / "landing")
    a, b = sorted(tables.batches("orders", Layer.PUBLISHED))
    before = export(home, ALL)
    now = 1_000 * 86_400.0
    assert not list(retain(tables, landing, contract, Arrivals({a: now, b: now}), now))
    assert before.path.exists()
    list(retain(tables, landing, contract, Arrivals({a: 0, b: now}), now))
    assert not before.path.exists()
    assert len(lines(export(home, ALL).path)) == 1 + 2
    with pytest.raises(VersionGoneError):
        export(home, replace(ALL, version=before.version))


def test_retention_takes_the_exports_also_where_the_tables_are_elsewhere(
    home: Path, tmp_path: Path
) -> None:
    contract = replace(
        ContractStore(home / "contracts").active("orders"), retention={Layer.PUBLISHED: 30}
    )
    lake = (home / "lake").rename(tmp_path / "elsewhere")
    made = export(home, ALL, lake=lake)
    tables, landing = Tables(lake), Landing(home / "landing")
    first, *_ = tables.batches("orders", Layer.PUBLISHED)
    now = 1_000 * 86_400.0
    list(retain(tables, landing, contract, Arrivals({first: 0}), now, exports=home / "exports"))
    assert not made.path.exists()


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        (replace(ALL, columns=["idd"]), UnknownColumnError, "Did you mean 'id'?"),
        (replace(ALL, columns=["phone"]), UnknownColumnError, "has no column 'phone'"),
        (replace(ALL, batches=["a"]), UnknownBatchError, "has no batch 'a'"),
        (replace(ALL, version=99), UnknownTableVersionError, "no table version 99; it has 0 to"),
        (replace(ALL, where="id"), QueryError, "the expression is not true or false"),
        (replace(ALL, where="idd > 1"), QueryError, "unknown column 'idd'. Did you mean 'id'?"),
        (replace(ALL, where="true) UNION ALL SELECT (1"), QueryError, "the filter 'true)"),
        (replace(ALL, where="true -- all"), QueryError, "comments and ';' are not allowed"),
        (replace(ALL, where="id IN (SELECT 1)"), QueryError, "IN takes a list of values"),
        (replace(ALL, where="getenv('HOME') = 'x'"), QueryError, "function 'getenv' is not"),
        (replace(ALL, where="random() > 0.5"), QueryError, "a replay must give the same result"),
    ],
)
def test_a_wrong_request_says_what_is_wrong(
    home: Path, request_: ExportRequest, error: type[LakehouseError], message: str
) -> None:
    with pytest.raises(error) as raised:
        export(home, request_)
    assert message in str(raised.value)


def test_a_version_whose_files_were_deleted_is_one_message(home: Path) -> None:
    Path(Tables(home / "lake").files("orders", Layer.PUBLISHED, None, 2)[0]).unlink()
    with pytest.raises(VersionGoneError, match="version 2 can no longer be read"):
        export(home, replace(ALL, version=2))
