"""What consumers see of a contract: the names, the order and the types of the published columns.

The SQL that makes them is in `layers/published.py` and `layers/anonymized.py`; a test holds the
two against each other.
"""

from lakehouse_pipeline.contracts.model import Column, Contract
from lakehouse_pipeline.contracts.techniques import published_type


def is_dropped(column: Column) -> bool:
    """Return whether the column ends in validated."""
    return column.anonymize is not None and column.anonymize.technique == "drop"


def promised_columns(contract: Contract) -> tuple[str, ...]:
    """Return the published columns in their order: `publish.columns`, or all not dropped."""
    kept = tuple(column.name for column in contract.columns if not is_dropped(column))
    return contract.publish.columns or kept


def stored_type(column: Column) -> str:
    """Return the SQL type of the column in validated; Delta has no TIME, it stays text."""
    return "VARCHAR" if column.type.sql == "TIME" else column.type.sql


def promised_type(column: Column) -> str:
    """Return the SQL type of the column in anonymized and published (`techniques`)."""
    kind = published_type(column)
    return "VARCHAR" if kind.sql == "TIME" else kind.sql
