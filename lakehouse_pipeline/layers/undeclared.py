"""The search for personal values in columns not marked personal, as SQL."""

from collections.abc import Mapping, Sequence

from lakehouse_pipeline.contracts.infer.undeclared import FORMS, PROVEN, SCANNED, looked_at
from lakehouse_pipeline.contracts.model import Column, Contract
from lakehouse_pipeline.contracts.promised import promised_columns
from lakehouse_pipeline.names import BATCH_ID, RECORD, identifier, literal


def searched_columns(contract: Contract) -> tuple[Column, ...]:
    """Return the published columns whose values are searched."""
    shown = promised_columns(contract)
    return tuple(c for c in contract.columns if c.name in shown and looked_at(c))


def sampled(source: str, counts: Mapping[str, int]) -> str:
    """Return SQL of `source` with at most about `SCANNED` records of each batch, evenly spread.

    `counts` has the records of each batch. The same records are chosen each time.
    """
    steps = {batch: count // SCANNED + 1 for batch, count in counts.items()}
    if all(step == 1 for step in steps.values()):
        return source
    cases = " ".join(f"WHEN {literal(batch)} THEN {step}" for batch, step in steps.items())
    return f"(SELECT * FROM {source} WHERE {RECORD} % (CASE {BATCH_ID} {cases} ELSE 1 END) = 0)"


def candidates(columns: Sequence[Column], source: str) -> str:
    """Return SQL with a row per batch: `_batch_id`, then per column its values and each form's.

    Of each form the number of values that have it and a list of different ones to prove: of each
    value the parts that have the form, a line each.
    """
    parts = [BATCH_ID]
    for column in columns:
        name = identifier(column.name)
        text = name if column.type.logical == "string" else f"CAST({name} AS VARCHAR)"
        parts.append(f"count({name})")
        for form in FORMS.values():
            pattern = literal(form.pattern)
            matches = f"regexp_matches({text}, {pattern})"
            found = f"array_to_string(regexp_extract_all({text}, {pattern}), chr(10))"
            sample = f"list(DISTINCT CASE WHEN {matches} THEN {found} END) FILTER ({matches})"
            proven = f"({sample})[1:{PROVEN}]" if form.proof else "NULL::VARCHAR[]"
            parts += [f"count(*) FILTER ({matches})", proven]
    return f"SELECT {', '.join(parts)} FROM {source} GROUP BY {BATCH_ID}"
