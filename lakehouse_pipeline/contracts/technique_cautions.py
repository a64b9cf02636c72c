"""What each technique of a contract does not protect against, in a sentence per column.

These are no faults: lint refuses what may not be. docs/privacy.md says more, with sources.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import pairwise

from lakehouse_pipeline.contracts.model import Anonymize, Column, Contract
from lakehouse_pipeline.contracts.techniques import kept_ends, technique_of, vault_of, whole
from lakehouse_pipeline.contracts.types import least_step

TELLING = 4
"""How many characters of a value in a row are enough to find it by (docs/privacy.md)."""


def cautions(contract: Contract) -> list[str]:
    """Return what is to be known of the techniques, in the order of the columns."""
    said = (_caution(contract, column) for column in contract.columns)
    return [sentence for sentence in said if sentence]


def _caution(contract: Contract, column: Column) -> str:
    if column.anonymize is None:
        missing = "is personal and has no technique; it would be published as it stands"
        return f"column '{column.name}' {missing}" if column.personal else ""
    technique = technique_of(column)
    if technique == "tokenize":
        vault = vault_of(contract.dataset, column)
        return f"{_of(column)}: pseudonymous; who may read the vault '{vault}' undoes it"
    known = _CAUTIONS.get(technique)
    said = known(column.anonymize, column) if known else ""
    return f"{_of(column)}: {said}" if said else ""


def _of(column: Column) -> str:
    return f"{technique_of(column)} of '{column.name}'"


def _mask(anonymize: Anonymize, _column: Column) -> str:
    if anonymize.parameters.get("format") == "email":
        return "weak; the domain stays, which names an employer and may name a person"
    longest = max(kept_ends(anonymize))
    if longest >= TELLING:
        return f"weak; {longest} characters in a row stay"
    return "weak; a part of the value and its length stay"


def _generalize(anonymize: Anonymize, column: Column) -> str:
    first = whole(anonymize, "prefix")
    if first >= TELLING:
        return f"weak; the first {first} characters stay"
    bands, step = anonymize.parameters.get("bands"), least_step(column.type.sql)
    if not isinstance(bands, list) or "asOf" in anonymize.parameters or step is None:
        return ""
    edges = pairwise(Decimal(str(edge)) for edge in bands)
    narrow = [f"[{low:f},{high:f})" for low, high in edges if high - low <= step]
    return f"weak; one value alone is in {', '.join(narrow)}" if narrow else ""


_CAUTIONS: Mapping[str, Callable[[Anonymize, Column], str]] = {
    "mask": _mask,
    "generalize": _generalize,
    "hash": lambda *_: "pseudonymous, not anonymous; who holds the key can look for a value",
    "pseudonymize": lambda *_: "pseudonymous, not anonymous; the same value has the same pseudonym",
    "noise": lambda *_: "not differential privacy; equal values get equal noise",
    "custom": lambda *_: "nobody has looked whether the expression leads back to the value",
}
