"""The columns that a rule of several columns is about, by the rule's name: what reports show.

A rule of one column names it itself. How rules are judged is in `layers/rules`.
"""

from collections.abc import Iterator

from lakehouse_pipeline.contracts.model import Contract


def rule_columns(contract: Contract) -> dict[str, tuple[str, ...]]:
    """Return the columns of composite keys, foreign keys and custom rules, by the rule's name."""
    return dict(_named(contract))


def _named(contract: Contract) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield from ((key.name, key.columns) for key in contract.unique_keys)
    yield from ((key.name, key.columns) for key in contract.foreign_keys)
    yield from ((rule.name, rule.columns) for rule in contract.expressions)
    yield from ((rule.name, rule.columns) for rule in contract.pandera_checks)
