"""A draft as ODCS YAML, in the order and style of a contract that a person wrote.

Evidence stands in comments; values of a personal column stand nowhere.
"""

from collections.abc import Iterator

from lakehouse_pipeline.contracts.counted import counted
from lakehouse_pipeline.contracts.infer.draft import Draft, SampleFacts
from lakehouse_pipeline.contracts.infer.facts import percent
from lakehouse_pipeline.contracts.infer.yaml_columns import column_lines
from lakehouse_pipeline.contracts.infer.yaml_scalars import comment, scalar
from lakehouse_pipeline.contracts.model import Csv

VERSION = "0.1.0"
_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_THOUSAND = 1000


def yaml_text(draft: Draft) -> str:
    """Return the draft as the text of a contract file."""
    lines = [
        *_head(draft),
        "apiVersion: v3.1.0",
        "kind: DataContract",
        f"id: {draft.dataset}",
        f"name: {draft.dataset}",
        f"version: {VERSION}",
        "status: draft # set it to active when you have read it",
        *_properties(draft),
        "schema:",
        f"  - name: {draft.dataset}",
        "    physicalType: table",
        "    properties:",
        *(line for column in draft.columns for line in column_lines(column)),
        "    quality:",
        "      - name: not_empty",
        "        type: library",
        "        metric: rowCount",
        "        mustBeGreaterThan: 0",
    ]
    return "\n".join(lines) + "\n"


def _head(draft: Draft) -> Iterator[str]:
    sample, kept = draft.sample, draft.sample.records - draft.quarantined
    yield "# A draft for a person to read and correct: every rule below is a guess from a sample."
    yield f"# {looked_at(sample)}"
    accepted = f"# Accepted under this draft: {kept:,} of them ({percent(kept, sample.records)})"
    if draft.unsplit:
        accepted += f"; {draft.unsplit:,} cannot be split into the columns"
    yield f"{accepted}."
    for note in draft.notes:
        yield f"# {comment(note)}."


def looked_at(sample: SampleFacts) -> str:
    """Return the sentence that says how much of the files the draft is drawn from."""
    return f"Looked at: {_part(sample)}."


def _part(sample: SampleFacts) -> str:
    files = counted(sample.files, "file")
    if sample.whole:
        records = counted(sample.records, "record")
        return f"all {records} of {files}, {_size(sample.bytes)}"
    where = "the beginning and pieces from all over" if sample.spread else "the beginning"
    return (
        f"{sample.records:,} records, {_size(sample.sampled_bytes)} of the {_size(sample.bytes)} "
        f"of {files} ({where}); the rest was not read"
    )


def _size(count: int) -> str:
    value, unit = float(count), 0
    while value >= _THOUSAND and unit < len(_UNITS) - 1:
        value, unit = value / _THOUSAND, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit else f"{count} bytes"


def _properties(draft: Draft) -> Iterator[str]:
    yield "customProperties:"
    if draft.is_personal:
        yield "  - property: compliance"
        yield "    value: gdpr # columns below were taken for personal; check each, and the others"
    if dialect := ", ".join(_dialect(draft.dialect)):
        yield "  - property: csv"
        yield f"    value: {{{dialect}}}"
    worst = f" # at worst {draft.worst_percent:.2f} % of a file" if draft.quarantined else ""
    yield "  - property: publish"
    yield f"    value: {{mode: append, maxQuarantinedPercent: {draft.max_percent}}}{worst}"


def _dialect(dialect: Csv) -> Iterator[str]:
    usual = Csv()
    for key, value, default in (
        ("delimiter", dialect.delimiter, usual.delimiter),
        ("quote", dialect.quote, usual.quote),
        ("escape", dialect.escape, dialect.quote or usual.escape),
        ("encoding", dialect.encoding, usual.encoding),
        ("lineEnd", dialect.line_end, usual.line_end),
    ):
        if value != default:
            yield f"{key}: {scalar(value)}"
    if not dialect.header:
        yield "header: false"
    if dialect.null_values != usual.null_values:
        yield f"nullValues: [{', '.join(map(scalar, dialect.null_values))}]"
