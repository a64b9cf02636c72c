"""A contract of 500 columns is read and judged in a second, however many faults it has."""

import time

import pytest

from lakehouse_pipeline.contracts.load import load_text
from lakehouse_pipeline.errors import ContractError, nearest
from lakehouse_pipeline_tests.contracts.contract_text import PATH, contract_of, contract_text

COLUMN = """\
      - name: column_%(i)d
        logicalType: string
        description: Text number %(i)d
        required: true
        unique: true
        classification: personal
        logicalTypeOptions: {pattern: '^C?[0-9]{%(length)d}$', minLength: 1}
        relationships: [{to: other.column_%(i)d}]
        customProperties:
          - {property: anonymize, value: {technique: hash}}
          - {property: severity, value: {pattern: warning, unique: warning}}
        quality:
          - {metric: nullValues, mustBeLessThan: 1, unit: percent}
          - {metric: invalidValues, arguments: {validValues: [A1, B2]}, mustBeBetween: [0, 9]}
          - name: other_%(i)d
            type: custom
            engine: lakehouse
            implementation: "column_%(i)d <> 'A1' OR length(column_%(next)d) > 1"
          - name: share_%(i)d
            type: sql
            query: SELECT count(DISTINCT {property}) FROM {object}
            mustBeGreaterThan: 5
          - {name: check_%(i)d, type: custom, engine: pandera, implementation: is_known}
"""
WIDE = contract_text(
    "".join(COLUMN % {"i": i, "next": (i + 1) % 500, "length": i % 9 + 1} for i in range(500))
)
SECONDS = 3.0
"""What a test machine that does other things as well may take; `benchmarks/` holds the second."""


def test_500_columns_with_every_kind_of_rule_are_judged_at_once() -> None:
    contract_of()
    started = time.process_time()
    contract = load_text(WIDE, PATH)
    assert time.process_time() - started < SECONDS
    rules = (contract.expressions, contract.foreign_keys, contract.pandera_checks)
    assert [len(found) for found in (*rules, contract.sql_rules)] == [500] * 4
    assert (len(contract.metrics), len(contract.unique_keys)) == (1000, 500)


@pytest.mark.parametrize(
    ("sound", "wrong", "problem"),
    [
        ("        logicalType: string\n", "", "column 'column_0' needs a 'logicalType'"),
        ("length(column_", "length(colunm_", "Did you mean 'column_1'?"),
        ("{to: other.", "{too: other.", "a relationship needs the key 'to'"),
        ("metric: nullValues", "metric: nullvalues", "Did you mean 'nullValues'?"),
    ],
)
def test_a_fault_in_each_of_500_columns_is_found_at_once(
    sound: str, wrong: str, problem: str
) -> None:
    text = WIDE.replace(sound, wrong)
    started = time.process_time()
    with pytest.raises(ContractError) as error:
        load_text(text, PATH)
    assert time.process_time() - started < SECONDS
    assert len(error.value.problems) >= 500
    assert problem in str(error.value)


@pytest.mark.parametrize("many", [10, 1000])
def test_the_nearest_of_many_names_is_that_of_few(many: int) -> None:
    known = [f"column_{number}" for number in range(many)] + ["customer_email"]
    assert nearest("custmoer_email", known) == " Did you mean 'customer_email'?"
    assert nearest("colunm_7", known) == " Did you mean 'column_7'?"
    assert nearest("zzz", known) == ""
