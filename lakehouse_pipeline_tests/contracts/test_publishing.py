"""What is published: columns, the gate, and an upsert with its deletes."""

import pytest

from lakehouse_pipeline.contracts.model import Deletes, Publish
from lakehouse_pipeline_tests.contracts.contract_text import (
    contract_of,
    contract_text,
    custom,
    messages_of,
    problems_of,
)

UPSERT = "{mode: upsert}"
DELETES = "{mode: upsert, deletes: {column: op, values: [D]}}"
OP = "      - {name: op, logicalType: string%s}\n"


def technique(name: str) -> str:
    return f", customProperties: [{{property: anonymize, value: {{technique: {name}}}}}]"


def keyed(more: str = "", op: str = "") -> str:
    """Return a key column `id` and a column `op` with these further keys."""
    return f"      - {{name: id, logicalType: integer, primaryKey: true{more}}}\n" + OP % op


def messages(columns: str, value: str) -> list[str]:
    return messages_of(contract_text(columns, top=custom("publish", value)))


def test_an_upsert_goes_by_the_primary_key() -> None:
    assert contract_of(keyed(), top=custom("publish", UPSERT)).publish == Publish("upsert")
    contract = contract_of(keyed(technique("hash")), top=custom("publish", UPSERT))
    assert contract.publish.mode == "upsert"


def test_an_upsert_may_delete() -> None:
    value = "{mode: upsert, deletes: {column: id, values: [-1, 0]}, maxQuarantinedPercent: 5}"
    contract = contract_of(keyed(), top=custom("publish", value))
    assert contract.publish == Publish("upsert", 5.0, (), Deletes("id", ("-1", "0")))


def test_the_column_that_deletes_need_not_be_published() -> None:
    value = "{mode: upsert, columns: [id], deletes: {column: op, values: [D]}}"
    contract = contract_of(
        keyed(op=", enum: [{value: D}, {value: U}]"), top=custom("publish", value)
    )
    assert contract.publish.deletes == Deletes("op", ("D",))


@pytest.mark.parametrize(
    ("columns", "value", "message"),
    [
        (
            OP % "",
            UPSERT,
            "mode upsert needs a primary key; add 'primaryKey: true' to its columns",
        ),
        (
            keyed(technique("mask")),
            UPSERT,
            (
                "mode upsert: key column 'id' has the technique mask, which does not tell keys "
                "apart; use hash"
            ),
        ),
        (
            keyed(technique("drop")),
            UPSERT,
            (
                "mode upsert: key column 'id' has the technique drop, which does not tell keys "
                "apart; use hash"
            ),
        ),
        (
            keyed(),
            "{mode: upsert, columns: [op]}",
            "mode upsert: key column 'id' is not published; add it to 'columns'",
        ),
        (
            keyed(", customProperties: [{property: uniqueScope, value: dataset}]"),
            UPSERT,
            (
                "mode upsert: the key may not repeat in the dataset (uniqueScope of 'id'), so no "
                "record could replace another; use uniqueScope batch"
            ),
        ),
        (
            keyed(),
            "{deletes: {column: op, values: [D]}}",
            "'deletes' goes with mode upsert; an append deletes nothing",
        ),
        (
            keyed(),
            "{mode: upsert, deletes: {column: opp, values: [D]}}",
            "deletes: unknown column 'opp'. Did you mean 'op'?",
        ),
        (
            keyed(),
            "{mode: upsert, deletes: {column: id, values: [D]}}",
            "deletes: 'D' is not BIGINT: expected a whole number",
        ),
        (
            keyed(),
            "{mode: upsert, deletes: {column: op, values: [D, D]}}",
            "deletes: 'D' stands there twice",
        ),
        (
            keyed(op=", enum: [{value: I}]"),
            DELETES,
            "deletes: 'D' is not in the enum of 'op', so no record has it",
        ),
        (
            keyed(op=technique("hash")),
            DELETES,
            (
                "deletes: column 'op' has the technique hash; its values are not readable where "
                "records are deleted"
            ),
        ),
        (
            keyed(),
            "{mode: upsert, deletes: {column: op}}",
            "'deletes' needs 'values', a list such as [D]",
        ),
        (
            keyed(),
            "{mode: upsert, deletes: {values: [D]}}",
            "'deletes' needs a 'column', the name of one column",
        ),
        (
            keyed(),
            "{mode: upsert, deletes: {column: op, values: [null]}}",
            "'deletes': expected each value as text, a number or true/false",
        ),
        (
            keyed(),
            "{mode: upsert, deletes: D}",
            "'deletes': expected a mapping with the keys column, values",
        ),
        (
            keyed(),
            "{mode: upsrt}",
            "publish mode 'upsrt' is not known. Did you mean 'upsert'? Expected append or upsert",
        ),
        (
            keyed(),
            "{maxQuarantinedPercent: 101}",
            "'maxQuarantinedPercent': expected a number from 0 to 100",
        ),
        (
            keyed(),
            "{maxQuarantinedPercent: true}",
            "'maxQuarantinedPercent': expected a number from 0 to 100",
        ),
        (keyed(), "{columns: id}", "'columns': expected a list of column names"),
        (
            keyed(),
            "{maxQuarantined: 1}",
            (
                "unknown key 'maxQuarantined' in publish. Did you mean 'maxQuarantinedPercent'? "
                "Known: mode, maxQuarantinedPercent, columns, deletes"
            ),
        ),
        (keyed(), "{columns: [idd]}", "publish: unknown column 'idd'. Did you mean 'id'?"),
        (keyed(), "{columns: [id, id]}", "publish: column 'id' stands there twice"),
        (
            keyed(op=technique("drop")),
            "{columns: [id, op]}",
            "publish: column 'op' is dropped by its technique",
        ),
    ],
)
def test_what_cannot_be_published_is_refused(columns: str, value: str, message: str) -> None:
    assert messages(columns, value) == [message]


def test_a_problem_of_publish_stands_at_its_value() -> None:
    value = "{mode: upsert, deletes: {column: op, values: [D, E]}}"
    text = contract_text(keyed(op=", enum: [{value: D}]"), top=custom("publish", value))
    assert problems_of(text) == [
        "orders.yaml:7:96: deletes: 'E' is not in the enum of 'op', so no record has it"
    ]


def test_the_published_columns_keep_their_order() -> None:
    contract = contract_of(keyed(), top=custom("publish", "{columns: [op, id]}"))
    assert contract.publish.columns == ("op", "id")


def test_a_contract_that_drops_every_column_is_refused() -> None:
    assert messages_of(contract_text(OP % technique("drop"))) == [
        "every column is dropped; nothing is left to publish"
    ]
