"""What Dagster loads: the assets of every sound contract, and the sensor over their files.

A contract with an error never takes the others down: the asset `<dataset>/contract` says what is
wrong with it.
"""

import dagster as dg

from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.landing import Landing
from lakehouse_pipeline.orchestration.assets import dataset_assets, dataset_job
from lakehouse_pipeline.orchestration.contract_asset import contract_specs
from lakehouse_pipeline.orchestration.erasure_check import erasure_checks
from lakehouse_pipeline.orchestration.erasure_job import erasure_schedule
from lakehouse_pipeline.orchestration.instance import prepare_home
from lakehouse_pipeline.orchestration.retention_job import retention_schedule
from lakehouse_pipeline.orchestration.sensors import landing_sensor
from lakehouse_pipeline.settings import Settings


def lakehouse_definitions(settings: Settings) -> dg.Definitions:
    """Return the definitions of one home, from the contracts it holds now."""
    prepare_home(settings)
    store = ContractStore(settings.contracts)
    contracts, refused = store.survey()
    for contract in contracts:
        Landing(settings.landing).folder(contract.dataset).mkdir(exist_ok=True)
    jobs = {contract.dataset: dataset_job(contract.dataset) for contract in contracts}
    return dg.Definitions(
        assets=[
            *(dataset_assets(contract, settings) for contract in contracts),
            *contract_specs(store, refused),
        ],
        jobs=list(jobs.values()),
        asset_checks=erasure_checks(settings, store),
        sensors=[landing_sensor(settings, jobs)] if jobs else [],
        schedules=[retention_schedule(settings), erasure_schedule(settings)] if jobs else [],
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions of the home that `LAKEHOUSE_HOME` names."""
    return lakehouse_definitions(Settings())
