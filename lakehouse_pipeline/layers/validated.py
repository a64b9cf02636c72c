"""The validated layer: records that keep every rule, in the contract's types."""

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.layers.judged import broken
from lakehouse_pipeline.layers.values import stored_type
from lakehouse_pipeline.names import BATCH_ID, RECORD, identifier


def validated(contract: Contract, judged: str) -> str:
    """Return SQL: the contract's columns in its types, `_record`, `_batch_id`."""
    columns = [
        f"{'x' if stored_type(column.type) == 'VARCHAR' else 't'}{i} AS {identifier(column.name)}"
        for i, column in enumerate(contract.columns)
    ]
    return (
        f"SELECT {', '.join(columns)}, {RECORD}, {BATCH_ID} FROM ({judged}) "
        f"WHERE NOT ({broken(contract)})"
    )
