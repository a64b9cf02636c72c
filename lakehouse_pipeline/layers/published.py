"""The published layer: the columns, names and order the contract promises."""

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.layers.anonymized import kept_columns
from lakehouse_pipeline.names import BATCH_ID, RECORD, RELEASED, identifier


def published_columns(contract: Contract) -> tuple[str, ...]:
    """Return the names of the published columns: `publish.columns`, or all kept ones."""
    return contract.publish.columns or tuple(column.name for column in kept_columns(contract))


def published(contract: Contract, anonymized: str) -> str:
    """Return SQL over `anonymized`: the published columns and the system columns."""
    names = [identifier(name) for name in published_columns(contract)]
    return f"SELECT {', '.join([*names, RELEASED, RECORD, BATCH_ID])} FROM {anonymized}"
