"""The invariants of a home: what is on disk against what the event stream says."""

from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg

from lakehouse_pipeline.contracts.life_cycle import Version
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.layers.anonymized import dropped_columns
from lakehouse_pipeline.orchestration.batches import BatchState, batch_states
from lakehouse_pipeline.pipeline.lake import open_lake
from lakehouse_pipeline.pipeline.verify import Recorded, Violation, verify_dataset
from lakehouse_pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class Verification:
    """How much was looked at, and every violation found."""

    batches: int
    records: int
    violations: list[Violation]


def verify_home(
    instance: dg.DagsterInstance, settings: Settings, dataset: str | None = None
) -> Verification:
    """Verify a dataset, or all. Raises: UnknownDatasetError: there is no such dataset."""
    store = ContractStore(settings.contracts)
    contracts = store.survey()[0] if dataset is None else [store.shown(dataset)]
    batches, records, violations = 0, 0, []
    with open_lake(settings.home, settings.memory_limit, settings.threads, settings.place) as lake:
        for contract in contracts:
            states = batch_states(instance, contract.dataset)
            versions = store.life_cycle(contract.dataset).versions
            recorded = {state.batch: _recorded(state, versions) for state in states}
            violations += verify_dataset(lake, contract, recorded)
            batches += len(states)
            records += sum(state.records or 0 for state in states)
    return Verification(batches, records, violations)


def _recorded(state: BatchState, versions: Mapping[str, Version]) -> Recorded:
    former = versions.get(state.anonymized_under) if state.rolled_back else None
    return Recorded(
        state.state,
        state.records,
        state.validated,
        state.quarantined,
        state.physical_lines,
        state.header_lines,
        state.blank_lines,
        frozenset(state.expired),
        state.published,
        state.withheld,
        state.contract_version,
        dropped_columns(former.contract) if former else None,
    )
