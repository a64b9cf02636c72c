"""One column of a draft as lines of YAML: its type, its rules, what makes it safe, and evidence."""

from collections.abc import Iterator, Mapping, Sequence

from lakehouse_pipeline.contracts.infer.draft import DraftColumn
from lakehouse_pipeline.contracts.infer.facts import percent
from lakehouse_pipeline.contracts.infer.yaml_scalars import comment, scalar
from lakehouse_pipeline.contracts.model import Anonymize
from lakehouse_pipeline.contracts.types import ColumnType, column_type

Line = tuple[str, Sequence[str]]
"""A line and the kinds of the rules that stand in it."""

_INDENT = " " * 8


def column_lines(column: DraftColumn) -> Iterator[str]:
    """Yield the lines of a column, an item of `properties`.

    Beside a rule stands how many records of the sample break it.
    """
    facts = column.facts
    seen = f"{facts.nulls:,} of {facts.records:,} empty, {facts.distinct:,} distinct"
    yield f"      - name: {scalar(facts.name)} # {seen}"
    for note in column.notes:
        yield f"{_INDENT}# {comment(note)}"
    for text, kinds in (*_type(column.type), *_rules(column), *_privacy(column)):
        yield f"{_INDENT}{text}{_broken(column.broken, kinds, facts.records)}"


def _broken(broken: Mapping[str, int], kinds: Sequence[str], records: int) -> str:
    found = [
        f"{broken[kind]:,} ({percent(broken[kind], records)}) break {kind}"
        for kind in kinds
        if kind in broken
    ]
    return f" # {', '.join(found)}" if found else ""


def _type(kind: ColumnType) -> Iterator[Line]:
    yield f"logicalType: {kind.logical}", ("type",)
    if kind.sql != column_type(kind.logical, None, None).sql:
        yield f"physicalType: {kind.sql}", ()


def _rules(column: DraftColumn) -> Iterator[Line]:
    if column.required:
        yield "required: true", ("required",)
    if column.key:
        yield "unique: true", ("unique",)
        yield "primaryKey: true", ()
        yield "primaryKeyPosition: 1", ()
    if column.enum is not None:
        values = ", ".join(f"{{value: {scalar(value)}}}" for value in column.enum)
        yield f"enum: [{values}]", ("enum",)
    options = [f"{name}: {_option(column.type, text)}" for name, text in column.options.items()]
    if column.type.format is not None:
        options.insert(0, f"format: {scalar(column.type.format)}")
    if options:
        yield f"logicalTypeOptions: {{{', '.join(options)}}}", tuple(column.options)


def _option(kind: ColumnType, text: str) -> str:
    return text if kind.logical in ("integer", "number") else scalar(text)


def _privacy(column: DraftColumn) -> Iterator[Line]:
    if column.personal is None:
        return
    yield f"classification: personal # {comment(column.personal.why)}", ()
    yield "customProperties:", ()
    if column.subject:
        yield "  - property: subject", ()
        yield "    value: true", ()
    yield "  - property: anonymize", ()
    yield f"    value: {_technique(column.personal.technique)}", ()


def _technique(anonymize: Anonymize) -> str:
    parts = [f"technique: {anonymize.technique}"]
    parts += [f"{name}: {value}" for name, value in anonymize.parameters.items()]
    return f"{{{', '.join(parts)}}}"
