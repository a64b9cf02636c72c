"""What Dagster loads: the assets of every sound contract, and the sensor over their files.

A contract with an error never takes the others down: it stands in the graph as
`<dataset>/contract`, described by what is wrong with it.
"""

import dagster as dg

from lakehouse_pipeline.lake.contract_store import ContractStore, Refused
from lakehouse_pipeline.lake.landing import Landing
from lakehouse_pipeline.orchestration.assets import dataset_assets, dataset_job
from lakehouse_pipeline.orchestration.instance import prepare_home
from lakehouse_pipeline.orchestration.keys import contract_key, plain
from lakehouse_pipeline.orchestration.retention_job import retention_schedule
from lakehouse_pipeline.orchestration.sensors import landing_sensor
from lakehouse_pipeline.settings import Settings


def lakehouse_definitions(settings: Settings) -> dg.Definitions:
    """Return the definitions of one home, from the contracts it holds now."""
    prepare_home(settings)
    contracts, refused = ContractStore(settings.contracts).survey()
    for contract in contracts:
        Landing(settings.landing).folder(contract.dataset).mkdir(exist_ok=True)
    jobs = {contract.dataset: dataset_job(contract.dataset) for contract in contracts}
    return dg.Definitions(
        assets=[
            *(dataset_assets(contract, settings) for contract in contracts),
            *(_refused_spec(dataset, refused) for dataset in sorted({r.dataset for r in refused})),
        ],
        jobs=list(jobs.values()),
        sensors=[landing_sensor(settings, jobs)] if jobs else [],
        schedules=[retention_schedule(settings)] if jobs else [],
        executor=dg.in_process_executor,
    )


def _refused_spec(dataset: str, refused: list[Refused]) -> dg.AssetSpec:
    problems = [
        str(problem) for one in refused if one.dataset == dataset for problem in one.problems
    ]
    return dg.AssetSpec(
        contract_key(plain(dataset)),
        description="**This contract is refused.**\n\n" + "\n".join(f"- `{p}`" for p in problems),
        group_name=plain(dataset),
        kinds={"yaml"},
        tags={"refused": ""},
        metadata={"problems": len(problems)},
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions of the home that `LAKEHOUSE_HOME` names."""
    return lakehouse_definitions(Settings())
