"""What a query over published data gives, and everything that it does not reach."""

import shutil
import time
from pathlib import Path

import duckdb
import pytest

from lakehouse_pipeline.errors import QueryError
from lakehouse_pipeline.lake.engine import engine
from lakehouse_pipeline.lake.first_rows import Limits
from lakehouse_pipeline.lake.query import locked
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.lake.time_limit import QueryTimeError
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.published_query import published_query
from lakehouse_pipeline_tests.pipeline.published_home import fill

ONE_SELECT = "expected exactly one SELECT statement; nothing else may run here"
SMALL = Limits(seconds=30, memory="300MB", threads=1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published") / "home"
    fill(folder)
    return folder


def values(home: Path, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in published_query(home, sql, SMALL).rows.to_pylist()]


def test_published_is_read_by_the_name_of_its_dataset(home: Path) -> None:
    assert values(home, "SELECT id, _record FROM orders ORDER BY id") == [
        (10, 1),
        (11, 3),
        (20, 1),
        (21, 3),
    ]
    assert values(home, "SELECT count(*) FROM Orders.Published") == [(4,)]


@pytest.mark.parametrize(
    "sql",
    [
        "WITH a AS (SELECT id FROM orders), b AS (FROM a) SELECT count(*) FROM b",
        "SELECT count(*) FROM (SELECT 1 FROM orders UNION ALL SELECT 2 FROM orders WHERE false)",
        "SELECT count(*) /* as many */ FROM orders; -- the end",
        "WITH RECURSIVE t AS (SELECT 1 n UNION SELECT n+1 FROM t WHERE n<4) SELECT max(n) FROM t",
        "SELECT count(*) FROM range(4)",
        "SELECT count(*) FROM orders o SEMI JOIN orders.published p USING (id)",
    ],
)
def test_what_only_reads_published_runs(home: Path, sql: str) -> None:
    assert values(home, sql) == [(4,)]


def test_describe_tells_the_columns_the_contract_promises(home: Path) -> None:
    described = published_query(home, "DESCRIBE orders", SMALL).rows.to_pylist()
    assert {row["column_name"]: row["column_type"] for row in described} == {
        "id": "BIGINT",
        "email": "VARCHAR",
        "amount": "DECIMAL(38,10)",
        "rate": "DOUBLE",
        "paid": "BOOLEAN",
        "day": "DATE",
        "at": "TIMESTAMP WITH TIME ZONE",
        "note": "VARCHAR",
        "_released": "BOOLEAN",
        "_record": "BIGINT",
        "_batch_id": "VARCHAR",
    }


def test_the_row_limit_cuts_and_says_so(home: Path) -> None:
    answer = published_query(home, "FROM orders", Limits(rows=3))
    assert (answer.rows.num_rows, answer.cut) == (3, True)
    answer = published_query(home, "FROM orders", Limits(rows=4))
    assert (answer.rows.num_rows, answer.cut) == (4, False)


def test_two_columns_of_one_name_are_told_apart(home: Path) -> None:
    assert published_query(home, "SELECT 1 AS n, 2 AS n").rows.to_pylist() == [{"n": 1, "n_1": 2}]


def test_a_dataset_with_nothing_published_has_its_columns_and_no_rows(
    home: Path, tmp_path: Path
) -> None:
    (tmp_path / "contracts").symlink_to(home / "contracts")
    answer = published_query(tmp_path, 'SELECT id, "at" FROM orders')
    assert (answer.rows.num_rows, answer.rows.column_names) == (0, ["id", "at"])


def test_a_table_whose_file_is_lost_is_one_message(home: Path, tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(home, tmp_path / "home"))
    Path(Tables(damaged / "lake").files("orders", Layer.PUBLISHED)[0]).unlink()
    with pytest.raises(QueryError, match="orders cannot be read"):
        published_query(damaged, "FROM orders", SMALL)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM range(100000000000) a, range(100000000) b WHERE a.range = -b.range",
        "WITH RECURSIVE t AS (SELECT 1 n UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
        "SELECT count(*) FROM orders, range(1000000000000) WHERE random() > 2",
    ],
    ids=["cross join", "recursion", "endless range"],
)
def test_an_endless_query_is_stopped(home: Path, sql: str) -> None:
    started = time.monotonic()
    with pytest.raises(QueryTimeError, match=r"did not end within 0\.5 seconds and was stopped"):
        published_query(home, sql, Limits(seconds=0.5, memory="300MB"))
    assert time.monotonic() - started < 20


def test_a_query_that_wants_too_much_memory_is_refused(home: Path) -> None:
    with pytest.raises(QueryError, match="Out of Memory"):
        published_query(home, "SELECT list(i) FROM range(1000000000) t(i)", SMALL)


def test_a_result_that_is_too_large_is_refused(home: Path) -> None:
    wide = "SELECT " + " || ".join(["range::VARCHAR"] * 9) + " AS s FROM range(100000000)"
    with pytest.raises(QueryError, match="its result is larger than 256 MB"):
        published_query(home, wide, Limits(rows=100_000_000))


BREAK_OUTS = {
    "SELECT * FROM read_csv('/etc/passwd')": "table function 'read_csv' is not allowed",
    "SELECT * FROM read_text('/etc/passwd')": "table function 'read_text' is not allowed",
    "SELECT * FROM read_blob('/etc/passwd')": "table function 'read_blob' is not allowed",
    "SELECT * FROM READ_PARQUET('{raw}')": "table function 'read_parquet' is not allowed",
    "SELECT * FROM \"read_parquet\"('{raw}')": "table function 'read_parquet' is not allowed",
    "SELECT * FROM system.main.read_csv('/etc/passwd')": "table function 'read_csv' is not",
    "SELECT * FROM glob('/etc/*')": "table function 'glob' is not allowed",
    "SELECT * FROM sniff_csv('/etc/passwd')": "table function 'sniff_csv' is not allowed",
    "SELECT * FROM parquet_metadata('{raw}')": "table function 'parquet_metadata' is not",
    "SELECT * FROM query('FROM orders')": "table function 'query' is not allowed",
    "SELECT * FROM query_table('orders')": "table function 'query_table' is not allowed",
    "SELECT (SELECT content FROM read_text('/etc/passwd'))": "table function 'read_text' is not",
    "WITH a AS (FROM read_text('/etc/passwd')) FROM a": "table function 'read_text' is not",
    "FROM orders, LATERAL (FROM read_text('/etc/passwd'))": "table function 'read_text' is not",
    "SELECT 1 UNION ALL SELECT content FROM read_text('/etc/passwd')": "table function 'read_t",
    "DESCRIBE SELECT * FROM read_csv('/etc/passwd')": "table function 'read_csv' is not allowed",
    "SELECT * FROM '{raw}'": "is not published data",
    "SELECT * FROM '/etc/passwd'": "'/etc/passwd' is not published data",
    'SELECT * FROM "{raw}"': "is not published data",
    "WITH a AS (SELECT 1) SELECT (WITH \"{raw}\" AS (SELECT 1) SELECT 1), * FROM '{raw}'": (
        "is not published data"
    ),
    "FROM orders.raw": "'orders.raw' is not published data",
    "FROM orders.quarantined": "'orders.quarantined' is not published data",
    "FROM memory.orders.published": "'memory.orders.published' is not published data",
    "FROM secret": "'secret' is not published data",
    "FROM customers": "'customers' is not published data",
    "FROM information_schema.tables": "'information_schema.tables' is not published data",
    "FROM pg_catalog.pg_settings": "'pg_catalog.pg_settings' is not published data",
    "FROM duckdb_settings()": "table function 'duckdb_settings' is not allowed",
    "FROM duckdb_secrets()": "table function 'duckdb_secrets' is not allowed",
    "FROM duckdb_views": "'duckdb_views' is not published data",
    "FROM sqlite_master": "'sqlite_master' is not published data",
    "WITH a AS (FROM duckdb_views), duckdb_views AS (SELECT 1) FROM a": (
        "'duckdb_views' is not published data"
    ),
    "SELECT getenv('HOME')": "function 'getenv' is not allowed",
    "SELECT orders.getenv('HOME')": "function 'getenv' is not allowed",
    "SELECT 'HOME'.getenv()": "query refused: ",
    "SELECT current_setting('home_directory')": "function 'current_setting' is not allowed",
    "SELECT pg_sleep(1000)": "function 'pg_sleep' is not allowed",
    "SELECT json_serialize_plan('FROM orders.raw')": "function 'json_serialize_plan' is not",
    "FROM json_execute_serialized_sql('x')": "function 'json_execute_serialized_sql' is not",
    "SELECT repeat('x', 4000000000)": "function 'repeat' is not allowed",
    "SELECT list_transform([1], lambda x: getenv('HOME'))": "function 'getenv' is not allowed",
    "SELECT count(*) FILTER (getenv('HOME') = '/root') FROM orders": "function 'getenv' is not",
    "FROM orders ORDER BY getenv('HOME')": "function 'getenv' is not allowed",
    "FROM (SHOW ALL TABLES)": "SHOW is not allowed",
    "SHOW TABLES": "SHOW is not allowed",
    "SELECT ?": r"parameters \(\? and \$name\) are not allowed",
    "COPY (SELECT 1) TO '{out}'": ONE_SELECT,
    "COPY orders TO '{out}'": ONE_SELECT,
    "ATTACH '{out}' AS o": ONE_SELECT,
    "DETACH memory": ONE_SELECT,
    "USE orders": ONE_SELECT,
    "INSTALL httpfs": ONE_SELECT,
    "LOAD httpfs": ONE_SELECT,
    "PRAGMA database_list": ONE_SELECT,
    "PRAGMA enable_profiling": ONE_SELECT,
    "SET enable_external_access=true": ONE_SELECT,
    "RESET memory_limit": ONE_SELECT,
    "SET VARIABLE x = 1": ONE_SELECT,
    "EXPORT DATABASE '{out}'": ONE_SELECT,
    "IMPORT DATABASE '{out}'": ONE_SELECT,
    "CALL range(1)": ONE_SELECT,
    "EXPLAIN ANALYZE FROM orders": ONE_SELECT,
    "CHECKPOINT": ONE_SELECT,
    "PREPARE p AS SELECT 1": ONE_SELECT,
    "CREATE TABLE t AS FROM orders": ONE_SELECT,
    "CREATE MACRO m() AS 1": ONE_SELECT,
    "DROP VIEW orders.published": ONE_SELECT,
    "INSERT INTO orders VALUES (1)": ONE_SELECT,
    "WITH x AS (INSERT INTO orders VALUES (1)) SELECT 1": "query refused",
    "SELECT 1; SELECT 2": ONE_SELECT,
    "SELECT 1; COPY (SELECT 1) TO '{out}'": ONE_SELECT,
    "SELECT 1 /* ; */ ; -- ;\n SET threads=1": ONE_SELECT,
    "/* SELECT 1 */ ATTACH '{out}'": ONE_SELECT,
    "SELECT 1 \0; ATTACH '{out}'": "it holds a character that is no text",
    "SELECT '\ud800'": "it holds a character that is no text",
    "DESCRIBE '/etc/passwd'": "'/etc/passwd' is not published data",
    "SUMMARIZE orders.raw": "'orders.raw' is not published data",
    "WITH orders AS (FROM orders.raw) FROM orders": "'orders.raw' is not published data",
    "WITH duckdb_views AS (FROM duckdb_views) FROM duckdb_views": "'duckdb_views' is not",
    'FROM "orders.raw"': "'orders.raw' is not published data",
    "FROM orders LIMIT (SELECT count(*) FROM duckdb_views)": "'duckdb_views' is not published",
    "FROM orders WHERE id IN (FROM duckdb_tables)": "'duckdb_tables' is not published data",
    "FROM orders ASOF JOIN orders.raw USING (id)": "'orders.raw' is not published data",
    "FROM unnest((SELECT list(view_name) FROM duckdb_views))": "'duckdb_views' is not published",
    "FROM (VALUES (getenv('HOME'))) t(a)": "function 'getenv' is not allowed",
    "SELECT sum(id) OVER (ORDER BY getenv('HOME')) FROM orders": "function 'getenv' is not",
    "SELECT * REPLACE (getenv('HOME') AS id) FROM orders": "function 'getenv' is not allowed",
    "FROM orders QUALIFY getenv('HOME') = ''": "function 'getenv' is not allowed",
    "SELECT list_aggregate([1], 'getenv')": "Aggregate Function with name getenv does not exist",
    "": ONE_SELECT,
    "-- nothing": ONE_SELECT,
    "SELEC 1": "query refused: ",
    "SELECT 1 " + "+ 1 " * 50_000: "it is longer than 100,000 characters",
    "SELECT " + "(" * 20_000 + "1" + ")" * 20_000: "query refused: ",
    "SELECT filename FROM orders": 'Referenced column "filename" not found',
    "SELECT file_row_number FROM orders": 'Referenced column "file_row_number" not found',
}


@pytest.mark.parametrize("sql", BREAK_OUTS, ids=lambda sql: ascii(sql)[1:60])
def test_a_query_does_not_break_out(home: Path, tmp_path: Path, sql: str) -> None:
    secret = {"value": [1]}  # no variable of the program is a table
    raw = Tables(home / "lake").files("orders", Layer.RAW)[0]
    out = tmp_path / "out"
    text = sql.replace("{raw}", raw).replace("{out}", str(out))
    with pytest.raises(QueryError, match=BREAK_OUTS[sql]):
        published_query(home, text, SMALL)
    assert not out.exists()
    assert secret


def test_a_dataset_that_the_caller_may_not_read_is_as_if_it_were_not_there(home: Path) -> None:
    with pytest.raises(QueryError, match=r"'orders' is not published data\. Datasets .*: none\."):
        published_query(home, "FROM orders", SMALL, datasets=["customers"])


def test_a_query_nested_deeper_than_can_be_judged_is_refused(home: Path) -> None:
    with pytest.raises(QueryError, match="nested too deep"):
        published_query(home, "SELECT 1" + " + 1" * 800, SMALL)


@pytest.mark.parametrize(
    "sql",
    [
        "FROM read_text('/etc/passwd')",
        "FROM read_parquet('{raw}')",
        "COPY (SELECT 1) TO '{published}'",
        "COPY (SELECT 1) TO '{raw}.csv'",
        "ATTACH '{raw}.db'",
        "SET allowed_paths=['{raw}']",
        "SET enable_external_access=true",
        "RESET lock_configuration",
        "LOAD httpfs",
        "INSTALL httpfs",
    ],
)
def test_the_locked_connection_holds_without_the_judge(home: Path, sql: str) -> None:
    tables = Tables(home / "lake")
    published = tables.files("orders", Layer.PUBLISHED)
    raw = tables.files("orders", Layer.RAW)[0]
    before = Path(published[0]).read_bytes()
    with engine(home / "tmp") as connection:
        locked(connection, published)
        text = sql.replace("{raw}", raw).replace("{published}", published[0])
        with pytest.raises(duckdb.Error, match=r"(?i)disabled|cannot|locked"):
            connection.execute(text)
        assert connection.execute(f"SELECT count(*) FROM '{published[0]}'").fetchall() == [(2,)]
    assert Path(published[0]).read_bytes() == before
