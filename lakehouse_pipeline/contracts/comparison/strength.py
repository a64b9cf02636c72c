"""How much of a value a technique leaves: what tells a weaker technique from a stronger one."""

from collections.abc import Mapping

from lakehouse_pipeline.contracts.hierarchies import chosen_level, levels_of
from lakehouse_pipeline.contracts.model import Anonymize
from lakehouse_pipeline.contracts.techniques import PERIODS, kept_ends, whole

STRENGTH = {
    "": 0,
    "custom": 1,
    "mask": 1,
    "noise": 1,
    "generalize": 1,
    "aggregate": 1,
    "tokenize": 2,
    "hash": 3,
    "pseudonymize": 3,
    "redact": 4,
    "suppress": 4,
    "drop": 5,
}
"""No technique, and each technique, from the weakest to the strongest.

1: a part of the value is left. 2: none, but a vault leads back to it. 3: none; who has the key can
try values. 4: only whether there was one. Two techniques of one strength cannot be compared.
"""


def left_of_it(anonymize: Anonymize) -> Mapping[str, float]:  # noqa: PLR0911 - one per technique
    """Return how much each parameter leaves of a value: more is weaker.

    Only parameters that have an order; techniques whose names here differ cannot be compared.
    """
    given = anonymize.parameters
    match anonymize.technique:
        case "mask":
            first, last = kept_ends(anonymize)
            return {"first": first, "last": last, f"format {given.get('format')}": 0}
        case "noise":
            return {"epsilon": _number(given, "epsilon") / _number(given, "sensitivity")}
        case "aggregate":
            return {"k": -whole(anonymize, "k")}
        case "generalize" if "to" in given:
            return {"to": -PERIODS.index(str(given["to"]))}
        case "generalize" if "step" in given:
            return {"step": -_number(given, "step")}
        case "generalize" if "prefix" in given:
            return {"prefix": _number(given, "prefix")}
        case "generalize" if "hierarchy" in given:
            levels = ",".join(levels_of(str(given["hierarchy"])))
            return {f"hierarchy {levels}": -chosen_level(anonymize)}
        case _:
            return {}


def _number(given: Mapping[str, object], name: str) -> float:
    return float(str(given[name]))
