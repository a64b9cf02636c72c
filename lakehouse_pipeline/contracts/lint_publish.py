"""What is published, judged against the columns and the primary key."""

from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.literals import parse_literal
from lakehouse_pipeline.contracts.model import Contract, Deletes
from lakehouse_pipeline.contracts.techniques import TELLS_APART
from lakehouse_pipeline.contracts.techniques import technique_of as _technique
from lakehouse_pipeline.errors import nearest


def lint_publish(contract: Contract, place: Place) -> None:
    """Judge the custom property `publish` of `contract`, which stands at `place`."""
    _check_columns(contract, place)
    if contract.publish.mode == "upsert":
        _check_key(contract, place)
    elif contract.publish.deletes is not None:
        (place / "deletes").key_error("'deletes' goes with mode upsert; an append deletes nothing")
    if contract.publish.deletes is not None:
        _check_deletes(contract, contract.publish.deletes, place / "deletes")


def published_columns(contract: Contract) -> tuple[str, ...]:
    """Return the names of the columns that are published, in their published order."""
    kept = tuple(c.name for c in contract.columns if _technique(c) != "drop")
    return contract.publish.columns or kept


def _check_columns(contract: Contract, place: Place) -> None:
    dropped = {column.name for column in contract.columns if _technique(column) == "drop"}
    names = contract.publish.columns
    for index, name in enumerate(names):
        here = place / "columns" / index
        if name not in contract.column_names:
            near = nearest(name, contract.column_names)
            here.error(f"publish: unknown column '{name}'.{near}")
        elif name in dropped:
            here.error(f"publish: column '{name}' is dropped by its technique")
        elif name in names[:index]:
            here.error(f"publish: column '{name}' stands there twice")
    if contract.columns and len(dropped) == len(contract.columns):
        place.error("every column is dropped; nothing is left to publish")


def _check_key(contract: Contract, place: Place) -> None:
    """An upsert finds what it replaces by the key that stands in the published table."""
    here = place / "mode"
    if not contract.primary_key:
        here.error("mode upsert needs a primary key; add 'primaryKey: true' to its columns")
    for name in contract.primary_key:
        column = contract.column(name)
        if _technique(column) not in TELLS_APART:
            here.error(
                f"mode upsert: key column '{name}' has the technique {_technique(column)}, which "
                "does not tell keys apart; use hash"
            )
        elif name not in published_columns(contract):
            here.error(f"mode upsert: key column '{name}' is not published; add it to 'columns'")
        if column.unique_scope == "dataset":
            here.error(
                f"mode upsert: the key may not repeat in the dataset (uniqueScope of '{name}'), so "
                "no record could replace another; use uniqueScope batch"
            )


def _check_deletes(contract: Contract, deletes: Deletes, place: Place) -> None:
    name = deletes.column
    if name not in contract.column_names:
        near = nearest(name, contract.column_names)
        (place / "column").error(f"deletes: unknown column '{name}'.{near}")
        return
    column = contract.column(name)
    if technique := _technique(column):
        (place / "column").error(
            f"deletes: column '{name}' has the technique {technique}; its values are not readable "
            "where records are deleted"
        )
    known = {parse_literal(text, column.type) for text in column.enum or ()}
    for index, text in enumerate(deletes.values):
        here = place / "values" / index
        try:
            value = parse_literal(text, column.type)
        except ValueError as error:
            here.error(f"deletes: {error}")
            continue
        if known and value not in known:
            here.error(f"deletes: '{text}' is not in the enum of '{name}', so no record has it")
        elif text in deletes.values[:index]:
            here.error(f"deletes: '{text}' stands there twice")
