"""`lakehouse contract infer`: a draft of a contract from real CSV files."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lakehouse_pipeline.cli.output import JsonOption, errors, print_json
from lakehouse_pipeline.contracts.infer.draft import DraftColumn, SampleFacts
from lakehouse_pipeline.contracts.infer.yaml_text import looked_at
from lakehouse_pipeline.errors import OutputExistsError, UnwritableFileError
from lakehouse_pipeline.pipeline.inference import Inference


def infer(
    files: Annotated[list[Path], typer.Argument(help="CSV files of one kind, plain, .gz or .zst.")],
    dataset: Annotated[str, typer.Option("--dataset", "-d", help="The name of the dataset.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; standard output without it.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
    sample_records: Annotated[
        int | None,
        typer.Option(min=1, help="Look at about so many records; without it at 25 to 50 MB."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Draft a contract from CSV files: types, rules and personal columns, for a person to read."""
    from lakehouse_pipeline.pipeline.inference import infer as draft_from

    if output is not None and output.exists() and not force:
        raise OutputExistsError(output)
    with errors.status("starting") as status:
        found = draft_from(files, dataset, sample_records, status.update)
    if output is not None:
        _write(output, found.text)
    if as_json:
        print_json(_facts(found, output))
    elif output is None:
        typer.echo(found.text, nl=False)
    _say_what_next(output, found.draft.sample)


def _write(output: Path, text: str) -> None:
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise UnwritableFileError(output, (error.strerror or str(error)).lower()) from error


def _say_what_next(output: Path | None, sample: SampleFacts) -> None:
    file = str(output) if output is not None else "FILE"
    saved = f"{file} is a draft" if output is not None else "This is a draft; save it to a file"
    errors.print(
        f"{saved}.\n"
        f"{looked_at(sample)}\n"
        "Read it, correct what is wrong, set 'status: active', then:\n"
        f"  lakehouse contract lint {file}\n"
        f"  lakehouse contract add {file}",
        markup=False,
    )


def _facts(found: Inference, output: Path | None) -> dict[str, Any]:
    draft, sample = found.draft, found.draft.sample
    return {
        "dataset": draft.dataset,
        "file": output,
        "sample": sample,
        "accepted": sample.records - draft.quarantined,
        "quarantined": draft.quarantined,
        "notes": draft.notes,
        "columns": [_column(column) for column in draft.columns],
        "draft": found.text,
    }


def _column(column: DraftColumn) -> dict[str, Any]:
    """Return what is known of a column, without any of its values."""
    facts, personal = column.facts, column.personal
    return {
        "name": facts.name,
        "type": str(column.type),
        "records": facts.records,
        "empty": facts.nulls,
        "distinct": facts.distinct,
        "longest": facts.longest,
        "fits": {str(kind): count for kind, count in facts.fits.items()},
        "required": column.required,
        "primary_key": column.key,
        "personal": personal.kind if personal else None,
        "technique": personal.technique.technique if personal else None,
        "subject": column.subject,
        "broken": column.broken,
        "notes": column.notes,
    }
