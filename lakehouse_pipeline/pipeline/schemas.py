"""The tables made ready for what a contract now promises, before a batch is written.

A column that is added or gone needs nothing here (`lake/evolution.py`). One in a wider type has its
table rewritten, every value as it was, in a commit of its own: before and after it the table is
whole. Any other type asks for every batch again, in one run.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.widening import is_widening
from lakehouse_pipeline.errors import SchemaChangeError
from lakehouse_pipeline.layers.anonymized import anonymized, prepared
from lakehouse_pipeline.layers.published import published
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.relations import empty
from lakehouse_pipeline.pipeline.widening import stored_columns, widen

JUDGED = {Layer.QUARANTINED, Layer.VALIDATED}


@dataclass(frozen=True, slots=True)
class _Retyped:
    """A layer's columns that the contract promises in another type: `(stored, promised)` in SQL."""

    layer: Layer
    columns: Mapping[str, tuple[str, str]]

    @property
    def promised(self) -> dict[str, str]:
        """The new types."""
        return {name: promised for name, (_, promised) in self.columns.items()}

    @property
    def is_wider(self) -> bool:
        """Whether each column's new type holds all it stores."""
        return all(is_widening(*types) for types in self.columns.values())


def make_ready(
    lake: Lake, contract: Contract, batches: Sequence[str], layers: Collection[Layer]
) -> bool:
    """Widen what the contract widened; return whether a table is to be made anew from `batches`.

    They are then written in one commit: the table never holds some of them only. All layers are
    judged before any is touched. Widened are also the layers not asked for, since those asked for
    are made from them. Hold the dataset's lock.

    Raises: SchemaChangeError: a table holds batches that are not among `batches`, in a type that
        the new one does not widen.
    """
    retyped = list(_retyped(lake, contract))
    anew = _made_anew(retyped, layers)
    for one in anew:
        _check_whole(lake, contract.dataset, batches, one)
    for one in retyped:
        if one.is_wider:
            widen(lake, contract.dataset, one.layer, one.promised)
    return bool(anew)


def check_ready(
    lake: Lake, contract: Contract, batches: Sequence[str], layers: Collection[Layer]
) -> None:
    """Change nothing, and raise what would keep `layers` from being made of what is stored.

    Raises: SchemaChangeError: as `make_ready`; or validated, when the layers are only made from it,
        holds a column in a type that the contract's does not widen.
    """
    retyped = list(_retyped(lake, contract))
    for one in _made_anew(retyped, layers):
        _check_whole(lake, contract.dataset, batches, one)
    for one in retyped:
        if one.layer is Layer.VALIDATED and not one.is_wider and not JUDGED & set(layers):
            raise _changed(lake, contract.dataset, one)


def _made_anew(retyped: Sequence[_Retyped], layers: Collection[Layer]) -> list[_Retyped]:
    asked = {Layer.VALIDATED if layer in JUDGED else layer for layer in layers}
    return [one for one in retyped if not one.is_wider and one.layer in asked]


def _retyped(lake: Lake, contract: Contract) -> Iterator[_Retyped]:
    for layer, sql in _relations(contract):
        table = lake.tables.open(contract.dataset, layer)
        if table is None:
            continue
        with stored_columns(lake, table) as relation:
            stored = _types(lake, relation)
        columns = {
            name: (stored[name], promised)
            for name, promised in _types(lake, sql).items()
            if stored.get(name, promised) != promised
        }
        if columns:
            yield _Retyped(layer, columns)


def _relations(contract: Contract) -> Iterator[tuple[Layer, str]]:
    """Yield SQL of an empty relation for each layer that has types of its own."""
    validated = empty(contract, Layer.VALIDATED)
    yield Layer.VALIDATED, validated
    yield Layer.ANONYMIZED, f"({anonymized(contract, f'({prepared(contract, validated)})')})"
    yield Layer.PUBLISHED, f"({published(contract, empty(contract, Layer.ANONYMIZED))})"


def _types(lake: Lake, sql: str) -> dict[str, str]:
    relation = lake.connection.sql(f"SELECT * FROM {sql} LIMIT 0")
    return {name: str(kind) for name, kind in zip(relation.columns, relation.types, strict=True)}


def _check_whole(lake: Lake, dataset: str, batches: Sequence[str], retyped: _Retyped) -> None:
    """Raise: SchemaChangeError: the layer holds other batches too."""
    if lake.tables.batches(dataset, retyped.layer) - set(batches):
        raise _changed(lake, dataset, retyped)


def _changed(lake: Lake, dataset: str, retyped: _Retyped) -> SchemaChangeError:
    column, types = next(
        (name, types) for name, types in retyped.columns.items() if not is_widening(*types)
    )
    path = str(lake.tables.path(dataset, retyped.layer))
    return SchemaChangeError(path, column, *types, dataset)
