"""The anonymized layer: personal columns made safe by the contract's techniques, as SQL.

In two steps, between which `lake/replacing.py` replaces texts that need a key or a vault:
`prepared` over validated, `anonymized` over that. The techniques are in `techniques` and `keyed`.
"""

from dataclasses import dataclass

from lakehouse_pipeline.contracts.model import Column, Contract
from lakehouse_pipeline.contracts.techniques import KEYED, technique_of, vault_of
from lakehouse_pipeline.layers.keyed import keyed_value
from lakehouse_pipeline.layers.techniques import group_mean, plainly_safe, ranked, text_of
from lakehouse_pipeline.names import BATCH_ID, RECORD, RELEASED, identifier


@dataclass(frozen=True, slots=True)
class Replaced:
    """Texts of `prepared` that are to be replaced: by a token of `vault`, or under the key."""

    position: int
    purpose: str
    vault: str = ""


def kept_columns(contract: Contract) -> tuple[Column, ...]:
    """Return the columns that go past validated: all but the dropped ones, in contract order."""
    return tuple(column for column in contract.columns if technique_of(column) != "drop")


def dropped_columns(contract: Contract) -> frozenset[str]:
    """Return the names of the columns that end in validated."""
    kept = {column.name for column in kept_columns(contract)}
    return frozenset(name for name in contract.column_names if name not in kept)


def replaced_columns(contract: Contract) -> tuple[Replaced, ...]:
    """Return which columns of `prepared` are still to be replaced."""
    found = []
    texts = [i for i, column in enumerate(kept_columns(contract)) if _is_replaced(column)]
    for position, i in enumerate(texts, start=len(kept_columns(contract))):
        column = kept_columns(contract)[i]
        if technique_of(column) == "tokenize":
            found.append(Replaced(position, "token", vault_of(contract.dataset, column)))
        else:
            found.append(Replaced(position, KEYED[technique_of(column)]))
    return tuple(found)


def prepared(contract: Contract, validated: str) -> str:
    """Return SQL over `validated` (SQL of a relation): `v0…`, `k…` and the system columns.

    `v<i>` is the safe value of kept column i, or its own where a text `k<i>` is to be replaced.
    """
    kept = list(enumerate(kept_columns(contract)))
    grouped = [ranked(column, i) for i, column in kept if technique_of(column) == "aggregate"]
    source = f"(SELECT *, {', '.join(grouped)} FROM {validated})" if grouped else validated
    values = [f"{_value(contract, column, i)} AS v{i}" for i, column in kept]
    texts = [
        f"{text_of(column.anonymize, identifier(column.name))} AS k{i}"
        for i, column in kept
        if column.anonymize is not None and _is_replaced(column)
    ]
    columns = ", ".join([*values, *texts, RELEASED, RECORD, BATCH_ID])
    return f"SELECT {columns} FROM {source}"


def anonymized(contract: Contract, source: str) -> str:
    """Return SQL over `source` (`prepared`, its texts replaced): kept and system columns."""
    columns = [
        f"{keyed_value(column, f'v{i}', f'k{i}') if _is_replaced(column) else f'v{i}'} "
        f"AS {identifier(column.name)}"
        for i, column in enumerate(kept_columns(contract))
    ]
    return f"SELECT {', '.join([*columns, RELEASED, RECORD, BATCH_ID])} FROM {source}"


def looks_at_batch(contract: Contract) -> bool:
    """Return whether what becomes of a record depends on the others of its batch."""
    grouped = any(technique_of(column) == "aggregate" for column in contract.columns)
    return grouped or contract.privacy is not None


def _is_replaced(column: Column) -> bool:
    return technique_of(column) in (*KEYED, "tokenize")


def _value(contract: Contract, column: Column, place: int) -> str:
    if technique_of(column) == "aggregate":
        return group_mean(column, place)
    if technique_of(column) == "noise":
        return identifier(column.name)
    if _is_replaced(column):
        return "NULL"
    return plainly_safe(column, contract.column_names)
