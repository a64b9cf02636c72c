"""What a materialization and a check show in the UI: counts, file, contract, reasons.

No value of a record is ever shown: `outcomes` hold none, and the sample names rules only.
"""

import hashlib
from collections.abc import Mapping

import dagster as dg

import lakehouse_pipeline
from lakehouse_pipeline.contracts.model import Column, Contract
from lakehouse_pipeline.contracts.promised import promised_type
from lakehouse_pipeline.contracts.techniques import epsilons
from lakehouse_pipeline.layers.anonymized import kept_columns
from lakehouse_pipeline.layers.published import published_columns
from lakehouse_pipeline.layers.rules import RECORD_DEFECTS, record_rules
from lakehouse_pipeline.layers.values import stored_type
from lakehouse_pipeline.names import BATCH_ID, REASONS, RECORD, TEXT, Layer
from lakehouse_pipeline.pipeline.outcomes import BatchJudged, BatchProtected, LayerWritten

PLOTTED_RULES = 50
"""Contracts with more rules than this plot only the rules that were broken."""

ROW_COUNT = "dagster/row_count"

WITHHELD = "withheld_records"
"""Of published: how many validated records are not in it for the contract's `privacy`."""

ROLLED_BACK = "rolled_back"
"""Of anonymized and published: the anonymization that was taken back to what this says."""

WAITING_FOR = "waiting_for"
"""Of raw: what has to happen before the batch may go on."""

Metadata = dict[str, dg.MetadataValue | str | int | float]


def layer_metadata(contract: Contract, written: LayerWritten) -> Metadata:
    """Return what every layer's materialization says."""
    metadata: Metadata = {
        ROW_COUNT: written.records,
        "dagster/partition_row_count": written.records,
        "contract_version": contract.version,
        "delta_version": written.version,
        "seconds": round(written.seconds, 3),
        "batches_in_commit": written.group,
    }
    if written.layer is Layer.ANONYMIZED:
        metadata |= {f"epsilon/{name}": epsilon for name, epsilon in epsilons(contract).items()}
    if written.key_id:
        metadata["key_id"] = written.key_id
    if written.file is not None:
        file = written.file
        metadata |= {
            "file": file.name,
            "sha256": file.sha256,
            "bytes": file.size_bytes,
            "physical_lines": file.physical_lines,
            "header_lines": file.header_lines,
            "blank_lines": file.blank_lines,
            "embedded_lines": file.embedded_lines,
            "broken_records": file.broken,
        }
    return metadata


def protection_metadata(protected: BatchProtected | None) -> Metadata:
    """Return the measures of the contract's `privacy` (numbers, which the UI plots)."""
    if protected is None:
        return {}
    return {WITHHELD: protected.withheld, **protected.measures}


def quarantine_metadata(contract: Contract, judged: BatchJudged) -> Metadata:
    """Return the counts per rule (numbers, which the UI plots), the share and a sample."""
    names = [rule.name for rule in record_rules(contract)]
    plotted = names if len(names) <= PLOTTED_RULES else []
    counts = dict.fromkeys(plotted, 0) | judged.rule_counts
    metadata: Metadata = {"quarantined_percent": round(judged.quarantined_percent, 4)}
    if judged.sample:
        metadata["reasons"] = dg.MetadataValue.md(reasons_table(judged))
    return metadata | {f"rule/{name}": count for name, count in counts.items()}


def reasons_table(judged: BatchJudged) -> str:
    """Return the first reasons as a Markdown table: record, rule, column, what was expected."""
    rows = ["| record | rule | column | expected |", "|---:|---|---|---|"]
    for reason in judged.sample:
        expected = reason.message.removeprefix(f"{reason.column} ")
        cells = (str(reason.record), reason.rule, reason.column or "", expected)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def counts_table(judged: BatchJudged) -> dg.MetadataValue:
    """Return the counts per rule as a table, the commonest first."""
    return dg.MetadataValue.table(
        [
            dg.TableRecord({"rule": rule, "records": count})
            for rule, count in judged.rule_counts.items()
        ],
        dg.TableSchema([dg.TableColumn("rule", "string"), dg.TableColumn("records", "int")]),
    )


def column_schema(contract: Contract, layer: Layer) -> dg.TableSchema:
    """Return the columns of a layer with types, descriptions and constraints."""
    columns = [_table_column(column, layer) for column in _columns(contract, layer)]
    if layer is Layer.QUARANTINED:
        columns += [
            dg.TableColumn(TEXT, "VARCHAR", "Physical text of a record that could not be split."),
            dg.TableColumn(REASONS, "STRUCT[]", "Every rule the record breaks."),
        ]
    columns += [
        dg.TableColumn(RECORD, "BIGINT", "Number of the record in its file, from 1."),
        dg.TableColumn(BATCH_ID, "VARCHAR", "The batch; partition of the table."),
    ]
    return dg.TableSchema(columns)


def _columns(contract: Contract, layer: Layer) -> tuple[Column, ...]:
    if layer is Layer.ANONYMIZED:
        return kept_columns(contract)
    if layer is Layer.PUBLISHED:
        return tuple(contract.column(name) for name in published_columns(contract))
    return contract.columns


def _table_column(column: Column, layer: Layer) -> dg.TableColumn:
    as_text = layer in (Layer.RAW, Layer.QUARANTINED)
    made_safe = layer in (Layer.ANONYMIZED, Layer.PUBLISHED) and column.anonymize is not None
    kind = promised_type(column) if made_safe else stored_type(column.type)
    notes = [f"made safe by {column.anonymize.technique}"] if column.anonymize else []
    tags = {"personal": ""} if column.personal else {}
    return dg.TableColumn(
        column.name,
        "VARCHAR" if as_text else kind,
        column.description or None,
        dg.TableColumnConstraints(
            nullable=as_text or not column.required,
            unique=column.unique and not as_text,
            other=notes if made_safe else [],
        ),
        tags=tags,
    )


def code_version(contract: Contract, layer: Layer) -> str:
    """Return what makes a layer stale when it changes: our version; past raw, the contract too."""
    if layer is Layer.RAW:
        return lakehouse_pipeline.__version__
    return f"{lakehouse_pipeline.__version__}+{contract.version}.{contract.sha256[:8]}"


def reading_version(contract: Contract) -> str:
    """Return what changes when files are read otherwise: the columns' names, or the dialect."""
    said = repr((contract.column_names, contract.csv))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def data_version(contract: Contract, layer: Layer, batch: str) -> str:
    """Return the version of a batch's data in a layer: what went in, and what was done to it.

    What went in is said by the batch's id, which names the content; so a replay that does not read
    the file again gives the version that the first run gave.
    """
    parts = [batch]
    if layer is not Layer.RAW:
        parts += [contract.sha256, lakehouse_pipeline.__version__]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def markdown_rules(contract: Contract) -> str:
    """Return every rule of the contract as a Markdown list, for the asset's description."""
    rules = [f"- `{rule.name}`: {rule.message}" for rule in record_rules(contract)]
    return "\n".join([*rules, *(f"- `{name}`" for name in RECORD_DEFECTS)])


def as_plain(metadata: Mapping[str, dg.MetadataValue]) -> dict[str, object]:
    """Return metadata as stored by Dagster as plain values."""
    return {key: value.value for key, value in metadata.items()}
