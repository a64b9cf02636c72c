"""What a steward is asked to decide on a page: versions that wait, rules that may be broken."""

from collections.abc import Iterator
from dataclasses import dataclass

from lakehouse_pipeline.contracts.compare import compare
from lakehouse_pipeline.contracts.comparison.change import Change
from lakehouse_pipeline.contracts.life_cycle import LifeCycle, State
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.person import person
from lakehouse_pipeline.layers.rules import record_rules


@dataclass(frozen=True, slots=True)
class Waiting:
    """A version that waits for approval, and what it changes; `own`: its author looks at it.

    `first`: no version was active before it.
    """

    version: str
    author: str
    changes: tuple[Change, ...]
    first: bool
    own: bool


def waiting_versions(life: LifeCycle, name: str | None) -> Iterator[Waiting]:
    """Yield the versions that somebody has to approve, the newest first; `name` looks at them."""
    for version in reversed(tuple(life.versions.values())):
        if version.state is State.DRAFT and life.needs_approval(version):
            former = life.former
            changes = compare(former.contract, version.contract) if former else ()
            own = name is not None and person(name) in version.authors
            yield Waiting(version.name, version.author, tuple(changes), former is None, own)


def releasable(contract: Contract) -> frozenset[str]:
    """Return the rules that a record may be released from; others need a correction."""
    return frozenset(rule.name for rule in record_rules(contract) if rule.releasable)
