"""What becomes of personal values and what published promises, in plain words."""

from collections.abc import Mapping

from lakehouse_pipeline.contracts.hierarchies import levels_of
from lakehouse_pipeline.contracts.model import Anonymize, Column, Privacy
from lakehouse_pipeline.contracts.techniques import REDACTED, kept_ends, noise_bounds, whole

_TECHNIQUES = {
    "hash": "replaced by a hash: the same value gives the same 64 digits, and none leads back",
    "drop": "left out of everything that is published",
    "tokenize": "replaced by a random token: the same value gives the same token, and only a "
    "person with access to the vault and a reason can look it up",
    "suppress": "published without its values",
    "custom": "replaced by what an expression of the contract makes of it",
}


def privacy_in_words(column: Column) -> str:  # noqa: PLR0911 - one per technique
    """Return what becomes of a column's values before they are published, empty when nothing."""
    if column.anonymize is None:
        return "published as it is" if column.personal else ""
    technique, given = column.anonymize.technique, column.anonymize.parameters
    match technique:
        case "mask":
            return _masked(column.anonymize)
        case "pseudonymize":
            return (
                f"replaced by a made-up {given['kind']}: the same value gives the same one, and "
                "none leads back"
            )
        case "generalize":
            return _coarser(given)
        case "redact":
            return f"replaced by {given.get('value', REDACTED)}"
        case "noise":
            low, high = noise_bounds(column)
            return (
                f"changed by random noise (Laplace, epsilon {given['epsilon']}, sensitivity "
                f"{given['sensitivity']}), between {low} and {high}"
            )
        case "aggregate":
            return f"the mean of at least {whole(column.anonymize, 'k')} similar values"
        case _:
            return _TECHNIQUES.get(technique, technique)


def protection_in_words(privacy: Privacy) -> str:
    """Return what published promises about groups of people."""
    names = ", ".join(privacy.quasi_identifiers)
    words = [f"at least {privacy.k} records share each combination of {names}"]
    sensitive = ", ".join(privacy.sensitive)
    if privacy.l is not None:
        words.append(f"each such group has at least {privacy.l} different values of {sensitive}")
    if privacy.t is not None:
        words.append(f"its distribution of {sensitive} is within {privacy.t:g} of that of all")
    left = {"suppress": "Other records are withheld.", "refuse": "Other batches are refused."}
    return f"{'; '.join(words)}. {left[privacy.below]}"


def _masked(anonymize: Anonymize) -> str:
    kept = [
        f"the {end} {count} character{'' if count == 1 else 's'}"
        for end, count in zip(("first", "last"), kept_ends(anonymize), strict=True)
        if count
    ]
    form = anonymize.parameters.get("format")
    keeps = " and its domain" if form == "email" else " and its separators" if form else ""
    character = anonymize.parameters.get("character", "*")
    except_ = f", except {' and '.join(kept)}{keeps}" if kept else ""
    return f"masked with {character}{except_}"


def _coarser(given: Mapping[str, object]) -> str:
    if "to" in given:
        return f"only its {given['to']}"
    if "step" in given:
        return f"only its range of {given['step']}"
    if "prefix" in given:
        return f"only its first {given['prefix']} characters"
    if "hierarchy" in given:
        levels = levels_of(str(given["hierarchy"]))
        return f"only its {given.get('level', levels[1])}"
    bands = given["bands"]
    edges = ", ".join(str(edge) for edge in bands) if isinstance(bands, list) else ""
    return f"only its band between {edges}"
