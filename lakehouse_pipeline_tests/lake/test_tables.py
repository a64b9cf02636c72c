import multiprocessing
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lakehouse_pipeline.errors import SchemaChangeError
from lakehouse_pipeline.lake.engine import engine, parquet_relation
from lakehouse_pipeline.lake.tables import ConcurrentWriteError, Staged, Tables, copied, stage
from lakehouse_pipeline.names import Layer

DATASET = "orders"


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with engine(tmp_path / "tmp", threads=1) as opened:
        yield opened


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(tmp_path / "lake")


def records(counts: dict[str, int], columns: str = "'x' AS v") -> str:
    """Return SQL of `counts` records per batch with further columns."""
    each = [
        f"SELECT {columns}, n AS _record, '{batch}' AS _batch_id FROM range(1, {n} + 1) AS t(n)"
        for batch, n in counts.items()
    ]
    return " UNION ALL ".join(each)


def write(
    tables: Tables,
    connection: duckdb.DuckDBPyConnection,
    counts: dict[str, int],
    columns: str = "'x' AS v",
    layer: Layer = Layer.RAW,
) -> int:
    with tables.lock(DATASET), tables.staging(DATASET) as folder:
        staged = stage(connection, records(counts, columns), folder / layer, list(counts))
        assert staged.rows == counts
        return tables.replace(DATASET, layer, list(counts), staged)


def held(
    tables: Tables,
    connection: duckdb.DuckDBPyConnection,
    sql: str = "SELECT _batch_id, count(*) FROM t GROUP BY ALL",
    version: int | None = None,
) -> dict[Any, Any]:
    files = tables.files(DATASET, Layer.RAW, None, version)
    if not files:
        return {}
    return dict(connection.execute(sql.replace(" t", f" {parquet_relation(files)}")).fetchall())


def test_several_batches_are_one_commit(
    tables: Tables, connection: duckdb.DuckDBPyConnection
) -> None:
    first = write(tables, connection, {"a": 1})
    assert write(tables, connection, {"b": 2, "c": 3, "d": 0}) == first + 1
    assert held(tables, connection) == {"a": 1, "b": 2, "c": 3}
    assert tables.batches(DATASET, Layer.RAW) == {"a", "b", "c"}


def test_a_batch_is_replaced_whole_and_the_others_stand(
    tables: Tables, connection: duckdb.DuckDBPyConnection
) -> None:
    write(tables, connection, {"a": 5, "b": 2})
    others = tables.files(DATASET, Layer.RAW, ["b"])
    before = write(tables, connection, {"a": 3}) - 1
    assert held(tables, connection) == {"a": 3, "b": 2}
    assert tables.files(DATASET, Layer.RAW, ["b"]) == others
    assert held(tables, connection, version=before) == {"a": 5, "b": 2}


def test_a_batch_without_records_leaves_the_table(
    tables: Tables, connection: duckdb.DuckDBPyConnection
) -> None:
    write(tables, connection, {"a": 5, "b": 2})
    write(tables, connection, {"a": 0})
    assert held(tables, connection) == {"b": 2}


def test_removed_batches_are_named_and_stay_readable_by_time_travel(
    tables: Tables, connection: duckdb.DuckDBPyConnection
) -> None:
    before = write(tables, connection, {"a": 5, "b": 2})
    assert tables.remove(DATASET, Layer.RAW, ["b", "none"]) == ["b"]
    assert tables.remove(DATASET, Layer.RAW, ["b"]) == []
    assert tables.remove(DATASET, Layer.PUBLISHED, ["b"]) == []
    assert held(tables, connection) == {"a": 5}
    assert held(tables, connection, version=before) == {"a": 5, "b": 2}


def test_a_failure_before_the_commit_changes_nothing(
    tables: Tables, connection: duckdb.DuckDBPyConnection
) -> None:
    write(tables, connection, {"a": 5})
    missing = Staged(Path("/nowhere"), {"a": 1}, _schema(tables), {"_batch_id=a/part-0.parquet": 1})
    with pytest.raises(FileNotFoundError):
        tables.replace(DATASET, Layer.RAW, ["a"], missing)
    assert held(tables, connection) == {"a": 5}


def _schema(tables: Tables) -> Any:  # noqa: ANN401 pyarrow has no types
    table = tables.open(DATASET, Layer.RAW)
    assert table is not None
    import pyarrow as pa  # noqa: PLC0415 only here

    return pa.schema(table.schema().to_arrow())


def test_files_of_a_commit_that_never_came_are_in_no_version(
    tables: Tables, connection: duckdb.DuckDBPyConnection
) -> None:
    write(tables, connection, {"a": 5})
    (part,) = tables.files(DATASET, Layer.RAW)
    orphan = Path(part).with_name("part-orphan.parquet")
    orphan.write_bytes(Path(part).read_bytes())
    assert held(tables, connection) == {"a": 5}
    assert write(tables, connection, {"a": 2}) == 2
    assert held(tables, connection) == {"a": 2}


def test_staging_is_removed_after_the_block_and_swept_by_the_next_writer(tables: Tables) -> None:
    with tables.staging(DATASET) as folder:
        (folder / "part").write_text("x")
    assert not folder.exists()
    left = tables.root / DATASET / ".staging" / "of-a-killed-process"
    left.mkdir(parents=True)
    with tables.lock(DATASET):
        assert not left.exists()


def test_an_added_column_is_null_in_older_batches(
    tables: Tables, connection: duckdb.DuckDBPyConnection
) -> None:
    write(tables, connection, {"a": 2})
    write(tables, connection, {"b": 1}, "'x' AS v, 7 AS w")
    assert held(tables, connection, "SELECT _batch_id, sum(w) FROM t GROUP BY ALL") == {
        "a": None,
        "b": 7,
    }
    table = tables.open(DATASET, Layer.RAW)
    assert table is not None
    assert [column.name for column in table.schema().fields] == ["v", "w", "_record", "_batch_id"]


def columns(tables: Tables) -> list[str]:
    table = tables.open(DATASET, Layer.RAW)
    assert table is not None
    return [column.name for column in table.schema().fields]


def test_the_columns_stand_as_they_were_written_last_and_those_of_older_batches_behind(
    tables: Tables, connection: duckdb.DuckDBPyConnection
) -> None:
    write(tables, connection, {"a": 2}, "1 AS gone, 'x' AS v, 7 AS w")
    write(tables, connection, {"b": 1}, "7 AS w, 'x' AS v")
    assert columns(tables) == ["w", "v", "_record", "_batch_id", "gone"]
    write(tables, connection, {"c": 1}, "7 AS w, 'x' AS v")
    assert columns(tables) == ["w", "v", "_record", "_batch_id", "gone"]
    write(tables, connection, {"a": 2}, "7 AS w, 'x' AS v")
    assert columns(tables) == ["w", "v", "_record", "_batch_id"]


def test_a_table_made_anew_is_one_commit_and_keeps_its_properties(
    tables: Tables, connection: duckdb.DuckDBPyConnection
) -> None:
    old = write(tables, connection, {"a": 2, "b": 1})
    assert write(tables, connection, {"a": 2, "b": 1}, "5::BIGINT AS v") == old + 1
    table = tables.open(DATASET, Layer.RAW)
    assert table is not None
    assert table.metadata().configuration == {"delta.dataSkippingStatsColumns": "_record"}


def test_another_type_is_refused_while_other_batches_hold_the_old_one(
    tables: Tables, connection: duckdb.DuckDBPyConnection
) -> None:
    version = write(tables, connection, {"a": 2, "b": 1})
    with pytest.raises(SchemaChangeError, match=r"column 'v' is stored as .*string.*long"):
        write(tables, connection, {"a": 2}, "1::BIGINT AS v")
    assert held(tables, connection) == {"a": 2, "b": 1}
    table = tables.open(DATASET, Layer.RAW)
    assert table is not None
    assert table.version() == version


def test_another_type_rebuilds_the_table_when_every_batch_is_written(
    tables: Tables, connection: duckdb.DuckDBPyConnection
) -> None:
    old = write(tables, connection, {"a": 2, "b": 1})
    write(tables, connection, {"a": 2, "b": 1}, "5::BIGINT AS v")
    total = "SELECT _batch_id, sum(v) FROM t GROUP BY ALL"
    assert held(tables, connection, total) == {"a": 10, "b": 5}
    texts = "SELECT _batch_id, max(v) FROM t GROUP BY ALL"
    assert held(tables, connection, texts, version=old) == {"a": "x", "b": "x"}


def test_a_copy_of_a_layer_has_the_same_bytes_and_its_own_files(
    tables: Tables, connection: duckdb.DuckDBPyConnection
) -> None:
    write(tables, connection, {"a": 2, "b": 3}, layer=Layer.ANONYMIZED)
    with tables.lock(DATASET), tables.staging(DATASET) as folder:
        staged = copied(tables, DATASET, Layer.ANONYMIZED, folder, ["a", "c"])
        assert staged.rows == {"a": 2, "c": 0}
        tables.replace(DATASET, Layer.PUBLISHED, ["a", "c"], staged)
    (source,) = tables.files(DATASET, Layer.ANONYMIZED, ["a"])
    (target,) = tables.files(DATASET, Layer.PUBLISHED)
    assert source != target
    assert Path(source).read_bytes() == Path(target).read_bytes()


def test_a_write_of_the_same_batch_without_the_lock_is_found_out(
    tables: Tables, connection: duckdb.DuckDBPyConnection
) -> None:
    write(tables, connection, {"a": 1})

    class Interrupted(Tables):
        """Another writer commits the same batch between our commit and our look at it."""

        def _only_ours(self, *what: Any) -> None:  # noqa: ANN401
            write(tables, connection, {"a": 9})
            super()._only_ours(*what)

    with tables.staging("elsewhere") as folder:
        staged = stage(connection, records({"a": 2}), folder, ["a"])
        with pytest.raises(ConcurrentWriteError, match="another writer committed a at the same"):
            Interrupted(tables.root).replace(DATASET, Layer.RAW, ["a"], staged)


def append(root: str, name: str, times: int) -> None:
    """Write batches of one record, and one batch that both processes write."""
    tables = Tables(Path(root) / "lake")
    with engine(Path(root) / "tmp", threads=1) as connection:
        for n in range(times):
            write(tables, connection, {f"{name}{n}": n + 1, "both": 10})


def test_two_processes_writing_one_dataset_lose_and_double_nothing(
    tables: Tables, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=append, args=(str(tmp_path), name, 6)) for name in "xy"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    expected = {f"{name}{n}": n + 1 for name in "xy" for n in range(6)} | {"both": 10}
    assert held(tables, connection) == expected
    table = tables.open(DATASET, Layer.RAW)
    assert table is not None
    assert table.version() == 12


def test_the_lock_of_one_dataset_does_not_hold_up_another(tables: Tables) -> None:
    entered = threading.Event()

    def other() -> None:
        with tables.lock("refunds"):
            entered.set()

    def same() -> None:
        with tables.lock(DATASET):
            waited.set()

    waited = threading.Event()
    with tables.lock(DATASET):
        threads = [threading.Thread(target=one) for one in (other, same)]
        for thread in threads:
            thread.start()
        assert entered.wait(10)
        assert not waited.is_set()
    assert waited.wait(10)
    for thread in threads:
        thread.join()


def test_the_delta_log_counts_records_and_holds_no_value(
    tables: Tables, connection: duckdb.DuckDBPyConnection
) -> None:
    write(tables, connection, {"a": 3}, "'ada@private.example' AS v")
    write(tables, connection, {"b": 3}, "'ada@private.example' AS v, 'new' AS w")
    logs = (tables.path(DATASET, Layer.RAW) / "_delta_log").glob("*.json")
    text = "".join(log.read_text() for log in logs)
    assert re.findall(r'\\"numRecords\\": (\d+)', text) == ["3", "3"]
    assert "ada@private" not in text
    assert "minValues" not in text
