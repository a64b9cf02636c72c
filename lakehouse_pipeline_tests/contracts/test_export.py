"""Every format a contract is exported in, used as its readers use it."""

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pandera.errors
import pytest
import sqlglot

from lakehouse_pipeline.contracts.check_modules import load_check_modules
from lakehouse_pipeline.contracts.export.html import html
from lakehouse_pipeline.contracts.export.json_schema import json_schema
from lakehouse_pipeline.contracts.export.pandera_script import pandera_script
from lakehouse_pipeline.contracts.export.sql_ddl import Dialect, sql_ddl
from lakehouse_pipeline.contracts.model import (
    Contract,
    Deletes,
    Expression,
    ForeignKey,
    Freshness,
    Limit,
    Metric,
    PanderaCheck,
    Privacy,
    SqlRule,
)
from lakehouse_pipeline.contracts.pandas_frames import pandas_dtype
from lakehouse_pipeline.contracts.pandera_schema import published_schema
from lakehouse_pipeline.contracts.published import published_columns, stored_type
from lakehouse_pipeline.names import SYSTEM_COLUMNS
from lakehouse_pipeline_tests.contracts.contract_text import contract_of

COLUMNS = """\
      - {name: id, logicalType: integer, required: true, description: "the order's number",
         logicalTypeOptions: {minimum: 1, multipleOf: 2}}
      - name: email
        logicalType: string
        classification: personal
        customProperties: [{property: anonymize, value: {technique: hash}}]
      - name: phone
        logicalType: string
        classification: personal
        customProperties: [{property: anonymize, value: {technique: drop}}]
      - name: iban
        logicalType: string
        required: true
        classification: personal
        customProperties: [{property: anonymize, value: {technique: mask, keepLast: 4}}]
      - {name: amount, logicalType: number, physicalType: "DECIMAL(38,10)",
         logicalTypeOptions: {exclusiveMinimum: 0.0000000001, maximum: 2e28, multipleOf: 0.0000000003}}
      - {name: rate, logicalType: number, logicalTypeOptions: {multipleOf: 0.1, exclusiveMaximum: 1}}
      - {name: paid, logicalType: boolean, enum: [{value: true}]}
      - {name: day, logicalType: date, enum: [{value: 29.02.2024}, {value: 01.03.2024}],
         logicalTypeOptions: {format: dd.MM.yyyy, minimum: 2024-02-29}}
      - {name: at, logicalType: timestamp, logicalTypeOptions: {maximum: "2024-01-01T00:00:00Z"}}
      - {name: clock, logicalType: time, logicalTypeOptions: {minimum: "08:00"}, enum: [{value: "08:00"}, {value: "09:00"}]}
      - {name: shift, logicalType: time, logicalTypeOptions: {format: "hh:mma", exclusiveMaximum: "05:00PM"}}
      - {name: mail, logicalType: string, logicalTypeOptions: {format: email, maxLength: 9}}
      - {name: code, logicalType: string, enum: [{value: "it's"}, {value: "\\"q\\""}],
         logicalTypeOptions: {pattern: "^(?:it|\\")", minLength: 3}}
"""  # noqa: E501 - one column a line
GOOD: dict[str, Any] = {
    "id": 2,
    "email": "0f" * 32,
    "iban": "****1234",
    "amount": Decimal("1234567890123456789012345678.0123456789") // 3 * 3,
    "rate": 0.3,
    "paid": True,
    "day": dt.date(2024, 2, 29),
    "at": dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
    "clock": "08:00:00",
    "shift": "04:59pm",
    "mail": "a@b.de",
    "code": "it's",
}
BAD: dict[str, tuple[Any, str]] = {
    "id": (3, "id.multipleOf"),
    "email": ("ann@example.org", "email.pattern"),
    "amount": (Decimal("0.0000000002"), "amount.multipleOf"),
    "rate": (0.35, "rate.multipleOf"),
    "paid": (False, "paid.enum"),
    "day": (dt.date(2024, 3, 2), "day.enum"),
    "at": (dt.datetime(2024, 1, 2, tzinfo=dt.UTC), "at.maximum"),
    "clock": ("07:59", "clock.minimum"),
    "shift": ("05:00PM", "shift.exclusiveMaximum"),
    "mail": ("a b@c.de", "mail.format"),
    "code": ("xx", "code.pattern"),
}
BAD_SQL = {name: bad for name, bad in BAD.items() if name != "shift"}


def contract_with_everything() -> Contract:
    load_check_modules(["lakehouse_pipeline_tests.contracts.shop_checks"])
    text = COLUMNS.replace("2e28", "2" + "0" * 27)
    contract = contract_of(text, "", "description: {purpose: 'Orders <b>we</b> got'}\n")
    return replace(
        contract,
        expressions=(
            Expression("shifts", "clock < TIME '12:00' OR paid", ("clock", "paid")),
            Expression("has_phone", "phone IS NOT NULL", ("phone",)),
        ),
        foreign_keys=(ForeignKey("id.foreignKey", ("id",), "shops", ("shop",)),),
        pandera_checks=(
            PanderaCheck("even", "is_even", ("id",)),
            PanderaCheck("times", "at_most_times", ("id", "rate"), {"factor": 9}),
        ),
        metrics=(Metric("rows", "rowCount", (Limit("mustBeGreaterThan", (0,)),)),),
        sql_rules=(SqlRule("total", "SELECT sum(rate) FROM orders", (Limit("mustBe", (1,)),)),),
        freshness=Freshness(86400.0, 7200.0),
        retention={"raw": 30},
        owners=("sales",),
    )


def published(contract: Contract, *records: dict[str, Any]) -> pd.DataFrame:
    types = {c.name: stored_type(c) for c in published_columns(contract)}
    types |= SYSTEM_COLUMNS
    system = {"_batch_id": "b", "_released": False}
    cells = [{"_record": n, **system, **record} for n, record in enumerate(records, 1)]
    return pd.DataFrame(
        {n: pd.Series([c.get(n) for c in cells], dtype=pandas_dtype(t)) for n, t in types.items()}
    )


NULLS = {"id": 4, "iban": "****"}


def script_schema(contract: Contract) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(pandera_script(contract), "orders_schema.py", "exec"), names)  # noqa: S102 - ours
    return names


def broken(validate: Any, frame: pd.DataFrame) -> set[str]:  # noqa: ANN401 - of a script
    try:
        validate(frame)
    except pandera.errors.SchemaErrors as errors:
        return set(errors.failure_cases["check"])
    return set()


def test_the_script_judges_a_frame_as_the_schema_does() -> None:
    contract = contract_with_everything()
    validate = script_schema(contract)["validate"]
    schema = published_schema(contract, exempt_released=False)

    def judged(frame: pd.DataFrame) -> set[str]:
        found = broken(validate, frame)
        assert found == broken(lambda f: schema.validate(f, lazy=True), frame)
        return found

    assert judged(published(contract, GOOD, NULLS)) == set()
    for name, (bad, rule) in BAD.items():
        assert rule in judged(published(contract, {**GOOD, name: bad}))
    assert judged(published(contract, {**GOOD, "id": None})) == {"not_nullable"}
    assert judged(published(contract, {**GOOD, "rate": 20.1})) >= {"times"}


def test_the_script_leaves_out_records_that_were_released() -> None:
    contract = contract_with_everything()
    frame = published(contract, {**GOOD, "id": 3, "_released": True}, GOOD)
    assert script_schema(contract)["validate"](frame)["id"].tolist() == [2]


def test_the_script_promises_the_types_of_the_schema() -> None:
    contract = contract_with_everything()
    made, schema = script_schema(contract)["schema"], published_schema(contract)
    assert {n: c.dtype for n, c in made.columns.items()} == {
        n: c.dtype for n, c in schema.columns.items()
    }


def test_the_script_runs_by_itself_and_warns_of_what_only_warns(tmp_path: Path) -> None:
    contract = contract_of(
        "      - {name: a, logicalType: integer, required: true, unique: true}\n"
    )
    column = replace(
        contract.columns[0],
        warns=frozenset({"required", "minimum"}),
        minimum="5",
        unique_scope="dataset",
    )
    contract = replace(contract, columns=(column,))
    file = tmp_path / "orders_schema.py"
    file.write_text(pandera_script(contract), "utf-8")
    file.with_name("job.py").write_text(
        "import warnings\n"
        "from orders_schema import pd, validate\n"
        "frame = pd.DataFrame({'a': [1, None, 9], '_released': False, '_record': [1, 2, 3],"
        " '_batch_id': 'b'})\n"
        "frame = frame.astype({'a': 'Int64', '_record': 'Int64', '_batch_id': 'string[pyarrow]',"
        " '_released': 'boolean'})\n"
        "with warnings.catch_warnings(record=True) as told:\n"
        "    warnings.simplefilter('always')\n"
        "    print(len(validate(frame)))\n"
        "told = str([warning.message for warning in told])\n"
        "print([rule for rule in ('a.minimum', 'a.required') if rule in told])\n"
        "try:\n"
        "    validate(frame.assign(a=9).astype(frame.dtypes))\n"
        "except Exception as error:\n"
        "    print(type(error).__name__)\n",
        "utf-8",
    )
    done = subprocess.run(
        [sys.executable, "job.py"], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert (done.stdout.split("\n"), done.stderr) == (
        ["3", "['a.minimum', 'a.required']", "SchemaErrors", ""],
        "",
    )


def test_a_composite_key_of_an_upsert_is_in_the_script() -> None:
    contract = contract_of()
    columns = tuple(
        replace(column, primary_key_position=n) for n, column in enumerate(contract.columns[:2], 1)
    )
    publish = replace(contract.publish, mode="upsert")
    contract = replace(contract, columns=columns, publish=publish)
    validate = script_schema(contract)["validate"]
    one = {"id": 1, "email": "x"}
    assert broken(validate, published(contract, one, {**one, "email": "y"}, {"id": 1})) == set()
    assert broken(validate, published(contract, one, one)) == {"primaryKey"}


@contextmanager
def table(contract: Contract) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'")
        connection.execute(sql_ddl(contract))
        yield connection


def insert(connection: duckdb.DuckDBPyConnection, record: dict[str, Any]) -> None:
    given = {"_record": 1, "_batch_id": "b", "_released": False, **record}
    names = ", ".join(f'"{name}"' for name in given)
    sql = f'INSERT INTO "orders" ({names}) VALUES ({", ".join("?" * len(given))})'
    connection.execute(sql, list(given.values()))


def test_duckdb_makes_the_table_and_enforces_the_rules() -> None:
    contract = contract_with_everything()
    with table(contract) as connection:
        insert(connection, GOOD)
        insert(connection, {**NULLS, "_record": 2})
        for name, (bad, _) in BAD_SQL.items():
            with pytest.raises(duckdb.ConstraintException):
                insert(connection, {**GOOD, name: bad, "_record": 3})
        with pytest.raises(duckdb.ConstraintException):
            insert(connection, {**GOOD, "id": None, "_record": 3})
        with pytest.raises(duckdb.ConstraintException):
            insert(connection, {**GOOD, "clock": "13:00", "paid": None, "_record": 3})
        with pytest.raises(duckdb.ConstraintException):
            insert(connection, GOOD)
        insert(connection, {**GOOD, "id": 3, "_record": 3, "_released": True})
        stored = dict(connection.sql('SELECT * FROM "orders"').description[i][:2] for i in range(2))
        assert {name: str(kind) for name, kind in stored.items()} == {
            "id": "BIGINT",
            "email": "VARCHAR",
        }


def test_the_constraints_bear_the_names_of_the_rules_and_the_columns_have_comments() -> None:
    contract = contract_with_everything()
    text = sql_ddl(contract)
    for _, rule in BAD_SQL.values():
        assert f'CONSTRAINT "{rule}" CHECK' in text
    assert "phone" not in text
    with table(contract) as connection:
        sql = "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'orders'"
        comments = dict(connection.execute(sql).fetchall())
    assert comments["id"] == "the order's number; always has a value; at least 1; a multiple of 2"
    assert comments["iban"] == "always has a value; masked with *, except the last 4 characters"


@pytest.mark.parametrize("dialect", ["postgres", "spark", "trino"])
def test_other_dialects_parse_as_their_own(dialect: Dialect) -> None:
    text = sql_ddl(contract_with_everything(), dialect)
    statements = sqlglot.parse(text, read=dialect, error_level=sqlglot.ErrorLevel.RAISE)
    assert statements
    assert ("CONSTRAINT" in text) == (dialect == "postgres")
    assert "the order" in text


def test_the_key_of_an_upsert_is_unique_in_the_table() -> None:
    contract = contract_of("      - {name: id, logicalType: integer, primaryKey: true}\n")
    contract = replace(contract, publish=replace(contract.publish, mode="upsert"))
    with table(contract) as connection:
        insert(connection, {"id": 1})
        with pytest.raises(duckdb.ConstraintException):
            insert(connection, {"id": 1, "_record": 2})


def as_json(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as JSON has it: moments as ISO 8601, all numbers as numbers."""

    def plain(value: Any) -> Any:  # noqa: ANN401 - a value of any type
        if isinstance(value, dt.date):
            return value.isoformat()
        return float(value) if isinstance(value, Decimal) else value

    return {name: plain(value) for name, value in record.items()}


SYSTEM = {"_released": False, "_record": 1, "_batch_id": "b"}
COMPLETE: dict[str, Any] = {**dict.fromkeys(GOOD), **NULLS, **SYSTEM}


def test_the_json_schema_is_sound_and_judges_published_records() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="the package jsonschema is not installed")
    schema = json.loads(json_schema(contract_with_everything()))
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    assert list(validator.iter_errors(as_json({**GOOD, **SYSTEM}))) == []
    assert list(validator.iter_errors(COMPLETE)) == []
    for name in ("id", "email", "paid", "day", "code"):
        wrong = as_json({**GOOD, **SYSTEM, name: BAD[name][0]})
        assert not validator.is_valid(wrong), name
        assert validator.is_valid({**wrong, "_released": True}), name
    for wrong in ({"id": None}, {"id": 2**63}, {"id": "2"}, {"iban": None}, {"more": 1}):
        assert not validator.is_valid({**COMPLETE, **wrong}), wrong
    assert not validator.is_valid({n: v for n, v in COMPLETE.items() if n != "mail"})


def test_the_json_schema_has_every_published_column_with_its_rules() -> None:
    schema = json.loads(json_schema(contract_with_everything()))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert list(schema["properties"]) == [*GOOD, *SYSTEM_COLUMNS]
    assert schema["required"] == [*GOOD, *SYSTEM_COLUMNS]
    assert schema["properties"]["day"]["type"] == ["string", "null"]
    assert schema["properties"]["day"]["format"] == "date"
    rules = schema["else"]["properties"]
    assert rules["id"] == {"minimum": 1, "multipleOf": 2, "not": {"type": "null"}}
    assert rules["day"] == {"enum": ["2024-02-29", "2024-03-01", None]}
    assert rules["mail"] == {"format": "email", "maxLength": 9}
    assert "at least 2024-02-29" in schema["properties"]["day"]["description"]


class Page(HTMLParser):
    """What a page holds, and whether its elements are closed in order."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_tells_a_reader_what_the_contract_promises() -> None:
    contract = contract_with_everything()
    deletes = replace(contract.publish, max_quarantined_percent=5)
    page = Page(html(replace(contract, publish=deletes)))
    told = " ".join(page.text.split())
    for words in (
        "Version 1.0.0, active",
        "Orders <b>we</b> got",
        "sales",
        "always has a value",
        "one of true",
        "replaced by a hash",
        "left out of everything that is published",
        "masked with *, except the last 4 characters",
        "records in a batch: more than 0",
        "id stands in shop of shops",
        "the check at_most_times of id and rate",
        "SELECT sum(rate) FROM orders is 1",
        "every day, at most 2 hours late",
        "30 days",
        "more than 5 % break a rule is not published",
        "a date written dd.MM.yyyy",
    ):
        assert words in told, words


def test_the_promise_about_groups_of_people_is_a_sentence_of_the_page() -> None:
    privacy = Privacy(("id",), 5)
    told = Page(html(replace(contract_with_everything(), privacy=privacy))).text
    assert "At least 5 records share each combination of id. Other batches are refused." in told


def test_the_page_is_self_contained_and_accessible() -> None:
    page = Page(html(contract_with_everything()))
    tags = [tag for tag, _ in page.elements]
    assert not {"script", "link", "img", "iframe", "b"} & set(tags)
    assert not [a for _, attrs in page.elements for a in attrs if a in ("src", "href", "style")]
    assert dict(page.elements)["html"] == {"lang": "en"}
    assert tags.count("table") == tags.count("caption") == 2
    heads = [attrs.get("scope") for tag, attrs in page.elements if tag == "th"]
    assert set(heads) == {"col", "row"}
    assert tags.count("h1") == tags.count("main") == 1
    assert "prefers-color-scheme: dark" in page.text
    assert "url(" not in page.text


def test_the_page_of_a_small_contract_says_what_there_is_none_of() -> None:
    contract = contract_of("      - {name: id, logicalType: integer, primaryKey: true}\n")
    publish = replace(contract.publish, mode="upsert", deletes=Deletes("id", ("1", "2")))
    told = " ".join(Page(html(replace(contract, publish=publish))).text.split())
    for words in (
        "The latest record of each id. A record whose id is 1 or 2 deletes its key.",
        "None.",
        "no promise",
        "for ever",
    ):
        assert words in told
