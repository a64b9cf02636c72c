"""Queries of `sql` rules: what runs in DuckDB as it is written, and what a contract may not ask."""

from collections.abc import Iterator

import duckdb
import pytest

from lakehouse_pipeline.contracts.queries import AGGREGATES, checked_query
from lakehouse_pipeline.contracts.sql_text import FUNCTIONS, MAX_LENGTH

COLUMNS = ("id", "name", "amount", "paid", "day", 'say "hi"', "größe", "user")


def checked(query: str, column: str | None = None) -> str:
    return checked_query(query, "orders", COLUMNS, column)


def refusal(query: str) -> str:
    with pytest.raises(ValueError, match=r".") as error:
        checked(query)
    return str(error.value)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"enable_external_access": "false"}) as connection:
        connection.execute(
            "CREATE VIEW orders AS SELECT * FROM (VALUES "
            "(1, 'a', 1.5::DECIMAL(10,2), true, DATE '2024-01-01', 1, 2, 'x'), "
            "(2, 'b', 2.5, false, DATE '2024-02-01', NULL, 3, 'y'), "
            "(2, 'it''s', NULL, true, DATE '2024-02-02', 5, 4, 'y')) "
            'AS t(id, name, amount, paid, day, "say ""hi""", "größe", "user")'
        )
        yield connection


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("SELECT count(*) FROM orders", 3),
        ("select Count(ID) from ORDERS", 3),
        ('SELECT count(*) FROM "orders" WHERE "say ""hi""" IS NULL', 1),
        ('SELECT max("größe") FROM orders', 4),
        ('SELECT count(DISTINCT "user") FROM orders', 2),
        ("SELECT count(DISTINCT (id, name)) FROM orders", 3),
        ("SELECT count(*) FROM orders WHERE name = 'it''s'", 1),
        ("SELECT count(*) FROM orders WHERE name = '-- ; /* {table} $1'", 0),
        ("SELECT count(*) FILTER (WHERE paid) * 100 // count(*) FROM orders", 66),
        ("SELECT CASE WHEN bool_and(paid) THEN 1 WHEN bool_or(paid) THEN 2 END FROM orders", 2),
        ("SELECT sum(amount) + avg(id) - min(id) * max(id) % 2 FROM orders", 4 + 5 / 3),
        ("SELECT median(id) + quantile_cont(id, 0.5) FROM orders", 4),
        ("SELECT round(stddev(id) + stddev_samp(id) + stddev_pop(id), 3) FROM orders", 1.626),
        ("SELECT round(variance(id) + var_samp(id) + var_pop(id), 3) FROM orders", 0.889),
        ("SELECT any_value(amount ORDER BY day) FROM orders", 1.5),
        ("SELECT any_value(id) FILTER (WHERE id = 2) FROM orders", 2),
        ("SELECT max(date_diff('day', DATE '2024-01-01', day)) FROM orders", 32),
        ("SELECT count(*) FROM orders WHERE regexp_matches(name, '^[a-z]$')", 2),
        ("SELECT count(*) FROM orders WHERE id IN (1, 3) OR amount BETWEEN 2 AND 3", 2),
        ("SELECT max(n) FROM (SELECT id, count(*) AS n FROM orders GROUP BY id)", 2),
        (
            "SELECT count(*) FROM (SELECT id FROM orders GROUP BY id HAVING count(*) > 1) AS twice",
            1,
        ),
        ('SELECT count(*) FROM (SELECT DISTINCT id, "user" FROM orders)', 2),
        ("SELECT (SELECT count(*) FROM orders) - (SELECT count(DISTINCT id) FROM orders)", 1),
        (
            (
                "WITH months AS (SELECT date_trunc('month', day) AS month, sum(amount) AS total "
                "FROM orders GROUP BY 1), best AS (SELECT max(total) AS top FROM months) "
                "SELECT count(*) FROM months JOIN best ON months.total = best.top"
            ),
            1,
        ),
        ("SELECT count(*) FROM orders AS o JOIN orders AS p ON o.id = p.id AND o.day < p.day", 1),
        ("SELECT count(name) FROM orders o JOIN orders p USING (id, name)", 3),
        ("SELECT count(*) FROM orders o LEFT JOIN orders p ON o.id = p.id + 1, orders q", 9),
        ("SELECT count(*) FROM orders o WHERE o.id IN (SELECT p.id + 1 FROM orders p)", 2),
        (
            (
                "SELECT count(*) FROM orders o WHERE NOT EXISTS "
                "(SELECT 1 FROM orders p WHERE p.id = o.id AND p.day > o.day)"
            ),
            2,
        ),
        (
            (
                "SELECT count(*) FROM (SELECT id - lag(id, 1) OVER (PARTITION BY paid ORDER BY "
                "day) AS step, lead(id) OVER (ORDER BY day DESC) FROM orders) WHERE step > 0"
            ),
            1,
        ),
        (
            (
                "SELECT max(r) + max(s) + max(c) + max(k) FROM (SELECT row_number() OVER (ORDER BY "
                "day) AS r, sum(id) OVER (ORDER BY day ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) "
                "AS s, count(*) OVER () AS c, rank() OVER (ORDER BY id) AS k FROM orders)"
            ),
            3 + 4 + 3 + 2,
        ),
        ("FROM orders SELECT count(*)", 3),
        ("\n  SELECT count(*)\n  FROM orders\n  WHERE id\t=\r\n 1\n", 1),
        ("SELECT CAST(sum(amount) AS DOUBLE) / count(*)::BIGINT AS share FROM orders", 4 / 3),
    ],
)
def test_a_query_gives_its_number(
    query: str, number: float, connection: duckdb.DuckDBPyConnection
) -> None:
    (row,) = connection.execute(checked(query)).fetchall()
    assert [float(value) for value in row] == [pytest.approx(number)]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("SELECT count(*) FROM ${object}", 'SELECT count(*) FROM "orders"'),
        ("SELECT count(*) FROM {object}", 'SELECT count(*) FROM "orders"'),
        ("SELECT count(*) FROM ${table}", 'SELECT count(*) FROM "orders"'),
        ('SELECT count(*) FROM "{table}"', 'SELECT count(*) FROM "orders"'),
        ("SELECT max(${property}) FROM orders", 'SELECT max("say ""hi""") FROM orders'),
        ("SELECT max({property}) FROM orders", 'SELECT max("say ""hi""") FROM orders'),
        ("SELECT max(${column}) FROM orders", 'SELECT max("say ""hi""") FROM orders'),
        ('SELECT max("${column}") FROM orders', 'SELECT max("say ""hi""") FROM orders'),
        (
            "SELECT count({column}) FROM {table} WHERE name <> '{column}'",
            'SELECT count("say ""hi""") FROM "orders" WHERE name <> \'{column}\'',
        ),
    ],
)
def test_placeholders_stand_for_the_dataset_and_the_column(
    query: str, text: str, connection: duckdb.DuckDBPyConnection
) -> None:
    assert checked(query, 'say "hi"') == text
    assert checked(text) == text
    assert connection.execute(text).fetchall()


def test_a_dataset_and_a_column_may_have_the_name_of_a_word_of_sql() -> None:
    assert checked_query("SELECT count({column}) FROM {table}", "select", ["from"], "from") == (
        'SELECT count("from") FROM "select"'
    )


def test_a_name_of_a_column_cannot_end_the_text_it_is_put_into() -> None:
    name = "' OR (SELECT count(*) FROM secrets) > 0 --"
    query = "SELECT count(*) FROM orders WHERE {column} = 'x'"
    text = checked_query(query, "orders", [name], name)
    assert text == f"SELECT count(*) FROM orders WHERE \"{name}\" = 'x'"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        # other tables
        ("SELECT count(*) FROM customers", "table 'customers' is not allowed: a query reads"),
        ("SELECT count(*) FROM orders JOIN customers USING (id)", "table 'customers'"),
        ("SELECT count(*) FROM orders, customers", "table 'customers' is not allowed"),
        ("SELECT count(*) FROM orders WHERE id IN (SELECT id FROM customers)", "table 'customers'"),
        ("SELECT count(*) FROM 'file.csv'", "'file.csv': a name is not written in single quotes"),
        ("SELECT count(*) FROM orders, 'file.csv'", "'file.csv': a name is not written in single"),
        ('SELECT count(*) FROM "file.csv"', "table 'file.csv' is not allowed"),
        ("SELECT count(*) FROM 'orders'", "'orders': a name is not written in single quotes"),
        ("SELECT count(*) FROM main.orders", "'main.orders' is not allowed in a query (db)"),
        ("SELECT count(*) FROM memory.main.orders", "is not allowed in a query (db)"),
        ("SELECT count(*) FROM information_schema.tables", "is not allowed in a query (db)"),
        ("SELECT count(*) FROM duckdb_settings", "table 'duckdb_settings' is not allowed"),
        ("SELECT count(*) FROM sqlite_master", "table 'sqlite_master' is not allowed"),
        ("SELECT count(*) FROM order\u017f", "'\u017f' is not allowed in a query"),
        ('SELECT count(*) FROM "order\u017f"', "table 'order\u017f' is not allowed"),
        ('SELECT count("\u212aey") FROM orders', "unknown column '\u212aey'"),
        # table functions and functions that read or reveal something
        ("SELECT count(*) FROM read_csv('x.csv')", "function 'read_csv' is not allowed"),
        ("SELECT count(*) FROM read_parquet('x')", "function 'read_parquet' is not allowed"),
        ("SELECT count(*) FROM glob('*')", "function 'glob' is not allowed"),
        ("SELECT count(*) FROM query('SELECT 1')", "function 'query' is not allowed"),
        ("SELECT count(*) FROM query_table('orders')", "function 'query_table' is not allowed"),
        ("SELECT count(*) FROM duckdb_settings()", "function 'duckdb_settings' is not allowed"),
        ("SELECT count(*) FROM range(10)", "function 'range' is not allowed"),
        ("SELECT count(*) FROM orders, unnest(id)", "function 'unnest' is not allowed"),
        ("SELECT getenv('HOME') FROM orders", "function 'getenv' is not allowed"),
        ("SELECT current_setting('threads') FROM orders", "function 'current_setting' is not"),
        ("SELECT max(read_text('x')) FROM orders", "function 'read_text' is not allowed"),
        ("SELECT count(COLUMNS(*)) FROM orders", "function 'columns' is not allowed"),
        ("SELECT \"read_csv\"('x') FROM orders", 'function "read_csv" in quotes is not allowed'),
        ("SELECT main.lower(name) FROM orders", "(Dot) is not allowed"),
        ("SELECT max(name.lower()) FROM orders", "(Dot) is not allowed"),
        ("SELECT string_agg(name) FROM orders", "function 'string_agg' is not allowed"),
        ("SELECT sum(n) FROM orders PIVOT (count(*) FOR id IN (1))", "function 'pivot' is not"),
        ("SELECT count(*) FROM orders AT (VERSION => 1)", "function 'at' is not allowed"),
        ("SELECT count(*) FROM (VALUES (1))", "function 'values' is not allowed"),
        ("SELECT count(*) FROM orders, LATERAL (SELECT 1)", "function 'lateral' is not allowed"),
        ("SELECT sum(c) FROM (SELECT 1 AS c FROM orders GROUP BY CUBE (id))", "function 'cube'"),
        # the clock, chance, the session
        ("SELECT sum(random()) FROM orders", "'random' is not allowed: a replay must give"),
        ("SELECT count(*) FROM orders WHERE day < now()", "'now' is not allowed: a replay"),
        ("SELECT count(*) FROM orders WHERE day < current_date", "'current_date' is not allowed"),
        ("SELECT count(*) FROM orders WHERE name = current_user", "'current_user()' is not"),
        (
            "SELECT count(user) FROM orders",
            'the name user is a function in SQL; write it as "user"',
        ),
        (
            "SELECT count(*) FROM orders TABLESAMPLE 10 PERCENT",
            "is not allowed in a query (sample)",
        ),
        ("SELECT count(*) FROM orders USING SAMPLE 10", "is not allowed in a query (sample)"),
        # lists, lambdas, structs, parameters, other literals
        ("SELECT max(x -> x + 1) FROM orders", "is not allowed in a query"),
        ("SELECT sum([id]) FROM orders", "'[id])' is not allowed in a query"),
        ("SELECT count(lambda x : x) FROM orders", "':' is not allowed in a query"),
        ("SELECT count({'a': id}) FROM orders", "'{'a':' is not allowed in a query"),
        ("SELECT count(*) FROM orders WHERE id = $1", "'$1' is not allowed in a query"),
        ("SELECT count(*) FROM orders WHERE id = ?", "'?' is not allowed in a query"),
        ("SELECT count(#1) FROM orders", "'#1)' is not allowed in a query"),
        ("SELECT count(*) FROM orders WHERE name = $$a$$", "'$$a$$' is not allowed"),
        ("SELECT count(*) FROM orders WHERE name = e'\\''", "is not allowed in a query"),
        ("SELECT count(*) FROM orders WHERE name = U&'a'", "is not allowed in a query"),
        ("SELECT count(*) FROM orders WHERE name = x'61'", "is not allowed in a query"),
        ("SELECT count(*) FROM orders WHERE name = 'a' 'b'", "two texts stand side by side"),
        ("SELECT count(*) FROM orders WHERE name = 'a\n", "is a quote left open?"),
        ("SELECT count(*) FROM orders WHERE \"name = 'a'", "is a quote left open?"),
        ("SELECT count(*) FROM orders WHERE name = 'a\0b'", "is a quote left open?"),
        ("SELECT count(*)\u00a0FROM orders", "is not allowed in a query"),
        ("SELECT count(*) FROM orders WHERE id = 0x10", "'0x10' is not allowed in a query"),
        ("SELECT CAST(max(name) AS BLOB) FROM orders", "cast to 'BLOB' is not allowed"),
        ("SELECT count(*) FROM orders WHERE regexp_matches(name, '(?=a)')", "is no regular expr"),
        ("SELECT count(*) FROM orders WHERE regexp_matches(name, name)", "must be a fixed text"),
        # other statements, more statements, comments
        ("SELECT count(*) FROM orders;", "comments and ';' are not allowed; write one query"),
        ("SELECT count(*) FROM orders; DROP TABLE x", "comments and ';' are not allowed"),
        ("SELECT count(*) FROM orders -- x", "comments and ';' are not allowed"),
        ("SELECT count(*) /* x */ FROM orders", "comments and ';' are not allowed"),
        ("SELECT /*+ x */ count(*) FROM orders", "comments and ';' are not allowed"),
        ("SELECT count(*) FROM orders UNION SELECT 1", "expected one SELECT of one number"),
        ("SELECT count(*) FROM (SELECT 1 UNION SELECT id FROM orders)", "UNION, INTERSECT and"),
        ("SET memory_limit = '1GB'", "expected one SELECT of one number"),
        ("COPY orders TO 'x.csv'", "expected one SELECT of one number"),
        ("ATTACH 'x.db'", "expected one SELECT of one number"),
        ("INSTALL httpfs", "expected one SELECT of one number"),
        ("LOAD httpfs", "expected one SELECT of one number"),
        ("PRAGMA database_list", "expected one SELECT of one number"),
        ("CALL pragma_version()", "expected one SELECT of one number"),
        ("EXPLAIN SELECT count(*) FROM orders", "expected one SELECT of one number"),
        ("DESCRIBE orders", "expected one SELECT of one number"),
        ("INSERT INTO orders SELECT 1", "expected one SELECT of one number"),
        ("CREATE TABLE x AS SELECT 1", "expected one SELECT of one number"),
        ("(SELECT count(*) FROM orders)", "expected one SELECT of one number"),
        ("SELECT count(*) INTO x FROM orders", "is not allowed in a query (into)"),
        ("", "expected one SELECT of one number"),
        ("SELECT", "the query does not read orders"),
        ("SELECT count( FROM orders", "cannot be parsed as an SQL query"),
        # WITH
        ("WITH orders AS (SELECT 1 AS id) SELECT count(*) FROM orders", "name 'orders' is taken"),
        ("WITH a AS (SELECT id FROM a) SELECT count(*) FROM a", "table 'a' is not allowed"),
        (
            "WITH a AS (SELECT id FROM b), b AS (SELECT id FROM orders) SELECT count(*) FROM a",
            "table 'b' is not allowed",
        ),
        (
            "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n FROM a) SELECT sum(n) FROM a",
            "is not allowed in a query (recursive)",
        ),
        (
            (
                "SELECT count(*) FROM (WITH duckdb_settings AS (SELECT id FROM orders) "
                "SELECT id FROM duckdb_settings), duckdb_settings"
            ),
            "WITH stands at the beginning of the query only",
        ),
        ("WITH a AS (SELECT 1 AS id) SELECT sum(id) FROM a", "the query does not read orders"),
        # joins and clauses
        ("SELECT count(*) FROM orders NATURAL JOIN orders p", "is not allowed in a query (method)"),
        ("SELECT count(*) FROM orders POSITIONAL JOIN orders p", "is not allowed in a query (meth"),
        ("SELECT count(*) FROM orders o ASOF JOIN orders p ON o.id > p.id", "in a query (method)"),
        ("SELECT count(*) FROM orders JOIN orders ON true", "'orders' stands there twice"),
        ("SELECT count(*) FROM orders o JOIN orders p ON true WHERE id = 1", "in several tables"),
        ("SELECT count(*) FROM orders x(a)", "function 'x' is not allowed"),
        ("SELECT count(*) FROM orders LIMIT 1", "is not allowed in a query (limit)"),
        ("SELECT count(*) FROM orders ORDER BY 1", "is not allowed in a query (order)"),
        ("SELECT count(*) FROM orders QUALIFY true", "is not allowed in a query (qualify)"),
        ("SELECT count(*) FROM orders WINDOW w AS (ORDER BY id)", "in a query (windows)"),
        ("SELECT count(*) FROM (SELECT DISTINCT ON (id) id FROM orders)", "in a query (on)"),
        ("SELECT count(*) FROM orders WHERE id IN orders", "is not allowed in a query (field)"),
        ("SELECT lag(id) FROM orders", "'LAG(id)' needs OVER (ORDER BY ...)"),
        # columns
        ("SELECT count(nam) FROM orders", "unknown column 'nam'. Did you mean 'name'?"),
        ("SELECT count(_record) FROM orders", "unknown column '_record'"),
        ("SELECT count(rowid) FROM orders", "unknown column 'rowid'"),
        ("SELECT count(orders) FROM orders", "unknown column 'orders'"),
        ("SELECT count(o.orders.id) FROM orders", "write the column's name alone or after its"),
        ("SELECT count(o.id) FROM orders", "unknown table 'o' before 'id'"),
        ("SELECT count(orders.id) FROM orders o", "unknown table 'orders' before 'id'"),
        ("SELECT count(größe) FROM orders", "other names are written in double quotes"),
        ("SELECT sum(n) FROM (SELECT id AS m FROM orders)", "unknown column 'n'"),
        ("SELECT sum(name) FROM (SELECT id FROM orders)", "unknown column 'name'"),
        ("SELECT count(orders.*) FROM orders", "'*' stands in count(*) only"),
        ("SELECT count(*) FROM (SELECT * FROM orders)", "'*' stands in count(*) only"),
        # one number
        ("SELECT * FROM orders", "'*' stands in count(*) only; name the columns"),
        ("FROM orders", "'*' stands in count(*) only; name the columns"),
        ("SELECT 1", "the query does not read orders; write FROM orders"),
        ("SELECT 1 FROM orders", "the query gives a row per record"),
        ("SELECT id FROM orders", "'id' has a value per record; put it in count, sum or max"),
        ("SELECT id + count(*) FROM orders", "'id' has a value per record"),
        ("SELECT (SELECT count(*) FROM orders) FROM orders o", "the query gives a row per record"),
        ("SELECT count(*), 1 FROM orders", "the query selects 2 values; expected one number"),
        ("SELECT count(*) FROM orders GROUP BY id", "GROUP BY gives a row per group"),
        ("SELECT sum(id) OVER () FROM orders", "OVER gives a row per record"),
        ("SELECT count(*) FROM {tabel}", "unknown placeholder '{tabel}'. Did you mean 'table'?"),
        ("SELECT count({column}) FROM orders", "'{column}' stands for a column; write the rule at"),
    ],
)
def test_what_a_query_may_not_ask_is_refused(query: str, message: str) -> None:
    assert message in refusal(query)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (f"SELECT {'(' * 41}count(*){')' * 41} FROM orders", "brackets nest more than 40 deep"),
        (f"SELECT {'- ' * 3000}count(*) FROM orders", "the query is nested too deep"),
        (f"SELECT {'NOT ' * 2000}bool_or(paid) FROM orders", "the query is nested too deep"),
        (f"SELECT {'1 + ' * 900}count(*) FROM orders", "the query is nested too deep"),
        (f"SELECT {'case when true then ' * 400}1 FROM orders", "the query is nested too deep"),
        (f"SELECT count(*) FROM orders WHERE name = '{'x' * MAX_LENGTH}'", "longer than 10,000"),
    ],
)
def test_a_query_that_is_too_deep_or_too_long_is_refused(query: str, message: str) -> None:
    assert message in refusal(query)


def test_a_long_chain_of_conditions_runs(connection: duckdb.DuckDBPyConnection) -> None:
    chain = " OR ".join(f"id = {number}" for number in range(600))
    query = checked(f"SELECT count(*) FROM orders WHERE {chain}")
    assert connection.execute(query).fetchall() == [(3,)]
    deep = checked(f"SELECT {'1 + ' * 400}count(*) FROM orders")
    assert connection.execute(deep).fetchall() == [(403,)]


@pytest.mark.parametrize("name", sorted(AGGREGATES | FUNCTIONS))
def test_no_allowed_function_gives_two_answers(
    name: str, connection: duckdb.DuckDBPyConnection
) -> None:
    rows = connection.execute(
        "SELECT function_type, stability FROM duckdb_functions() WHERE function_name = ?", [name]
    ).fetchall()
    assert {kind for kind, _ in rows} <= {"scalar", "aggregate", "macro", "window"}
    assert {stability for _, stability in rows} <= {"CONSISTENT", None}
