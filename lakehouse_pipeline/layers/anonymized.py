"""The anonymized layer: personal columns made safe by the contract's techniques, as SQL.

The SQL gives columns to be hashed as text; `lake/hashing.py` hashes them on their way to the file.
"""

from lakehouse_pipeline.contracts.model import Anonymize, Column, Contract
from lakehouse_pipeline.names import BATCH_ID, RECORD, RELEASED, identifier, literal


def kept_columns(contract: Contract) -> tuple[Column, ...]:
    """Return the columns that go past validated: all but the dropped ones, in contract order."""
    return tuple(
        column
        for column in contract.columns
        if column.anonymize is None or column.anonymize.technique != "drop"
    )


def hashed_columns(contract: Contract) -> tuple[int, ...]:
    """Return the positions in `anonymized` of the columns that are still to be hashed."""
    return tuple(
        i
        for i, column in enumerate(kept_columns(contract))
        if column.anonymize is not None and column.anonymize.technique == "hash"
    )


def anonymized(contract: Contract, validated: str) -> str:
    """Return SQL over `validated` (SQL of a relation): kept columns and the system columns.

    Columns at `hashed_columns` are plain text in it.
    """
    columns = [
        f"{_safe(column.anonymize, identifier(column.name))} AS {identifier(column.name)}"
        for column in kept_columns(contract)
    ]
    return f"SELECT {', '.join([*columns, RELEASED, RECORD, BATCH_ID])} FROM {validated}"


def _safe(anonymize: Anonymize | None, value: str) -> str:
    if anonymize is None:
        return value
    return {"hash": _text, "mask": _mask}[anonymize.technique](anonymize, value)


def _text(_anonymize: Anonymize, value: str) -> str:
    return f"CAST({value} AS VARCHAR)"


def _mask(anonymize: Anonymize, value: str) -> str:
    """Return SQL: the text with all but its first and last characters masked; null stays.

    A text too short to hide anything between the kept ends is masked whole.
    """
    first = int(str(anonymize.parameters.get("keepFirst", 0)))
    last = int(str(anonymize.parameters.get("keepLast", 0)))
    character = literal(str(anonymize.parameters.get("character", "*")))
    text = f"CAST({value} AS VARCHAR)"
    hidden = f"repeat({character}, length({text}) - {first + last})"
    ends = [f"left({text}, {first})", hidden] + ([f"right({text}, {last})"] if last else [])
    return (
        f"CASE WHEN length({text}) <= {first + last} THEN repeat({character}, length({text})) "
        f"ELSE {' || '.join(ends)} END"
    )
