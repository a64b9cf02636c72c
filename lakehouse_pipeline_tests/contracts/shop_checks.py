"""A module of checks as a user of the product writes one; nothing of ours is imported."""

# pandera's decorator has no types, and stands where its manual says, but not in `__all__`
# mypy: disable-error-code="untyped-decorator, attr-defined"

from typing import Any

import pandas as pd
from pandera.extensions import register_check_method


@register_check_method(statistics=["digits"])
def has_check_digit(codes: pd.Series, *, digits: int = 4) -> pd.Series:
    return codes.str.len() == digits


@register_check_method(statistics=["factor"])
def at_most_times(frame: pd.DataFrame, *, factor: int) -> pd.Series:
    low, high = frame.columns
    return frame[high] <= frame[low] * factor


@register_check_method(check_type="element_wise")
def is_even(value: int) -> bool:
    return value % 2 == 0


@register_check_method
def all_cells_known(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.notna()


@register_check_method
def sees_dtype(values: pd.Series) -> pd.Series:
    raise TypeError(f"{values.dtype}: {values.tolist()}")


@register_check_method(statistics=["answer"])
def answers(values: pd.Series, *, answer: str) -> Any:  # noqa: ANN401 - what a user may get wrong
    return {
        "one bool": True,
        "a list": [True] * len(values),
        "too short": pd.Series([True], index=values.index[:1]),
        "numbers": pd.Series(1, index=values.index),
        "another index": pd.Series([True] * len(values), index=range(100, 100 + len(values))),
        "an array": values.to_numpy() != 2,
    }[answer]
