"""What people do with the key and the vault: each step leaves an event with who and why.

The event of a token that is read is durable before its value is shown.
"""

from dataclasses import dataclass

import dagster as dg

from lakehouse_pipeline.audit.events import Event, EventType
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.person import names, require_named
from lakehouse_pipeline.contracts.techniques import KEYED, technique_of, vault_of
from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.keys import rotate
from lakehouse_pipeline.lake.vault import Vault
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.events import report
from lakehouse_pipeline.orchestration.runs import Runs
from lakehouse_pipeline.settings import Settings

WITHHELD = "withheld: it names the value"
"""What an event has in place of a name or reason that has the token's value in it."""


class KeyInUseError(LakehouseError):
    """A new key without a replay would publish keys of an upsert twice."""

    exit_code = 2

    def __init__(self, datasets: list[str]) -> None:
        super().__init__(
            f"{', '.join(datasets)}: the primary key of an upsert is hashed, and under a new key a "
            "record would no longer find the one it replaces. Add --replay: every batch of the "
            "datasets that use the key is then made safe again under the new one."
        )


class UnknownTokenError(LakehouseError):
    """No column of the dataset has this token."""

    exit_code = 1

    def __init__(self, dataset: str) -> None:
        super().__init__(f"{dataset}: no tokenized column of this dataset has this token.")


class ValueNamedError(LakehouseError):
    """Who reads a token, or why, names its value, and both stay on record."""

    exit_code = 2

    def __init__(self, name: str) -> None:
        super().__init__(
            f"'{name}' has the token's value in it and would stay on record. Leave it out. That it "
            "was tried is on record."
        )


@dataclass(frozen=True, slots=True)
class Signed:
    """Who does it and why; neither may be empty."""

    by: str
    why: str

    def __post_init__(self) -> None:
        """Raise: NamelessStepError: nobody does it, or for no reason."""
        require_named(self.by, self.why)

    def event(self, kind: EventType, dataset: str, facts: dict[str, str | int | float]) -> Event:
        """Return the event of what was done."""
        return Event(kind, dataset, None, self.by, self.why, facts)


@dataclass(frozen=True, slots=True)
class Rotated:
    """The ids of the old and the new key, and the datasets whose values are made with it."""

    old: str
    new: str
    datasets: tuple[str, ...]
    replayed: bool


def rotate_key(
    instance: dg.DagsterInstance, settings: Settings, signed: Signed, *, replay: bool
) -> Rotated:
    """Make a new key the current one; with `replay` make every batch safe again under it.

    Raises: KeyInUseError: a key of an upsert is hashed, and nothing is to be replayed.
    """
    keyed = [c for c in ContractStore(settings.contracts).survey()[0] if _takes_key(c)]
    upserted = [c.dataset for c in keyed if c.publish.mode == "upsert" and _has_hashed_key(c)]
    if upserted and not replay:
        raise KeyInUseError(upserted)
    old, new = rotate(settings.keys)
    for contract in keyed:
        facts: dict[str, str | int | float] = {"old_key_id": old, "new_key_id": new}
        report(instance, signed.event(EventType.KEY_ROTATED, contract.dataset, facts), None)
    if replay:
        for contract in keyed:
            Runs(instance, settings, signed.by).replay(contract, [], Layer.ANONYMIZED)
    return Rotated(old, new, tuple(c.dataset for c in keyed), replay)


def read_token(
    instance: dg.DagsterInstance, settings: Settings, dataset: str, token: str, signed: Signed
) -> str:
    """Return the value that a token of the dataset stands for; its event is written before.

    Whoever names the value in the reason knows from the refusal that it is the right one: so that
    leaves the event too, without who and why where they name it.

    Raises: UnknownDatasetError, UnknownTokenError, ValueNamedError.
    """
    contract = ContractStore(settings.contracts).shown(dataset)
    vaults = {
        vault_of(dataset, column): column.name
        for column in contract.columns
        if technique_of(column) == "tokenize"
    }
    found = Vault(settings.home / "vault").value(token)
    if found is None or found[0] not in vaults:
        raise UnknownTokenError(dataset)
    facts: dict[str, str | int | float] = {"token": token, "column": vaults[found[0]]}
    said = {"by": signed.by, "why": signed.why}
    naming = [name for name, text in said.items() if names(text, found[1])]
    kept = Signed(**{name: WITHHELD if name in naming else text for name, text in said.items()})
    report(instance, kept.event(EventType.TOKEN_READ, dataset, facts), None)
    if naming:
        raise ValueNamedError(naming[0])
    return found[1]


def _takes_key(contract: Contract) -> bool:
    return any(technique_of(column) in KEYED for column in contract.columns)


def _has_hashed_key(contract: Contract) -> bool:
    return any(technique_of(contract.column(name)) in KEYED for name in contract.primary_key)
