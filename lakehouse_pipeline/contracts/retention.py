"""When records leave a layer: the days a contract keeps them, against when they first arrived.

Only time is looked at here; what a layer still holds, and how it is taken out, is in
`pipeline/retention.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.names import LANDING, Layer

DAY_SECONDS = 86_400.0

ORDER = (*reversed(Layer), LANDING)
"""The order in which a batch leaves: what consumers read first, what the others come from last."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """A batch that has been in `layer` (or landing) for longer than the contract's `days`."""

    batch: str
    layer: str
    days: float
    age_days: float


def expiries(contract: Contract, arrived: Mapping[str, float], now: float) -> list[Expiry]:
    """Return which batches are to leave which layers.

    A batch stays for exactly the contract's days, and leaves when it is older.

    Args:
        contract: whose `retention` decides; a layer it does not name keeps everything.
        arrived: when each batch first arrived, in seconds since 1970 UTC.
        now: the same for the present moment.

    Returns:
        By layer, published first, raw and landing last; within a layer in the order of `arrived`.
    """
    ages = {batch: (now - then) / DAY_SECONDS for batch, then in arrived.items()}
    return [
        Expiry(batch, layer, contract.retention[layer], age)
        for layer in ORDER
        if layer in contract.retention
        for batch, age in ages.items()
        if age > contract.retention[layer]
    ]
