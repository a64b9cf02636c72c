"""SQL of a contract: what it may use, and that rendering keeps its meaning in DuckDB."""

import re
from collections.abc import Iterator

import duckdb
import pytest

from lakehouse_pipeline.contracts.expressions import (
    check_condition,
    check_expression,
    render,
)
from lakehouse_pipeline.contracts.sql_text import FUNCTIONS, MAX_DEPTH, MAX_LENGTH

COLUMNS = ("name", "amount", "Total", "day", "odd name", 'say "hi"')
CALLS = {
    "abs": "abs(amount)",
    "ceil": "ceil(amount)",
    "ceiling": "ceiling(amount)",
    "floor": "floor(amount)",
    "round": "round(amount, 1)",
    "sign": "sign(amount)",
    "trunc": "trunc(amount)",
    "mod": "mod(amount, 2)",
    "greatest": "greatest(amount, 1, Total)",
    "least": "least(amount, 1)",
    "coalesce": "coalesce(name, 'none')",
    "ifnull": "ifnull(amount, 1)",
    "nullif": "nullif(name, '')",
    "lower": "lower(name)",
    "upper": "upper(name)",
    "lcase": "lcase(name)",
    "ucase": "ucase(name)",
    "trim": "trim(name, 'C')",
    "ltrim": "ltrim(name)",
    "rtrim": "rtrim(name)",
    "length": "length(name)",
    "len": "len(name)",
    "strlen": "strlen(name)",
    "substr": "substr(name, 2, 3)",
    "substring": "substring(name, 2)",
    "left": "left(name, 2)",
    "right": "right(name, 2)",
    "concat": "concat(name, '-', amount)",
    "replace": "replace(name, 'C', 'D')",
    "reverse": "reverse(name)",
    "position": "position('4' in name)",
    "strpos": "strpos(name, '4')",
    "instr": "instr(name, '4')",
    "starts_with": "starts_with(name, 'C')",
    "ends_with": "ends_with(name, '1')",
    "prefix": "prefix(name, 'C')",
    "suffix": "suffix(name, '1')",
    "contains": "contains(name, '3')",
    "regexp_matches": "regexp_matches(name, '[0-9]{2}')",
    "regexp_full_match": "regexp_full_match(name, 'C[0-9]+')",
    "year": "year(day)",
    "month": "month(day)",
    "day": "day(day)",
    "hour": "hour(day)",
    "minute": "minute(day)",
    "second": "second(day)",
    "quarter": "quarter(day)",
    "week": "week(day)",
    "dayofweek": "dayofweek(day)",
    "dayofyear": "dayofyear(day)",
    "isodow": "isodow(day)",
    "date_part": "date_part('year', day)",
    "date_trunc": "date_trunc('month', day)",
    "date_diff": "date_diff('day', DATE '2020-01-01', day)",
    "datediff": "datediff('day', DATE '2020-01-01', day)",
    "extract": "extract(year FROM day)",
    "cast": "cast(amount AS VARCHAR)",
    "try_cast": "try_cast(name AS INTEGER)",
}
SYNTAX = [
    "name LIKE 'C%'",
    "name NOT LIKE '_4%'",
    "name ILIKE 'c%'",
    "name LIKE '10!%' ESCAPE '!'",
    "amount / 2",
    "amount // 2",
    "7 / 2",
    "7 // 2",
    "-7 // 2",
    "7 % 4",
    "amount + Total * 2 - 1",
    "-amount",
    "amount BETWEEN 1 AND 9",
    "amount NOT BETWEEN 1 AND 9",
    "name IN ('C41', 'x')",
    "amount IN (1, -2.5)",
    "name NOT IN ('C41')",
    "name IS NULL",
    "name IS NOT NULL OR amount = 1",
    "amount IS DISTINCT FROM Total",
    "name || '-' || name",
    "'it''s' || name",
    r"regexp_matches(name, '^C\d+$')",
    r"name = 'a\'",
    "CASE WHEN amount > 1 THEN name ELSE 'low' END",
    "CASE name WHEN 'C41' THEN 1 END",
    "amount::VARCHAR || 'x'",
    "TRY_CAST(name AS INTEGER) IS NULL",
    "CAST('2020-01-02' AS DATE) < day",
    "day >= DATE '2020-01-01'",
    "day > TIMESTAMP '2020-01-01 10:00:00'",
    "day + INTERVAL 1 DAY > DATE '2020-03-02'",
    "TRUE AND NOT FALSE",
    "amount > 1e0 AND amount <> 3",
    '"odd name" = 1 OR "say ""hi""" = 2',
    "NAME = 'C41' AND total > 1",
    "amount = 1_000",
    "(amount > 1) = (Total > 1)",
]
TARGETS = {column: f"t{i}" for i, column in enumerate(COLUMNS)}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for table, names in (("plain", COLUMNS), ("renamed", tuple(TARGETS.values()))):
            columns = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
            connection.execute(
                f"CREATE TABLE {table} AS SELECT * FROM (VALUES "
                "('C41', 2.5::DOUBLE, 3::BIGINT, TIMESTAMPTZ '2020-03-01 10:20:30+00', 1, 2), "
                "('10%', -1.0, 7, TIMESTAMPTZ '1999-12-31 23:59:59+00', 2, 1), "
                r"('a\', 3.0, 3, NULL, 0, 0), (NULL, NULL, NULL, NULL, NULL, NULL)) "
                f"AS t({columns})"
            )
        yield connection


def test_every_allowed_function_is_tried_here() -> None:
    assert set(CALLS) == FUNCTIONS


@pytest.mark.parametrize("sql", [*CALLS.values(), *SYNTAX])
def test_rendering_keeps_the_result(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    expected = connection.execute(f"SELECT {sql} FROM plain").fetchall()
    rendered = render(sql, TARGETS)
    assert connection.execute(f"SELECT {rendered} FROM renamed").fetchall() == expected


def test_rendering_replaces_each_column_and_nothing_else() -> None:
    sql = "name = 'name' AND \"Name\" LIKE 'C%'  OR  amount//2 > \"odd name\""
    targets = {"name": "t0", "amount": '"a b"', "odd name": "f(x)"}
    assert render(sql, targets) == "t0 = 'name' AND t0 LIKE 'C%'  OR  \"a b\"//2 > f(x)"


def test_the_columns_are_named_once_and_in_the_order_of_the_text() -> None:
    sql = 'TOTAL > amount OR total IS NULL OR "Odd Name" = name'
    assert check_expression(sql, COLUMNS) == ("Total", "amount", "odd name", "name")


def test_a_column_may_have_the_name_of_a_function() -> None:
    assert check_expression("date > '2020' AND left = value", ("date", "left", "value")) == (
        "date",
        "left",
        "value",
    )


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "amout > 1",
            "unknown column 'amout'. Did you mean 'amount'? Text is written in single quotes",
        ),
        ('name = "C41"', "unknown column 'C41'. Text is written in single quotes"),
        ("", "the expression is empty"),
        ("-- nothing", "the expression is empty"),
        ("amount >", "cannot be parsed as an SQL expression: "),
        ("amount > 1)", "cannot be parsed as an SQL expression: "),
        ("name = 'x", "cannot be read as SQL: is a quote left open?"),
        ("amount > 1; DROP TABLE x", "comments and ';' are not allowed; write one expression"),
        ("amount > 1;", "comments and ';' are not allowed; write one expression"),
        ("amount > 1 -- really", "comments and ';' are not allowed; write one expression"),
        ("/* x */ amount > 1", "comments and ';' are not allowed; write one expression"),
        ("amount /* x */ > 1", "comments and ';' are not allowed; write one expression"),
        ("amount, name", "cannot be parsed as an SQL expression: "),
        ("amount AS b", "an alias (AS) is not allowed in an expression"),
        ("SELECT 1", "a query inside an expression is not allowed"),
        ("amount > (SELECT 1)", "a query inside an expression is not allowed"),
        ("EXISTS (SELECT 1)", "function 'exists' is not allowed."),
        ("amount IN (SELECT 1)", "IN takes a list of values in brackets, as in IN ('a', 'b')"),
        ("amount IN Total", "IN takes a list of values in brackets, as in IN ('a', 'b')"),
        ("amount IN (Total)", "IN takes fixed values only, as in IN ('a', 'b')"),
        ("DROP TABLE x", "'DROP TABLE x' (Drop) is not allowed in an expression"),
        ("sum(amount) > 1", "function 'sum' is not allowed."),
        ("amount > max(amount) OVER ()", "function 'max' is not allowed."),
        (
            "lower(name) OVER () = 'x'",
            "'LOWER(name) OVER ()' looks at other records; an expression sees one record",
        ),
        ("read_csv('x') IS NULL", "function 'read_csv' is not allowed."),
        ("\"read_csv\"('x') IS NULL", 'function "read_csv" in quotes is not allowed'),
        ("getenv('HOME') = name", "function 'getenv' is not allowed."),
        ("query_table('x')", "function 'query_table' is not allowed."),
        (
            "uper(name) = 'X'",
            "function 'uper' is not allowed. Did you mean 'upper'? Allowed: abs, ",
        ),
        (
            "day < current_date",
            (
                "'current_date' is not allowed: a replay must give the same result "
                "as the first run. Compare with a fixed date or another column"
            ),
        ),
        ("day < current_timestamp", "'current_timestamp' is not allowed: a replay must"),
        ("day < now()", "'now' is not allowed: a replay must give the same result"),
        ("day < today()", "'today' is not allowed: a replay must give the same result"),
        ("random() > 0.5", "'random' is not allowed: a replay must give the same result"),
        ("list_filter([1], x -> x > 1)", "function 'list_filter' is not allowed."),
        ("name -> 'x'", "'name -> '$.x'' (JSONExtract) is not allowed in an expression"),
        ("amount = ANY([1])", "function 'any' is not allowed."),
        ("[1, 2] = [amount]", "'[1, 2]' (Array) is not allowed in an expression"),
        ("{'a': 1} = name", "(Struct) is not allowed in an expression"),
        ("name[1] = 'C'", "'name[1]' (Bracket) is not allowed in an expression"),
        ("raw.amount > 1", "'raw.amount': write the column's name alone"),
        ("name.lower() = 'x'", "'name.lower()' (Dot) is not allowed in an expression"),
        ("COLUMNS('a') > 1", "function 'columns' is not allowed."),
        ("* > 1", "'*' (Star) is not allowed in an expression"),
        ("$1 = amount", "(Placeholder) is not allowed in an expression"),
        ("? = amount", "(Placeholder) is not allowed in an expression"),
        ("#1 > 0", "(PositionalColumn) is not allowed in an expression"),
        ("amount::JSON = 1", "cast to 'JSON' is not allowed"),
        ("amount::nonsense = 1", "cast to 'nonsense' is not allowed"),
        ("amount::INT[] = 1", "cast to 'INT[]' is not allowed"),
        ("$$x$$ = name", "(RawString) is not allowed in an expression"),
        ("e'x' = name", "(ByteString) is not allowed in an expression"),
        ("name = 'a' 'b'", "two texts stand side by side; join them with ||"),
        ("regexp_matches(name, '(')", "'(' is no regular expression of RE2: missing ): ("),
        ("regexp_full_match(name, '[')", "'[' is no regular expression of RE2: missing ]: ["),
        ("regexp_matches(name, name)", "a regular expression must be a fixed text"),
        ("name COLLATE nocase = 'x'", "(Collate) is not allowed in an expression"),
        ("amount & 1 = 1", "(BitwiseAnd) is not allowed in an expression"),
    ],
)
def test_what_a_contract_may_not_use_is_refused_with_the_reason(sql: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        check_expression(sql, COLUMNS)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1), "brackets nest more than 40 deep"),
        ("(" * 100_000, "the expression is longer than 10,000 characters"),
        ("NOT " * 2_000 + "TRUE", "the expression is nested too deep"),
        ("- " * 4_000 + "1", "the expression is nested too deep"),
        ("1 + " * MAX_LENGTH + "1", "the expression is longer than 10,000 characters"),
    ],
)
def test_an_expression_that_would_exhaust_the_parser_is_refused(sql: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        check_expression(sql, COLUMNS)


def test_a_long_list_of_values_is_taken() -> None:
    values = ", ".join(f"'{i}'" for i in range(1_000))
    assert check_expression(f"name IN ({values})", COLUMNS) == ("name",)


def test_a_long_chain_of_conditions_is_taken() -> None:
    chain = " OR ".join(f"amount = {i}" for i in range(300))
    assert check_condition(chain, COLUMNS) == ("amount",)


@pytest.mark.parametrize(
    "sql",
    [
        "amount > 1",
        "(amount > 1)",
        "NOT paid",
        "paid",
        "(paid)",
        "name LIKE 'C%'",
        "name LIKE 'C!%' ESCAPE '!'",
        "name IN ('a')",
        "name IS NULL",
        "starts_with(name, 'C')",
        "regexp_full_match(name, 'C')",
        "regexp_matches(name, 'C')",
        "CASE WHEN amount > 1 THEN TRUE ELSE paid END",
        "coalesce(paid, TRUE)",
        "CAST(name AS BOOLEAN)",
        "amount BETWEEN 1 AND 2",
        "amount IS DISTINCT FROM 3",
    ],
)
def test_a_condition_is_true_or_false(sql: str) -> None:
    assert check_condition(sql, ("name", "amount", "paid"), ("paid",))


@pytest.mark.parametrize("sql", ["amount", "amount + 1", "lower(name)", "'yes'", "-amount", "1"])
def test_a_value_is_no_condition(sql: str) -> None:
    with pytest.raises(ValueError, match="the expression is not true or false; compare it with"):
        check_condition(sql, COLUMNS)


def test_an_unchecked_expression_is_never_rendered() -> None:
    with pytest.raises(ValueError, match="function 'read_csv' is not allowed"):
        render("read_csv('x') = name", {"name": "t0"})
