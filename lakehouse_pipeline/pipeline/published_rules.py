"""SQL rules over all published data: asked with the batch in it, before it is published.

Their place is between anonymized and published; the rules over the batch alone are in
`measures.py`. Batches of a contract with such rules are processed one by one, in order.
"""

from collections.abc import Generator, Sequence
from dataclasses import replace

from lakehouse_pipeline.contracts.model import Contract, Publish
from lakehouse_pipeline.lake.query import locked
from lakehouse_pipeline.layers.gate import Measures, Verdict, judge_batch
from lakehouse_pipeline.layers.published import published, published_columns
from lakehouse_pipeline.layers.upserted import winners
from lakehouse_pipeline.names import BATCH_ID, RECORD, Layer, identifier
from lakehouse_pipeline.pipeline.inputs import decisions
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.measures import number
from lakehouse_pipeline.pipeline.outcomes import BatchWarned, Outcome
from lakehouse_pipeline.pipeline.relations import relation
from lakehouse_pipeline.pipeline.release import refuse


def looks_at_published(contract: Contract) -> bool:
    """Return whether a rule of the contract is over all published data."""
    return any(rule.over == "published" for rule in contract.sql_rules)


def pass_published_rules(
    lake: Lake, contract: Contract, batches: Sequence[str], arrived: Sequence[str]
) -> Generator[Outcome, None, list[str]]:
    """Return the batches that keep every rule over published; the others are withdrawn.

    `batches` are in anonymized already; each is asked as if it alone were added.
    """
    if not looks_at_published(contract):
        return list(batches)
    passed = []
    for batch in batches:
        verdict = _verdict(lake, contract, batch, arrived)
        if verdict.refused:
            reasons = {batch: verdict.refusals}
            yield from refuse(lake, contract, reasons, Layer.PUBLISHED, arrived)
            continue
        if verdict.warnings:
            yield BatchWarned(batch, verdict.warnings)
        passed.append(batch)
    return passed


def _verdict(lake: Lake, contract: Contract, batch: str, arrived: Sequence[str]) -> Verdict:
    rules = tuple(rule for rule in contract.sql_rules if rule.over == "published")
    source, files = _with_batch(lake, contract, batch, arrived)
    with lake.aside() as connection:
        view = f"CREATE VIEW {identifier(contract.dataset)} AS {source}"
        connection.execute(view)
        locked(connection, files)
        values = {rule.name: number(connection, rule.query) for rule in rules}
    released = decisions(lake, contract.dataset, [batch])[batch].released
    asked = replace(contract, metrics=(), sql_rules=rules, publish=Publish())
    return judge_batch(asked, Measures(0, 0, values, released=released))


def _with_batch(
    lake: Lake, contract: Contract, batch: str, arrived: Sequence[str]
) -> tuple[str, list[str]]:
    """Return SQL of what published would hold with the batch in it, and the files it reads."""
    dataset, tables = contract.dataset, lake.tables
    shown = sorted(tables.batches(dataset, Layer.PUBLISHED) | {batch})
    if contract.publish.mode == "upsert":
        shown = sorted(tables.batches(dataset, Layer.ANONYMIZED))
    records = relation(lake, contract, Layer.ANONYMIZED, shown)
    if contract.publish.mode == "upsert":
        chosen = winners(contract, records, arrived)
        records = f"(SELECT * FROM {records} SEMI JOIN ({chosen}) USING ({BATCH_ID}, {RECORD}))"
    names = ", ".join(identifier(name) for name in published_columns(contract))
    files = tables.files(dataset, Layer.ANONYMIZED, shown)
    return f"SELECT {names} FROM ({published(contract, records)})", files
