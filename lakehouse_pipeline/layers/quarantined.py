"""The quarantined layer: what validated did not take, as it stood, with every reason.

It is defined as raw minus validated, so no record can be in neither; a record without a reason
would be a bug, and the pipeline refuses to commit one.
"""

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.layers.judged import waives
from lakehouse_pipeline.layers.rules import Rule, record_rules
from lakehouse_pipeline.names import (
    BATCH_ID,
    DEFECT,
    REASONS,
    RECORD,
    TEXT,
    identifier,
    literal,
)

REASON_TYPE = 'STRUCT("rule" VARCHAR, "column" VARCHAR, "message" VARCHAR)'


def reasons(contract: Contract, *, waivers: bool = False) -> str:
    """Return SQL over judged records: the list of rules a record breaks, in contract order.

    Without those that only warn and, with `waivers`, those a person lets the record break.
    """
    defect = (
        f"CASE WHEN {DEFECT} IS NOT NULL THEN {{'rule': {DEFECT}.rule, 'column': NULL, "
        f"'message': {DEFECT}.message}}::{REASON_TYPE} END"
    )
    each = [
        f"CASE WHEN {_counts(rule, waivers=waivers)} THEN {{'rule': {literal(rule.name)}, "
        f"'column': {literal(rule.column) if rule.column else 'NULL'}, "
        f"'message': {literal(rule.message)}}}::{REASON_TYPE} END"
        for rule in record_rules(contract)
        if rule.severity == "error"
    ]
    return f"list_filter([{', '.join([defect, *each])}], lambda reason: reason IS NOT NULL)"


def _counts(rule: Rule, *, waivers: bool) -> str:
    if waivers and rule.releasable:
        return f"({rule.broken}) AND NOT {waives(rule)}"
    return rule.broken


def rest(raw: str, validated: str) -> str:
    """Return SQL of the records that validated did not take.

    `validated` is SQL of a relation with the `_batch_id` and `_record` that it took.
    """
    return f"(SELECT * FROM {raw} ANTI JOIN {validated} USING ({BATCH_ID}, {RECORD}))"


def quarantined(contract: Contract, judged: str, *, waivers: bool = False) -> str:
    """Return SQL over the judged rest: the columns' original texts, `_text`, `_reasons`.

    And the system columns `_record`, `_batch_id`.
    """
    columns = [f"c{i} AS {identifier(column.name)}" for i, column in enumerate(contract.columns)]
    text = f"coalesce(try(decode({DEFECT}.bytes)), CAST({DEFECT}.bytes AS VARCHAR)) AS {TEXT}"
    return (
        f"SELECT {', '.join(columns)}, {text}, {reasons(contract, waivers=waivers)} AS {REASONS}, "
        f"{RECORD}, {BATCH_ID} FROM ({judged})"
    )
