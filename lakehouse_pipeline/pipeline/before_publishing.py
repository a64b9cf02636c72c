"""What a batch must pass between anonymized and published, in this order."""

from collections.abc import Generator, Sequence

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.outcomes import Outcome
from lakehouse_pipeline.pipeline.protection import pass_protection
from lakehouse_pipeline.pipeline.published_rules import pass_published_rules
from lakehouse_pipeline.pipeline.undeclared import pass_search


def pass_before_publishing(
    lake: Lake, contract: Contract, batches: Sequence[str], arrived: Sequence[str]
) -> Generator[Outcome, None, list[str]]:
    """Return the batches that may be published; the others are withdrawn."""
    passed = yield from pass_search(lake, contract, batches, arrived)
    passed = yield from pass_published_rules(lake, contract, passed, arrived)
    return (yield from pass_protection(lake, contract, passed, arrived))
