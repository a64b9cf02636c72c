"""The gate: every form of `mustBe` below, at and beyond its numbers, and without a number."""

import pytest

from lakehouse_pipeline.layers.gate import Measures, judge_batch
from lakehouse_pipeline_tests.contracts.contract_text import contract_of

FORMS = {
    "mustBe: 5": {5},
    "mustNotBe: 5": {4, 6, 7, 8},
    "mustBeGreaterThan: 5": {6, 7, 8},
    "mustBeGreaterOrEqualTo: 5": {5, 6, 7, 8},
    "mustBeLessThan: 5": {4},
    "mustBeLessOrEqualTo: 5": {4, 5},
    "mustBeBetween: [5, 7]": {5, 6, 7},
    "mustNotBeBetween: [5, 7]": {4, 8},
}


@pytest.mark.parametrize(("form", "holds"), FORMS.items())
@pytest.mark.parametrize("unit", ["rows", "percent"])
@pytest.mark.parametrize("severity", ["error", "warning"])
def test_a_metric_holds_at_exactly_the_numbers_of_its_limit(
    form: str, holds: set[int], unit: str, severity: str
) -> None:
    rule = f"name: n, type: library, metric: nullValues, unit: {unit}, severity: {severity}"
    contract = contract_of(
        f"      - {{name: a, logicalType: string, quality: [{{{rule}, {form}}}]}}\n"
    )
    for value in (4, 5, 6, 7, 8, None):
        verdict = judge_batch(contract, Measures(10, 0, {"n": value}))
        said = verdict.refusals if severity == "error" else verdict.warnings
        assert (said == ()) is (value in holds)
        assert verdict.refused is (severity == "error" and value not in holds)


@pytest.mark.parametrize(("form", "holds"), FORMS.items())
def test_a_row_count_holds_at_exactly_the_numbers_of_its_limit(form: str, holds: set[int]) -> None:
    contract = contract_of(
        quality=f"      - {{name: n, type: library, metric: rowCount, {form}}}\n"
    )
    refused = {n for n in (4, 5, 6, 7, 8) if judge_batch(contract, Measures(n, 0)).refused}
    assert refused == {4, 5, 6, 7, 8} - holds


@pytest.mark.parametrize(
    ("count", "said"), [(1, "n: broken by 1 record"), (2, "n: broken by 2 records")]
)
def test_a_warning_counts_the_records_that_break_its_rule(count: int, said: str) -> None:
    assert judge_batch(contract_of(), Measures(9, 0, warned={"n": count, "m": 0})).warnings == (
        said,
    )


@pytest.mark.parametrize(("count", "said"), [(0, "0 records"), (1, "1 record"), (2, "2 records")])
def test_a_row_count_that_is_refused_is_said(count: int, said: str) -> None:
    contract = contract_of(
        quality="      - {name: n, type: library, metric: rowCount, mustBeGreaterThan: 5}\n"
    )
    (refusal,) = judge_batch(contract, Measures(count, 0)).refusals
    assert refusal == f"n: the batch has {said}, expected more than 5"
