"""Counts as people read them."""

import pytest

from lakehouse_pipeline.contracts.counted import counted


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (0, "problem", "0 problems"),
        (1, "problem", "1 problem"),
        (1, "batch", "1 batch"),
        (2, "batch", "2 batches"),
        (1_000, "record", "1,000 records"),
    ],
)
def test_one_thing_is_not_many(number: int, noun: str, said: str) -> None:
    assert counted(number, noun) == said
