"""The vault without the values that no record has any longer, after retention took records out.

Whatever is left in the vault by a run that was killed goes the next time: what is looked for are
the values that nobody has, not those that just left.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from lakehouse_pipeline.contracts.counted import counted
from lakehouse_pipeline.lake.vault import Kept
from lakehouse_pipeline.names import VAULT
from lakehouse_pipeline.pipeline.token_holders import HOLDING, Holders


@dataclass(frozen=True, slots=True)
class Forgotten:
    """So many `values` that leave the vault, for no record has them any longer."""

    dataset: str
    values: int
    layer: str = VAULT

    def __str__(self) -> str:
        return f"{counted(self.values, 'value')} leave the {self.layer}"


def forget_unheld(holders: Holders, announce: Callable[[Forgotten], None]) -> Forgotten:
    """Take out of a dataset's vaults what no record has, in whatever dataset; return how much.

    `announce` is told before, unless it is nothing. Holds the locks of all datasets that share a
    vault with this one.
    """
    with holders.locked(), holders.unheld(_kept(holders)) as nobodys:
        forgotten = Forgotten(holders.dataset, len(nobodys))
        if forgotten.values:
            announce(forgotten)
            holders.lake.replacer.vault.forget(nobodys)
    return forgotten


def count_unheld(holders: Holders, leaving: Mapping[str, Collection[str]]) -> Forgotten:
    """Return what nobody has once these batches have left their layers; changes nothing."""
    batches = {layer: holders.lake.tables.batches(holders.dataset, layer) for layer in HOLDING}
    staying = {layer: sorted(batches[layer] - set(leaving.get(layer, ()))) for layer in HOLDING}
    with holders.unheld(_kept(holders), staying=staying) as nobodys:
        return Forgotten(holders.dataset, len(nobodys))


def _kept(holders: Holders) -> Iterator[list[Kept]]:
    vault = holders.lake.replacer.vault
    return (some for name in holders.vaults for some in vault.chunks(name))
