"""Every kind of rule, over records that keep it, break it, are null and stand on the boundary."""

from pathlib import Path

import pytest

from lakehouse_pipeline.names import Layer
from lakehouse_pipeline_tests.contracts.contract_text import contract_of
from lakehouse_pipeline_tests.pipelines import drop, records, take

CENTS = (
    'logicalType: number, physicalType: "DECIMAL(6,2)", '
    "logicalTypeOptions: {minimum: 0.01, multipleOf: 0.05}"
)


def broken(home: Path, column: str, values: list[str], quality: str = "") -> dict[int, list[str]]:
    """Return which rules each record broke; record N has the N-th of `values` in column a."""
    columns = f"      - {{name: a, {column}}}\n      - {{name: b, logicalType: string}}\n"
    contract = contract_of(columns, quality)
    text = "a,b\n" + "".join(f'"{value}",x\n' for value in values)
    take(home, contract, [drop(home, contract, "file.csv", text)])
    found = records(home, contract, Layer.QUARANTINED)
    return {row["_record"]: [reason["rule"] for reason in row["_reasons"]] for row in found}


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("logicalType: string, required: true", ["x", "", " "], {2: ["a.required"]}),
        ("logicalType: integer", ["1", "1.5", "", "x"], {2: ["a.type"], 4: ["a.type"]}),
        ("logicalType: integer, required: true", ["1", ""], {2: ["a.required"]}),
        (
            "logicalType: string, enum: [{value: DE}, {value: FR}]",
            ["DE", "de", "", "FR", "ES"],
            {2: ["a.enum"], 5: ["a.enum"]},
        ),
        (
            "logicalType: integer, enum: [{value: 1}, {value: 2}]",
            ["1", "2.0", "3", ""],
            {3: ["a.enum"]},
        ),
        (
            "logicalType: string, logicalTypeOptions: {pattern: '^[A-Z]{2}$'}",
            ["AB", "ABC", "ab", ""],
            {2: ["a.pattern"], 3: ["a.pattern"]},
        ),
        (
            "logicalType: string, logicalTypeOptions: {minLength: 2, maxLength: 3}",
            ["a", "äö", "abc", "abcd", ""],
            {1: ["a.minLength"], 4: ["a.maxLength"]},
        ),
        (
            "logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 10}",
            ["-1", "0", "10", "11", ""],
            {1: ["a.minimum"], 4: ["a.maximum"]},
        ),
        (
            "logicalType: integer, logicalTypeOptions: {exclusiveMinimum: 0, exclusiveMaximum: 9}",
            ["0", "1", "8", "9", ""],
            {1: ["a.exclusiveMinimum"], 4: ["a.exclusiveMaximum"]},
        ),
        (
            "logicalType: date, logicalTypeOptions: {minimum: '2024-01-01'}",
            ["2023-12-31", "2024-01-01", "", "2024-02-30"],
            {1: ["a.minimum"], 4: ["a.type"]},
        ),
        (
            "logicalType: date, logicalTypeOptions: {format: dd.MM.yyyy, maximum: 31.12.2024}",
            ["31.12.2024", "01.01.2025", ""],
            {2: ["a.maximum"]},
        ),
        (
            CENTS,
            ["0.01", "0.05", "0.00", "0.10", "0.07"],
            {1: ["a.multipleOf"], 3: ["a.minimum"], 5: ["a.multipleOf"]},
        ),
        (
            "logicalType: number, logicalTypeOptions: {multipleOf: 0.1}",
            ["0.3", "0.35", "", "-0.7"],
            {2: ["a.multipleOf"]},
        ),
        (
            "logicalType: number, logicalTypeOptions: {multipleOf: 1000}",
            ["2000", "0.000001", "2000.0001", "1e308", "-3e3", "0"],
            {2: ["a.multipleOf"], 3: ["a.multipleOf"]},
        ),
        (
            "logicalType: string, logicalTypeOptions: {format: ipv6}",
            [
                "::1",
                "1:2:3",
                "1:2:3:4:5:6:7:8",
                "1::2::3",
                ":::",
                "::ffff:1.2.3.4",
                "1:2:3:4:5:6:7::",
            ],
            {2: ["a.format"], 4: ["a.format"], 5: ["a.format"]},
        ),
        (
            "logicalType: string, logicalTypeOptions: {format: email}",
            ["a@b.de", "a@b", "a b@c.de", ""],
            {2: ["a.format"], 3: ["a.format"]},
        ),
        (
            "logicalType: string, logicalTypeOptions: {format: ipv4}",
            ["1.2.3.4", "256.1.1.1", "1.2.3", "1.2.3.4.", ""],
            {2: ["a.format"], 3: ["a.format"], 4: ["a.format"]},
        ),
        (
            "logicalType: string, logicalTypeOptions: {format: uuid}",
            ["123e4567-e89b-12d3-a456-426614174000", "123e4567", ""],
            {2: ["a.format"]},
        ),
        (
            "logicalType: string, logicalTypeOptions: {format: uri}",
            ["https://a.de/b?c", "urn:x", "a.de/b", "1a:b", "a: b", "a:", ""],
            {3: ["a.format"], 4: ["a.format"], 5: ["a.format"], 6: ["a.format"]},
        ),
        (
            "logicalType: string, logicalTypeOptions: {format: hostname}",
            ["a-1.example.org", f"{'a' * 63}.de", f"{'a' * 64}.de", "-a.de", "a..de", "ä.de", ""],
            {3: ["a.format"], 4: ["a.format"], 5: ["a.format"], 6: ["a.format"]},
        ),
        (
            "logicalType: boolean, required: true",
            ["true", "FALSE", "maybe", ""],
            {3: ["a.type"], 4: ["a.required"]},
        ),
        (
            "logicalType: timestamp, logicalTypeOptions: {maximum: '2024-01-01T00:00:00Z'}",
            ["2024-01-01T00:00:00Z", "2024-01-01T00:00:01Z", "2024-01-01T00:30:00+01:00", ""],
            {2: ["a.maximum"]},
        ),
        (
            "logicalType: integer, unique: true",
            ["1", "2", "1", "", "", "1.0", "x", "x"],
            {3: ["a.unique"], 6: ["a.unique"], 7: ["a.type"], 8: ["a.type"]},
        ),
        (
            "logicalType: string, unique: true",
            ["a", "A", "a", ""],
            {3: ["a.unique"]},
        ),
        (
            "logicalType: time, logicalTypeOptions: {minimum: '08:00'}",
            ["07:59", "08:00", "24:00", ""],
            {1: ["a.minimum"], 3: ["a.type"]},
        ),
    ],
)
def test_a_rule_is_broken_by_exactly_these_records(
    tmp_path: Path, column: str, values: list[str], expected: dict[int, list[str]]
) -> None:
    assert broken(tmp_path, column, values) == expected


def test_every_rule_a_record_breaks_is_listed_not_the_first(tmp_path: Path) -> None:
    column = (
        "logicalType: string, enum: [{value: ok}], "
        "logicalTypeOptions: {pattern: '^o', minLength: 9, maxLength: 1}"
    )
    with pytest.raises(Exception, match="minLength"):
        broken(tmp_path, column, ["xx"])
    column = column.replace("minLength: 9, maxLength: 1", "minLength: 3")
    assert broken(tmp_path, column, ["xx"]) == {1: ["a.enum", "a.pattern", "a.minLength"]}


def test_a_custom_expression_judges_the_typed_values_and_null_keeps_it(tmp_path: Path) -> None:
    quality = (
        "      - {name: even_or_x, type: custom, engine: lakehouse,"
        " implementation: \"a % 2 = 0 OR b = 'y'\"}\n"
    )
    assert broken(tmp_path, "logicalType: integer", ["2", "3", "", "4.0", "z"], quality) == {
        2: ["even_or_x"],
        5: ["a.type"],
    }


def test_a_record_on_which_an_expression_raises_breaks_the_rule(tmp_path: Path) -> None:
    quality = (
        "      - {name: fits, type: custom, engine: lakehouse,"
        ' implementation: "CAST(b AS INTEGER) > 0 OR a > 5"}\n'
    )
    assert broken(tmp_path, "logicalType: integer", ["1", "6"], quality) == {
        1: ["fits"],
        2: ["fits"],
    }


def test_a_reason_names_rule_column_and_what_was_expected_but_no_value(tmp_path: Path) -> None:
    contract = contract_of(
        "      - {name: a, logicalType: integer}\n      - {name: b, logicalType: string}\n"
    )
    take(tmp_path, contract, [drop(tmp_path, contract, "f.csv", "a,b\nsecret,x\n")])
    (row,) = records(tmp_path, contract, Layer.QUARANTINED)
    assert row["_reasons"] == [
        {"rule": "a.type", "column": "a", "message": "a must be a whole number (BIGINT)"}
    ]
    assert row["a"] == "secret"
    assert row["_text"] is None
