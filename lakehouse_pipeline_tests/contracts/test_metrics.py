"""Library metrics: what is counted, where it may stand, and the number it must keep."""

import pytest

from lakehouse_pipeline.contracts.metrics import METRICS
from lakehouse_pipeline.contracts.model import Limit, Metric
from lakehouse_pipeline_tests.contracts.contract_text import (
    contract_of,
    contract_text,
    messages_of,
    problems_of,
    rule_messages,
)

LIMITS = (
    ("mustBe: 3", Limit("mustBe", (3.0,))),
    ("mustNotBe: 0", Limit("mustNotBe", (0.0,))),
    ("mustBeGreaterThan: 0", Limit("mustBeGreaterThan", (0.0,))),
    ("mustBeGreaterOrEqualTo: 1", Limit("mustBeGreaterOrEqualTo", (1.0,))),
    ("mustBeLessThan: 9.5", Limit("mustBeLessThan", (9.5,))),
    ("mustBeLessOrEqualTo: 9", Limit("mustBeLessOrEqualTo", (9.0,))),
    ("mustBeBetween: [1, 9]", Limit("mustBeBetween", (1.0, 9.0))),
    ("mustNotBeBetween: [1, 9]", Limit("mustNotBeBetween", (1.0, 9.0))),
)
DUPLICATES = "metric: duplicateValues, mustBe: 0"
KNOWN = ", ".join(METRICS)


def metric_of(rule: str, keys: str = "logicalType: string") -> Metric:
    """Return the one metric of column `a`, which has these keys."""
    columns = f"      - {{name: a, {keys}, quality: [{{{rule}}}]}}\n"
    (metric,) = contract_of(columns).metrics
    return metric


def of_schema(rule: str) -> Metric:
    (metric,) = contract_of(quality=f"      - {{{rule}}}\n").metrics
    return metric


@pytest.mark.parametrize(("written", "limit"), LIMITS)
@pytest.mark.parametrize("metric", ["rowCount", "nullValues"])
def test_a_metric_has_its_limit(written: str, limit: Limit, metric: str) -> None:
    rule = f"type: library, metric: {metric}, severity: warning, {written}"
    if metric == "rowCount":
        wanted = Metric("row_count", "rowCount", (limit,), severity="warning")
        assert of_schema(rule) == wanted
    else:
        wanted = Metric("a.nullValues", "nullValues", (limit,), ("a",), severity="warning")
        assert metric_of(rule) == wanted


def test_a_metric_may_have_several_limits() -> None:
    metric = of_schema("metric: rowCount, mustBeLessThan: 9, mustNotBe: 5")
    assert [limit.key for limit in metric.limits] == ["mustNotBe", "mustBeLessThan"]


def test_a_metric_keeps_its_name_unit_and_description() -> None:
    metric = metric_of(
        "name: few, metric: nullValues, unit: percent, mustBeLessThan: 100, description: ' Few. '"
    )
    assert (metric.name, metric.unit, metric.description) == ("few", "percent", "Few.")


def test_missing_values_are_texts_as_they_are_written() -> None:
    arguments = "{missingValues: [null, '', 'null', N/A, -999, 0.10, true]}"
    metric = metric_of(f"metric: missingValues, arguments: {arguments}, mustBe: 0")
    assert metric.missing_values == (None, "", "null", "N/A", "-999", "0.10", "true")
    assert (metric.name, metric.columns) == ("a.missingValues", ("a",))


@pytest.mark.parametrize(
    ("keys", "values", "texts"),
    [
        ("logicalType: string", "[kg, '', NO, 1.0]", ("kg", "", "NO", "1.0")),
        ("logicalType: integer", "[1, -2]", ("1", "-2")),
        ("logicalType: number, physicalType: 'DECIMAL(5,2)'", "[0.50]", ("0.50",)),
        ("logicalType: boolean", "[true]", ("true",)),
        ("logicalType: date", "[2024-01-31]", ("2024-01-31",)),
    ],
)
def test_valid_values_are_of_the_columns_type(
    keys: str, values: str, texts: tuple[str, ...]
) -> None:
    rule = f"metric: invalidValues, arguments: {{validValues: {values}}}, mustBe: 0"
    metric = metric_of(rule, keys)
    assert (metric.valid_values, metric.pattern) == (texts, None)


def test_valid_values_may_be_described_by_a_pattern() -> None:
    metric = metric_of("metric: invalidValues, arguments: {pattern: '^[A-Z]+$'}, mustBe: 0")
    assert (metric.valid_values, metric.pattern) == (None, "^[A-Z]+$")


def test_duplicates_are_of_one_column_or_of_several_together() -> None:
    assert metric_of(DUPLICATES).columns == ("a",)
    metric = of_schema(f"{DUPLICATES}, unit: percent, arguments: {{properties: [email, id]}}")
    assert metric == Metric(
        "email_id.duplicateValues",
        "duplicateValues",
        (Limit("mustBe", (0.0,)),),
        ("email", "id"),
        "percent",
    )


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            "type: library, metric: rowCount",
            (
                "rowCount needs a limit; known: mustBe, mustNotBe, mustBeGreaterThan, "
                "mustBeGreaterOrEqualTo, mustBeLessThan, mustBeLessOrEqualTo, mustBeBetween, "
                "mustNotBeBetween"
            ),
        ),
        ("metric: rowCount, mustBe: many", "'mustBe': expected a number"),
        ("metric: rowCount, mustBe: true", "'mustBe': expected a number"),
        ("metric: rowCount, mustBe: 1e999", "'mustBe': expected a number"),
        ("metric: rowCount, mustBeLessThan: -1", "'mustBeLessThan': a count is never below 0"),
        (
            "metric: rowCount, mustBeBetween: [1]",
            "'mustBeBetween': expected a list of at least 2 items, not 1",
        ),
        ("metric: rowCount, mustBeBetween: [2, 1]", "'mustBeBetween': 2 is above 1"),
        ("metric: rowCount, mustNotBeBetween: [2, 1]", "'mustNotBeBetween': 2 is above 1"),
        (
            "metric: rowCount, mustBe: 1, unit: percent",
            "rowCount is counted in rows, not in 'percent'",
        ),
        (
            "metric: rowCount, mustBe: 1, severity: fatal",
            "severity 'fatal' is not known. Expected error or warning",
        ),
        (
            "metric: rowCount, mustBe: 1, arguments: {a: 1}",
            "rowCount takes no 'arguments' here; remove it",
        ),
        (
            "metric: rowCuont, mustBe: 0",
            f"metric 'rowCuont' is not known. Did you mean 'rowCount'? Known: {KNOWN}",
        ),
        (
            "type: library, rule: rowCount, mustBe: 0",
            "'rule' is deprecated in ODCS; write 'metric'",
        ),
        (
            "metric: nullValues, mustBe: 0",
            "nullValues counts values of a column; move it to 'quality' of that column",
        ),
        (
            "metric: invalidValues, arguments: {pattern: a}, mustBe: 0",
            "invalidValues counts values of a column; move it to 'quality' of that column",
        ),
        (
            DUPLICATES,
            "duplicateValues of the schema needs 'arguments' with 'properties', a list of columns",
        ),
        (
            f"{DUPLICATES}, arguments: {{properties: [id, emial]}}",
            "unknown column 'emial'. Did you mean 'email'?",
        ),
        (
            f"{DUPLICATES}, arguments: {{properties: [id, id]}}",
            "column 'id' stands there twice",
        ),
    ],
)
def test_a_metric_of_the_schema_that_cannot_be_kept_is_refused(rule: str, message: str) -> None:
    assert rule_messages(rule) == [message]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            "metric: rowCount, mustBe: 1",
            (
                "rowCount counts records of a batch; move it from column 'a' to 'quality' of the "
                "schema"
            ),
        ),
        (
            "metric: nullValues, mustBe: 101, unit: percent",
            "'mustBe': expected a percentage from 0 to 100",
        ),
        (
            "metric: nullValues, mustNotBeBetween: [1, 101], unit: percent",
            "'mustNotBeBetween': expected a percentage from 0 to 100",
        ),
        (
            "metric: nullValues, mustBe: 1, unit: percnt",
            "unit 'percnt' is not known. Did you mean 'percent'? Expected rows or percent",
        ),
        (
            "metric: nullValues, mustBe: 1, arguments: {a: 1}",
            "nullValues takes no 'arguments' here; remove it",
        ),
        (
            "metric: missingValues, mustBe: 1",
            "missingValues needs 'arguments' with missingValues",
        ),
        (
            "metric: missingValues, mustBe: 1, arguments: {missingValue: [a]}",
            (
                "unknown key 'missingValue' in arguments of missingValues. Did you mean "
                "'missingValues'? Known: missingValues"
            ),
        ),
        (
            "metric: missingValues, mustBe: 1, arguments: {missingValues: []}",
            "'missingValues': expected a list of values, such as [A, B]",
        ),
        (
            "metric: missingValues, mustBe: 1, arguments: {missingValues: [a, [b]]}",
            "'missingValues': expected text, a number or true/false",
        ),
        (
            "metric: missingValues, mustBe: 1, arguments: {missingValues: [a, 'a']}",
            "'missingValues': the value stands there twice",
        ),
        (
            "metric: invalidValues, mustBe: 1",
            "invalidValues needs 'arguments' with validValues or pattern",
        ),
        (
            "metric: invalidValues, mustBe: 1, arguments: {validValues: [1, x]}",
            "'validValues': 'x' is not BIGINT: expected a whole number",
        ),
        (
            "metric: invalidValues, mustBe: 1, arguments: {validValues: [1, +1]}",
            "'validValues': the value stands there twice",
        ),
        (
            "metric: invalidValues, mustBe: 1, arguments: {validValues: [1, null]}",
            "'validValues': null is no value; count nulls with nullValues",
        ),
        (
            "metric: invalidValues, mustBe: 1, arguments: {pattern: a}",
            "'pattern' does not apply to logicalType 'integer'",
        ),
        (
            f"{DUPLICATES}, arguments: {{properties: [a]}}",
            "duplicateValues takes no 'arguments' here; remove it",
        ),
        (
            "metric: nullValues, query: SELECT 1, mustBe: 1",
            (
                "'query' in a quality rule of this type is not enforced by this version of "
                "lakehouse_pipeline; remove it"
            ),
        ),
    ],
)
def test_a_metric_of_a_column_that_cannot_be_kept_is_refused(rule: str, message: str) -> None:
    assert rule_messages(rule, "logicalType: integer") == [message]


def test_a_pattern_that_the_engine_does_not_take_is_refused() -> None:
    rule = "metric: invalidValues, mustBe: 1, arguments: {pattern: '(?=a)'}"
    (message,) = rule_messages(rule, "logicalType: string")
    assert message.startswith("'pattern' is no regular expression of RE2: ")


def test_a_wrong_value_is_reported_at_its_place() -> None:
    quality = """\
        quality:
          - metric: invalidValues
            arguments:
              validValues:
                - 1
                - x
            mustBeLessThan: -1
"""
    text = contract_text(f"      - name: a\n        logicalType: integer\n{quality}")
    assert problems_of(text) == [
        "orders.yaml:17:19: 'validValues': 'x' is not BIGINT: expected a whole number",
        "orders.yaml:18:29: 'mustBeLessThan': a count is never below 0",
    ]


def test_two_metrics_of_a_kind_need_names() -> None:
    rule = "{metric: nullValues, mustBe: 0}"
    columns = f"      - {{name: a, logicalType: string, quality: [{rule}, {rule}]}}\n"
    assert messages_of(contract_text(columns)) == [
        "quality rule 'a.nullValues' repeats the name of line 10; each rule needs its own"
    ]
    named = columns.replace("{metric", "{name: nulls, metric", 1)
    assert [metric.name for metric in contract_of(named).metrics] == ["nulls", "a.nullValues"]
