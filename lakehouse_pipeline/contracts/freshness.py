"""How late a dataset is: the promise of its contract, against its newest publication."""

from lakehouse_pipeline.contracts.model import Freshness


def lateness(freshness: Freshness, newest: float, now: float) -> float:
    """Return by how many seconds the next publication is overdue; 0 or less is in time.

    It is due `frequency` after the newest one, and late when `latency` has passed as well.

    Args:
        freshness: what the contract promises.
        newest: when the dataset was last published, in seconds since 1970 UTC.
        now: the same for the present moment.
    """
    return now - newest - (freshness.frequency + freshness.latency)
