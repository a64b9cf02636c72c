"""The validated layer: records that keep every rule, in the contract's types."""

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.layers.judged import broken
from lakehouse_pipeline.layers.values import stored_type
from lakehouse_pipeline.names import BATCH_ID, RECORD, RELEASED, WAIVED, identifier


def validated(contract: Contract, judged: str, *, waivers: bool = False) -> str:
    """Return SQL: the contract's columns in its types, `_released`, `_record`, `_batch_id`.

    With `waivers` some records of `judged` may break a rule that a person lets them break.
    """
    columns = [
        f"{'x' if stored_type(column.type) == 'VARCHAR' else 't'}{i} AS {identifier(column.name)}"
        for i, column in enumerate(contract.columns)
    ]
    released = f"{WAIVED} IS NOT NULL AND ({broken(contract)})" if waivers else "false"
    return (
        f"SELECT {', '.join(columns)}, {released} AS {RELEASED}, {RECORD}, {BATCH_ID} "
        f"FROM ({judged}) WHERE NOT ({broken(contract, waivers=waivers)})"
    )
