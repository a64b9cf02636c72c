"""Personal data that nobody declared, searched before a batch is published.

Under standard a find is a warning; under gdpr and strict it refuses the batch, unless the contract
says why the column is not personal. Messages name the column, the kind and a count, never a value.
"""

from collections.abc import Generator, Sequence

from lakehouse_pipeline.contracts.infer.undeclared import (
    FORMS,
    SCANNED,
    Counted,
    finds,
    named_as,
)
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.promised import promised_columns
from lakehouse_pipeline.layers.undeclared import candidates, sampled, searched_columns
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.outcomes import BatchWarned, Outcome
from lakehouse_pipeline.pipeline.relations import records_per_batch, relation
from lakehouse_pipeline.pipeline.release import refuse

UNDECLARED = "undeclared personal data"
"""How every sentence about a find begins."""

AT_ONCE = 8
"""Columns that are searched by one query."""

ADVICE = (
    "mark it with 'classification: personal' and a technique, or say why it is not with the custom "
    "property notPersonal: {reason: ...}"
)


def pass_search(
    lake: Lake, contract: Contract, batches: Sequence[str], arrived: Sequence[str]
) -> Generator[Outcome, None, list[str]]:
    """Return the batches that may be published; under gdpr and strict those without a find.

    `batches` are in anonymized. Of a large batch a part is searched (`SCANNED`); messages say so.
    """
    found = _found(lake, contract, batches)
    if contract.compliance == "standard":
        for batch, said in found.items():
            yield BatchWarned(batch, said)
        return list(batches)
    yield from refuse(lake, contract, found, Layer.PUBLISHED, arrived)
    return [batch for batch in batches if batch not in found]


def _found(lake: Lake, contract: Contract, batches: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return what was found in each batch; batches without a find are left out."""
    shown = promised_columns(contract)
    named = {column.name: named_as(column) for column in contract.columns if column.name in shown}
    counts = records_per_batch(lake, contract.dataset, Layer.ANONYMIZED, batches)
    in_values = _in_values(lake, contract, counts)
    sentences = {}
    for batch, count in counts.items():
        if not count:
            continue
        said = list(in_values.get(batch, []))
        told = " ".join(said)
        said += [
            f"column '{name}' is named like {words}"
            for name, words in named.items()
            if words and f"column '{name}' " not in told
        ]
        if said:
            part = f" (of every {count // SCANNED + 1}th record)" if count > SCANNED else ""
            sentences[batch] = tuple(f"{UNDECLARED}: {one}{part}; {ADVICE}." for one in said)
    return sentences


def _in_values(lake: Lake, contract: Contract, counts: dict[str, int]) -> dict[str, list[str]]:
    """Return what the values of each batch tell, column by column.

    A few columns a query: what DuckDB takes to plan one grows much faster than its columns.
    """
    columns = searched_columns(contract)
    source = sampled(relation(lake, contract, Layer.ANONYMIZED, list(counts)), counts)
    width = 1 + 2 * len(FORMS)
    found: dict[str, list[str]] = {}
    for first in range(0, len(columns), AT_ONCE):
        some = columns[first : first + AT_ONCE]
        for batch, *numbers in lake.connection.execute(candidates(some, source)).fetchall():
            for n, column in enumerate(some):
                values, *pairs = numbers[n * width : (n + 1) * width]
                counted = {
                    form: Counted(values, pairs[2 * i], pairs[2 * i + 1] or ())
                    for i, form in enumerate(FORMS)
                }
                found.setdefault(batch, []).extend(finds(column.name, counted))
    return found
