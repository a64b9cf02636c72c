"""A layer that published is made from, or asked about, is kept for as long as published is."""

import pytest

from lakehouse_pipeline_tests.contracts.contract_text import contract_of, contract_text, messages_of

UPSERT = "{property: publish, value: {mode: upsert}}"
APPEND = "{property: publish, value: {mode: append}}"
KEY = "      - {name: id, logicalType: integer, primaryKey: true}\n"
DATASET_KEY = (
    "      - {name: id, logicalType: integer, unique: true, "
    "customProperties: [{property: uniqueScope, value: dataset}]}\n"
)
IN_UPSERT = "in mode upsert published is made from it again with every batch"
ASKED = "id.unique asks it for the keys of all that is published"


def top(publish: str, days: str) -> str:
    return f"customProperties: [{publish}, {{property: retention, value: {days}}}]\n"


@pytest.mark.parametrize(
    ("columns", "publish", "days", "message"),
    [
        (
            KEY,
            UPSERT,
            "{anonymized: 30, published: 365}",
            f"anonymized is kept for 30 days and published for 365 days, but {IN_UPSERT}",
        ),
        (
            KEY,
            UPSERT,
            "{anonymized: 30}",
            f"anonymized is kept for 30 days and published for ever, but {IN_UPSERT}",
        ),
        (
            DATASET_KEY,
            APPEND,
            "{validated: 1.5, published: 2}",
            f"validated is kept for 1.5 days and published for 2 days, but {ASKED}",
        ),
    ],
)
def test_a_layer_that_published_needs_may_not_leave_before_it(
    columns: str, publish: str, days: str, message: str
) -> None:
    layer = message.split(maxsplit=1)[0]
    assert messages_of(contract_text(columns, top=top(publish, days))) == [
        f"retention: {message}; keep {layer} for at least as long"
    ]


@pytest.mark.parametrize(
    ("columns", "publish", "days"),
    [
        (KEY, UPSERT, "{anonymized: 365, published: 365}"),
        (KEY, UPSERT, "{published: 30}"),
        (KEY, UPSERT, "{raw: 1, quarantined: 1, validated: 1}"),
        (KEY, APPEND, "{anonymized: 1, validated: 1, published: 30}"),
        (DATASET_KEY, APPEND, "{anonymized: 1, validated: 30, published: 30}"),
    ],
)
def test_other_layers_may_leave_when_they_like(columns: str, publish: str, days: str) -> None:
    assert contract_of(columns, top=top(publish, days)).retention
