"""Drafts of contracts for the tests, made from real files by the product."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from lakehouse_pipeline.contracts.infer.draft import DraftColumn
from lakehouse_pipeline.contracts.load import load_text
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.pipeline.inference import Inference, infer
from lakehouse_pipeline_tests.pipelines import drop, judged, take


def silent(_: str) -> None:
    """Take what is being done, and say nothing."""


def csv_text(columns: Mapping[str, Sequence[object]]) -> str:
    """Return columns, all as long as the longest (shorter ones repeat), as a CSV file's text."""
    records = max(map(len, columns.values()))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for number in range(records):
        writer.writerow(values[number % len(values)] for values in columns.values())
    return out.getvalue()


def infer_text(folder: Path, content: str | bytes, dataset: str = "t") -> Inference:
    """Return the draft for a file of this content."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "file.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return infer([file], dataset, None, silent)


def column_of(found: Inference, name: str) -> DraftColumn:
    """Return a column of the draft."""
    return next(column for column in found.draft.columns if column.name == name)


def accepted_percent(home: Path, contract: Contract, files: Sequence[Path]) -> float:
    """Return the share of the files' records that the pipeline takes into validated."""
    batches = [drop(home, contract, file.name, file.read_bytes()) for file in files]
    outcomes = judged(take(home, contract, batches)).values()
    assert len(outcomes) == len(files)
    assert not any(outcome.verdict.refused for outcome in outcomes)
    records = sum(outcome.records for outcome in outcomes)
    return 100 * sum(outcome.validated for outcome in outcomes) / records


def activated(found: Inference) -> Contract:
    """Return the contract that a person makes of a draft without reading it."""
    text = found.text.replace("status: draft", "status: active")
    return load_text(text, "draft.yaml")
