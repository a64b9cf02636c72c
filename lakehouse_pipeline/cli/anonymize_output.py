"""How anonymizations are printed for people: a dry run with its sample, a step, the list."""

from collections.abc import Sequence

from lakehouse_pipeline.cli.output import console, print_table
from lakehouse_pipeline.contracts.counted import counted
from lakehouse_pipeline.lake.anonymizations import Anonymization, Stage
from lakehouse_pipeline.orchestration.anonymization import Rehearsal

NULL, DROPPED = "null", "(not published)"


def print_rehearsal(done: Rehearsal) -> None:
    """Print what a dry run found, the sample, and what comes next."""
    console.print(
        f"Dry run {done.id} of {done.dataset} {done.version}: "
        f"{counted(len(done.batches), 'batch')}, {counted(done.records, 'record')}; "
        f"applying is about {done.seconds:.1f} s of work. Nothing was changed.",
        markup=False,
    )
    columns = [tuple(column.values()) for column in done.columns]
    rows = [(name, how or "none", *counts) for name, how, *counts in columns]
    print_table(("column", "technique", "records", "changed"), rows)
    _print_findings(done)
    _print_sample(done)
    command = f"lakehouse anonymize {done.dataset} --approve {done.id} --by NAME --why TEXT"
    console.print(f"Somebody else approves it with: {command}", markup=False)


def _print_findings(done: Rehearsal) -> None:
    if withheld := sum(done.withheld.values()):
        said = f"{counted(withheld, 'record')} would be withheld for the contract's privacy"
        console.print(said, style="yellow")
    for batch, reasons in done.refused.items():
        now = " It is published now." if batch in done.taken_out else ""
        said = f"{batch}: would be refused: {'; '.join(reasons)}{now}"
        console.print(said, style="red", markup=False)
    told = {said for reasons in done.refused.values() for said in reasons}
    for said in done.undeclared:
        if said.partition(": ")[2] not in told:
            console.print(said, style="yellow", markup=False)
    for said in done.warnings:
        console.print(f"warning: {said}", style="yellow", markup=False)


def _print_sample(done: Rehearsal) -> None:
    rows = [
        (one.batch, one.record, name, _text(value), _text(one.after.get(name, DROPPED)))
        for one in done.sample
        for name, value in one.before.items()
    ]
    title = "a sample, for you alone; it is kept nowhere"
    if rows:
        print_table(("batch", "record", "column", "before", "after"), rows, title)
    if done.throw_away:
        named = ", ".join(done.throw_away)
        console.print(f"made up for this dry run, others when applied: {named}", markup=False)


def _text(value: str | None) -> str:
    return NULL if value is None else value


def print_step(one: Anonymization) -> None:
    """Print where an anonymization stands and what comes next."""
    step = one.steps[-1]
    why = f": {step.why}" if step.why else ""
    console.print(f"{one.dataset} {one.id} is {one.stage} by {step.by}{why}", markup=False)
    if one.stage is Stage.APPROVED:
        command = f"lakehouse anonymize {one.dataset} --apply {one.id} --by NAME"
        console.print(f"Apply it with: {command}", markup=False)
    elif one.stage is Stage.APPLIED:
        command = f"lakehouse anonymize {one.dataset} --rollback {one.id} --by NAME --why TEXT"
        console.print(f"Take it back with: {command}", markup=False)
    elif one.stage is Stage.ROLLED_BACK:
        command = f"lakehouse contract activate {one.dataset} VERSION --by NAME --why TEXT"
        said = "The active version is still the same, new files are made under it; to change that"
        console.print(f"{said}: {command}", markup=False)


def print_anonymizations(found: Sequence[Anonymization]) -> None:
    """Print one line per dry run."""
    rows = [
        (
            one.id,
            one.version,
            one.stage,
            one.steps[0].by,
            one.steps[0].at[:19],
            one.steps[-1].by,
            one.steps[-1].why,
            len(one.batches),
            one.records,
        )
        for one in found
    ]
    columns = (
        "id",
        "contract",
        "stage",
        "dry run by",
        "at",
        "last by",
        "why",
        "batches",
        "records",
    )
    print_table(columns, rows)
