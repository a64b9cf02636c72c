"""How long a layer is kept, judged against what is made from it for longer.

What a number of days may be is judged where it is read: `service_levels`.
"""

from math import inf

from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.names import Layer


def lint_retention(contract: Contract, place: Place) -> None:
    """Judge the days of `contract` per layer; those of the custom property stand at `place`."""
    if contract.publish.mode == "upsert":
        why = "in mode upsert published is made from it again with every batch"
        _check_outlives(contract, Layer.ANONYMIZED, why, place)
    for key in contract.unique_keys:
        if key.scope == "dataset":
            why = f"{key.name} asks it for the keys of all that is published"
            _check_outlives(contract, Layer.VALIDATED, why, place)


def _check_outlives(contract: Contract, layer: Layer, why: str, place: Place) -> None:
    """A layer that published needs is kept for at least as long as published is."""
    days, published = (contract.retention.get(of, inf) for of in (layer, Layer.PUBLISHED))
    if days < published:
        until = "for ever" if published == inf else f"for {published:g} days"
        (place / layer).error(
            f"retention: {layer} is kept for {days:g} days and published {until}, but {why}; "
            f"keep {layer} for at least as long"
        )
