"""The assets of a dataset: one multi-asset with the five layers, made from its contract.

Its body calls `process` and records, batch by batch, only what really happened: a refused batch
gets no materialization of its later layers (`waiting.py`: nor one whose contract is not approved).
Why one multi-asset and logged events, and not five
assets, is in docs/decisions/0001-one-multi-asset-per-dataset.md.
"""

import warnings
from collections.abc import Iterator

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import (
    UnresolvedAssetJobDefinition,
)

from lakehouse_pipeline.contracts.export.privacy_words import protection_in_words
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.freshness import freshness_policy
from lakehouse_pipeline.orchestration.instance import DATASET_TAG, process_tags
from lakehouse_pipeline.orchestration.keys import (
    GATE_CHECK,
    PRIVACY_CHECK,
    RULES_CHECK,
    asset_key,
    batches_of,
    contract_key,
    job_name,
    plain,
)
from lakehouse_pipeline.orchestration.metadata import code_version, column_schema, markdown_rules
from lakehouse_pipeline.orchestration.waiting import process_cleared
from lakehouse_pipeline.pipeline.lake import open_lake
from lakehouse_pipeline.settings import Settings

SOURCES = {
    Layer.QUARANTINED: Layer.RAW,
    Layer.VALIDATED: Layer.RAW,
    Layer.ANONYMIZED: Layer.VALIDATED,
    Layer.PUBLISHED: Layer.ANONYMIZED,
}
"""Which layer each layer is made from."""

DESCRIPTIONS = {
    Layer.RAW: "Every record as text, as it stood in the file, with its number.",
    Layer.QUARANTINED: "Records that break a rule: original text and every reason.",
    Layer.VALIDATED: "Records that keep every rule, in the contract's types.",
    Layer.ANONYMIZED: "Validated records with personal columns made safe.",
    Layer.PUBLISHED: "What the contract promises to consumers, over all batches.",
}


def dataset_assets(contract: Contract, settings: Settings) -> dg.AssetsDefinition:
    """Return the five layers of the contract's dataset, with their two checks per batch."""
    with warnings.catch_warnings():
        # Partitioned checks are marked preview, backfill policies beta: both are what we rely on,
        # and test_upstream.py says how.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        warnings.simplefilter("ignore", dg.BetaWarning)
        return _layers(contract, settings)


def _layers(contract: Contract, settings: Settings) -> dg.AssetsDefinition:
    dataset = contract.dataset

    @dg.multi_asset(
        name=f"{dataset}_layers",
        specs=[_spec(contract, layer) for layer in Layer],
        check_specs=_check_specs(contract),
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def layers(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        context.instance.add_run_tags(context.run.run_id, process_tags())
        with open_lake(
            settings.home, settings.memory_limit, settings.threads, settings.place
        ) as lake:
            process_cleared(context, settings, lake, dataset)
        yield from ()

    return layers


def _spec(contract: Contract, layer: Layer) -> dg.AssetSpec:
    dataset = contract.dataset
    return dg.AssetSpec(
        asset_key(dataset, layer),
        deps=[asset_key(dataset, SOURCES[layer]) if layer in SOURCES else contract_key(dataset)],
        description=_description(contract, layer),
        group_name=dataset,
        skippable=True,
        partitions_def=batches_of(dataset),
        freshness_policy=freshness_policy(contract) if layer is Layer.PUBLISHED else None,
        code_version=code_version(contract, layer),
        owners=[_owner(name) for name in contract.owners],
        kinds={"delta", "csv" if layer is Layer.RAW else "duckdb"},
        tags=_tags(contract, layer),
        metadata={
            "dagster/column_schema": column_schema(contract, layer),
            "contract": f"{dataset} {contract.version}",
            "compliance": contract.compliance,
        },
    )


def _check_specs(contract: Contract) -> list[dg.AssetCheckSpec]:
    dataset = contract.dataset
    validated, batches = asset_key(dataset, Layer.VALIDATED), batches_of(dataset)
    specs = [
        dg.AssetCheckSpec(
            RULES_CHECK,
            asset=validated,
            partitions_def=batches,
            description="Warns when records were quarantined; shows how many broke each rule.",
        ),
        dg.AssetCheckSpec(
            GATE_CHECK,
            asset=validated,
            partitions_def=batches,
            description="Fails when the batch is refused: nothing of it is published.",
        ),
    ]
    if contract.privacy is not None:
        words = (
            f"Fails when published would break a promise: {protection_in_words(contract.privacy)}"
        )
        published = asset_key(dataset, Layer.PUBLISHED)
        specs.append(
            dg.AssetCheckSpec(
                PRIVACY_CHECK, asset=published, partitions_def=batches, description=words
            )
        )
    return specs


def _description(contract: Contract, layer: Layer) -> str:
    parts = [DESCRIPTIONS[layer], contract.description]
    if layer is Layer.VALIDATED:
        parts.append(f"Rules of {contract.dataset} {contract.version}:\n{markdown_rules(contract)}")
    return "\n\n".join(part for part in parts if part)


def _owner(name: str) -> str:
    """Return an owner as Dagster takes it: an e-mail address or `team:<name>`."""
    return name if "@" in name else f"team:{plain(name)}"


def _tags(contract: Contract, layer: Layer) -> dict[str, str]:
    tags = {"layer": layer.value, "compliance": contract.compliance}
    if contract.domain:
        tags["domain"] = plain(contract.domain)
    return tags | {plain(tag): "" for tag in contract.tags}


def dataset_job(dataset: str) -> UnresolvedAssetJobDefinition:
    """Return the job of a dataset: all its layers, over a range of batches."""
    return dg.define_asset_job(
        job_name(dataset),
        dg.AssetSelection.assets(*(asset_key(dataset, layer) for layer in Layer)),
        description=f"Takes batches of {dataset} from their landing files to the published table.",
        tags={DATASET_TAG: dataset},
    )
