"""The table of batches that several commands print."""

from collections import Counter
from collections.abc import Sequence

from lakehouse_pipeline.cli.output import console, print_table
from lakehouse_pipeline.orchestration.batches import BatchState

COLUMNS = ("batch", "state", "records", "validated", "quarantined", "published", "seconds")


def print_batches(states: Sequence[BatchState], title: str = "") -> None:
    """Print batches with their counts, why a batch was refused or warned of, and common reasons.

    Of a batch that was rolled back the contract version is named that it is of since.

    Where retention has taken batches out of layers, a column names these; where records
    are withheld for the contract's `privacy`, one counts them.
    """
    named = {state.dataset for state in states}
    columns = ["dataset"] * (len(named) > 1) + list(COLUMNS)
    columns += ["withheld"] * any(state.withheld for state in states)
    columns += ["expired"] * any(state.expired for state in states)
    print_table(columns, ([_cell(s, c) for c in columns] for s in states), title)
    for state in states:
        if state.why:
            style = "yellow" if state.waits else "red"
            console.print(f"{state.batch}: {state.state}: {state.why}", style=style, markup=False)
        if state.rolled_back:
            said = f"anonymization {state.rolled_back} was rolled back: {state.anonymized_under}"
            console.print(f"{state.batch}: {said}", markup=False)
        if state.warning:
            said = f"{state.batch}: warning: {state.warning}"
            console.print(said, style="yellow", markup=False)
    print_reasons(states)


def _cell(state: BatchState, column: str) -> object:
    value = getattr(state, column)
    return ", ".join(value) if isinstance(value, tuple) else value


def print_reasons(states: Sequence[BatchState], at_most: int = 3) -> None:
    """Print the rules that most records broke, over all of these batches."""
    counts: Counter[tuple[str, str]] = Counter()
    for state in states:
        counts.update({(state.dataset, rule): n for rule, n in state.rules.items()})
    if counts:
        common = counts.most_common(at_most)
        named = (f"{dataset} {rule} ({n:,})" for (dataset, rule), n in common)
        console.print("commonest reasons: " + ", ".join(named), markup=False)
