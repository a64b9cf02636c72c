"""Checks that users register with pandera: found, refused with a reason, run over records."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from lakehouse_pipeline.contracts.check_modules import load_check_modules
from lakehouse_pipeline.contracts.model import PanderaCheck
from lakehouse_pipeline.contracts.pandas_frames import to_frame
from lakehouse_pipeline.contracts.pandera_checks import (
    check_problem,
    failures,
    known_checks,
)
from lakehouse_pipeline.errors import (
    CheckModuleError,
    CheckRaisedError,
    CheckResultError,
    UnknownCheckError,
)
from lakehouse_pipeline.settings import Settings

SHOP = "lakehouse_pipeline_tests.contracts.shop_checks"
load_check_modules([SHOP])


def rule(check: str, *columns: str, **arguments: object) -> PanderaCheck:
    return PanderaCheck("shop_rule", check, columns or ("a",), arguments)


def frame(**columns: list[Any]) -> pd.DataFrame:
    return to_frame(pa.RecordBatch.from_pydict(columns))


def test_modules_are_loaded_once_and_their_checks_are_known() -> None:
    load_check_modules([SHOP, SHOP])
    assert {"has_check_digit", "is_even", "at_most_times"} <= set(known_checks())


@pytest.mark.parametrize(
    ("module", "problem"),
    [
        ("no_such_checks", "ModuleNotFoundError: No module named 'no_such_checks'"),
        (
            "lakehouse_pipeline_tests.contracts.broken_checks",
            "RuntimeError: no licence for this check",
        ),
    ],
)
def test_a_module_that_cannot_be_loaded_is_named_with_the_reason(module: str, problem: str) -> None:
    with pytest.raises(CheckModuleError) as raised:
        load_check_modules([module])
    assert str(raised.value) == (
        f"check module '{module}' of LAKEHOUSE_CHECK_MODULES cannot be loaded: {problem}. "
        "Install it or put its folder on PYTHONPATH, and start again."
    )


@pytest.mark.parametrize(
    "text", ["shop.checks, more", '["shop.checks", "more"]', "shop.checks,more,"]
)
def test_the_settings_take_modules_as_a_list_or_with_commas(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("LAKEHOUSE_CHECK_MODULES", text)
    assert Settings().check_modules == ("shop.checks", "more")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (rule("has_check_digit"), None),
        (rule("has_check_digit", digits=5), None),
        (rule("at_most_times", "a", "b", factor=2), None),
        (rule("has_chek_digit"), "unknown check 'has_chek_digit'. Did you mean 'has_check_digit'?"),
        (
            rule("has_check_digit", digit=5),
            "check 'has_check_digit' has no argument 'digit'. Did you mean 'digits'? Known",
        ),
        (rule("is_even", name="x"), "check 'is_even' has no argument 'name'. Known: none."),
        (rule("at_most_times", "a", "b"), "check 'at_most_times' needs the argument 'factor'."),
    ],
)
def test_what_is_wrong_with_a_rule_is_told_before_it_runs(
    given: PanderaCheck, problem: str | None
) -> None:
    found = check_problem(given)
    if problem is None:
        assert found is None
        return
    assert found is not None
    assert found.startswith(problem)
    with pytest.raises(UnknownCheckError, match="rule 'shop_rule'"):
        failures(given, frame(a=[1], b=[1]))


def test_a_check_of_one_column_judges_its_values_and_is_not_asked_about_nulls() -> None:
    codes = frame(a=["1234", None, "12345", "4321"])
    assert failures(rule("has_check_digit"), codes).tolist() == [False, False, True, False]
    assert failures(rule("has_check_digit", digits=5), codes).tolist() == [True, False, False, True]


def test_a_check_of_single_values_is_run_for_each() -> None:
    assert failures(rule("is_even"), frame(a=[1, None, 2])).tolist() == [True, False, False]


def test_a_check_of_several_columns_sees_their_frame_and_an_unknown_verdict_keeps_the_rule() -> (
    None
):
    pairs = frame(other=["x"] * 4, high=[3, 2, None, 9], low=[1, 1, 1, None])
    given = rule("at_most_times", "low", "high", factor=2)
    assert failures(given, pairs).tolist() == [True, False, False, False]


def test_a_check_that_judges_every_cell_is_broken_by_any_of_them() -> None:
    given = rule("all_cells_known", "a", "b")
    assert failures(given, frame(a=[1, None], b=[1, 1])).tolist() == [False, True]


def test_no_record_is_asked_about_when_there_is_none() -> None:
    assert failures(rule("sees_dtype"), frame(a=[]).astype({"a": "Int64"})).tolist() == []
    assert failures(rule("sees_dtype"), frame(a=[None]).astype({"a": "Int64"})).tolist() == [False]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("one bool", "one verdict for all (bool)"),
        ("a list", "no series (list)"),
        ("too short", "1 verdicts on 3 values"),
        ("numbers", "verdicts of type int64"),
        ("another index", "verdicts with another index"),
    ],
)
def test_an_answer_that_is_no_verdict_on_each_record_is_an_error(answer: str, found: str) -> None:
    with pytest.raises(CheckResultError) as raised:
        failures(rule("answers", answer=answer), frame(a=[1, 2, 3]))
    assert str(raised.value) == (
        f"rule 'shop_rule': its check gave {found}; expected true or false for each value it was "
        "given, in a series with the same index. Mend the check and replay the batch."
    )


def test_an_array_is_taken_for_a_series() -> None:
    given = rule("answers", answer="an array")
    assert failures(given, frame(a=[1, 2, None, 3])).tolist() == [False, True, False, False]


def test_a_check_that_raises_is_named_with_what_it_raised() -> None:
    with pytest.raises(CheckRaisedError) as raised:
        failures(rule("sees_dtype"), frame(a=["ann@example.org"]))
    assert str(raised.value) == (
        "rule 'shop_rule': check 'sees_dtype' raised TypeError: string: ['ann@example.org']. "
        "Mend the check and replay the batch; nothing of it was published."
    )


def test_the_message_of_a_check_over_personal_data_is_nowhere_in_the_error() -> None:
    with pytest.raises(CheckRaisedError) as raised:
        failures(rule("sees_dtype"), frame(a=["ann@example.org"]), personal=True)
    assert str(raised.value) == (
        "rule 'shop_rule': check 'sees_dtype' raised TypeError: its message is withheld, for "
        "it may quote personal data. Mend the check and replay the batch; nothing of it was "
        "published."
    )
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


def test_the_records_of_a_batch_come_in_the_dtypes_of_read() -> None:
    types = {
        "i": pa.int32(),
        "d": pa.decimal128(38, 10),
        "day": pa.date32(),
        "ts": pa.timestamp("us", "UTC"),
        "b": pa.bool_(),
        "f": pa.float64(),
        "s": pa.string(),
    }
    exact = Decimal("1234567890123456789012345678.0123456789")
    row = [7, exact, dt.date(9999, 12, 31), dt.datetime(1, 1, 1, tzinfo=dt.UTC), True, 0.5, "x"]
    batch = pa.record_batch(
        [pa.array([value, None], kind) for value, kind in zip(row, types.values(), strict=True)],
        schema=pa.schema(types),
    )
    found = to_frame(batch)
    assert {name: str(dtype) for name, dtype in found.dtypes.items()} == {
        "i": "Int32",
        "d": "decimal128(38, 10)[pyarrow]",
        "day": "date32[day][pyarrow]",
        "ts": "datetime64[us, UTC]",
        "b": "boolean",
        "f": "Float64",
        "s": "string",
    }
    assert found.iloc[0].tolist() == row
    assert found.isna().iloc[1].all()
