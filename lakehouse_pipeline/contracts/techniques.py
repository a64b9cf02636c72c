"""The techniques that make a column safe: their names, their parameters and what they publish.

Parameters are judged one by one in `technique_parameters`, against the column in
`lint_techniques`. The SQL of a technique is in `layers/techniques.py` and `layers/keyed.py`.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, cast

from lakehouse_pipeline.contracts.model import Anonymize, Column, Contract
from lakehouse_pipeline.contracts.types import ColumnType, column_type

TECHNIQUES: Mapping[str, tuple[str, ...]] = {
    "hash": ("preserveNull",),
    "mask": ("keepFirst", "keepLast", "character", "format", "preserveFormat"),
    "drop": (),
    "tokenize": ("vault", "preserveNull"),
    "pseudonymize": ("kind", "locale", "preserveNull"),
    "generalize": (
        "step",
        "bands",
        "asOf",
        "to",
        "prefix",
        "preserveFormat",
        "hierarchy",
        "level",
        "otherwise",
    ),
    "suppress": (),
    "redact": ("value", "preserveNull"),
    "noise": ("epsilon", "sensitivity", "minimum", "maximum"),
    "aggregate": ("k",),
    "custom": ("expression", "type"),
}
"""Every technique with the parameters it takes."""

MASK: Mapping[str, object] = {
    "keepFirst": 0,
    "keepLast": 0,
    "character": "*",
    "format": None,
    "preserveFormat": False,
}
"""The parameters of `mask` and what they are when the contract does not give them."""

MASK_FORMATS: Mapping[str, tuple[int, int]] = {
    "email": (1, 0),
    "phone": (0, 2),
    "card": (0, 4),
    "iban": (2, 4),
}
"""How many letters and digits each format keeps first and last without keepFirst and keepLast."""

PSEUDONYMS = ("name", "firstName", "lastName", "email", "phone", "address")
LOCALES = ("en", "de")
PERIODS = ("month", "quarter", "year", "decade")
"""What a date may be generalized to, from the finest to the coarsest."""

STEP_DIGITS = 18
"""How many digits a step may have: ranges are told in decimals, and never in rounded numbers."""

MOST_KEPT = 32
"""How many characters a mask keeps at each end at most: more is no mask."""

REDACTED = "[redacted]"
CUSTOM_TYPES = ("string", "integer", "number", "boolean", "date", "timestamp")
TELLS_APART = ("", "hash", "tokenize")
"""Techniques (none: no technique) after which two different values are still different."""

Purpose = Literal["hash", "pseudonym", "noise"]
"""What a keyed technique needs its key for: each purpose has a key of its own."""

KEYED: Mapping[str, Purpose] = {"hash": "hash", "pseudonymize": "pseudonym", "noise": "noise"}

_TEXT = ColumnType("string", "VARCHAR")


def technique_of(column: Column) -> str:
    """Return the technique of a column, empty without one."""
    return column.anonymize.technique if column.anonymize else ""


def whole(anonymize: Anonymize, name: str, default: int = 0) -> int:
    """Return a parameter that is a whole number."""
    return int(str(anonymize.parameters.get(name, default)))


def step_scale(step: Decimal) -> int:
    """Return how many digits a step has behind the point."""
    exponent = step.normalize().as_tuple().exponent
    return max(0, -int(exponent))


def kept_ends(anonymize: Anonymize) -> tuple[int, int]:
    """Return how many characters a mask keeps first and last; of a format its own defaults."""
    first, last = MASK_FORMATS.get(str(anonymize.parameters.get("format")), (0, 0))
    return whole(anonymize, "keepFirst", first), whole(anonymize, "keepLast", last)


def vault_of(dataset: str, column: Column) -> str:
    """Return the name of the vault that has a column's tokens: its own without a parameter."""
    given = column.anonymize.parameters.get("vault") if column.anonymize else None
    return str(given or f"{dataset}.{column.name}")


def noise_bounds(column: Column) -> tuple[str | None, str | None]:
    """Return the texts of the lowest and highest published value: the parameters, or the rules."""
    given = column.anonymize.parameters if column.anonymize else {}
    low, high = given.get("minimum", column.minimum), given.get("maximum", column.maximum)
    return (None if low is None else str(low)), (None if high is None else str(high))


def published_type(column: Column) -> ColumnType:
    """Return the type of a column in anonymized and published, which follows from its technique.

    The type stays under suppress and noise; a group's mean is a DOUBLE, of a DECIMAL the same
    DECIMAL; `custom` has the type it names. Every other technique gives text.
    """
    technique = technique_of(column)
    if technique in ("", "suppress", "noise"):
        return column.type
    if technique == "aggregate":
        is_decimal = column.type.sql.startswith("DECIMAL")
        return column.type if is_decimal else ColumnType("number", "DOUBLE")
    if technique == "custom":
        given = cast("Anonymize", column.anonymize).parameters.get("type", "string")
        return column_type(str(given), None, None)
    return _TEXT


def epsilons(contract: Contract) -> dict[str, float]:
    """Return the epsilon of each column that is published with noise."""
    return {
        column.name: float(str(column.anonymize.parameters["epsilon"]))
        for column in contract.columns
        if column.anonymize is not None and column.anonymize.technique == "noise"
    }


def may_be_null(column: Column) -> bool:
    """Return whether a value may be published as null although it is there."""
    return technique_of(column) in ("suppress", "aggregate", "custom")
