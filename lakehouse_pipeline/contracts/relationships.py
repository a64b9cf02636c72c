"""ODCS `relationships` as foreign keys: what points where, and whether it only warns.

A reference is written `<dataset>.<column>`. Whether the other dataset has these columns is known
where its contract is, not here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from open_data_contract_standard.model import Relationship

from lakehouse_pipeline.contracts.custom_properties import named_properties
from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.model import ForeignKey, Severity
from lakehouse_pipeline.contracts.severities import read_severity
from lakehouse_pipeline.errors import nearest

_REFERENCE = re.compile(r"([A-Za-z][A-Za-z0-9_]{0,59})\.([^/#]+)")
_NOTATION = "write it as <dataset>.<column>, such as customers.customer_id"


@dataclass
class Relationships:
    """The foreign keys of the dataset `dataset` with their places, in the order of the file.

    `columns` are the names of its columns.
    """

    dataset: str
    columns: Sequence[str]
    found: list[tuple[ForeignKey, Place]] = field(default_factory=list)
    _lines: dict[object, int] = field(default_factory=dict, init=False)

    def read(self, items: Sequence[Relationship] | None, place: Place, column: str = "") -> None:
        """Add the foreign keys of one list; `column` is the column it belongs to, if any."""
        for index, item in enumerate(items or ()):
            self._read(item, place / index, column)

    def _read(self, item: Relationship, place: Place, column: str) -> None:
        _check_type(item, place)
        severity = _severity(item, place / "customProperties")
        columns = (column,) if column else self._from(item, place)
        if column and item.from_ is not None:
            (place / "from").key_error(f"'from' is column '{column}' here; remove it")
        targets = self._to(item, place)
        if columns and targets and _fits(columns, targets, place):
            references = tuple(reference for _, reference in targets)
            dataset = targets[0][0]
            name = self._name(columns, dataset, references, place)
            self.found.append((ForeignKey(name, columns, dataset, references, severity), place))

    def _from(self, item: Relationship, place: Place) -> tuple[str, ...]:
        """Return the columns that point; empty when one of them is not known."""
        if item.from_ is None:
            (place / "from").missing("a relationship of the schema needs the key 'from'")
            return ()
        if item.to is not None and isinstance(item.from_, str) != isinstance(item.to, str):
            (place / "to").error("'from' and 'to': expected one text in both or a list in both")
            return ()
        names = [self._own(name, here) for name, here in _listed(item.from_, place / "from")]
        _refuse_twice(names, place / "from")
        return tuple(name for name in names if name) if all(names) else ()

    def _own(self, written: str, place: Place) -> str | None:
        """Return the column that `a` or `orders.a` names, or None."""
        name = written
        if written not in self.columns and written.startswith(f"{self.dataset}."):
            name = written.removeprefix(f"{self.dataset}.")
        if name in self.columns:
            return name
        place.error(f"'from': unknown column '{name}'.{nearest(name, self.columns)}")
        return None

    def _to(self, item: Relationship, place: Place) -> tuple[tuple[str, str], ...]:
        """Return dataset and column of each reference; empty when one of them is none."""
        if item.to is None:
            (place / "to").missing("a relationship needs the key 'to'")
            return ()
        found = []
        for written, here in _listed(item.to, place / "to"):
            match = _REFERENCE.fullmatch(written)
            if match is None:
                here.error(f"'to': '{written}' names no column; {_NOTATION}")
            elif match[1] == self.dataset:
                here.unenforced("a relationship to the dataset itself")
            found.append((match[1], match[2]) if match else None)
        _refuse_twice(found, place / "to")
        known = tuple(pair for pair in found if pair and pair[0] != self.dataset)
        return known if len(known) == len(found) else ()

    def _name(
        self, columns: tuple[str, ...], dataset: str, references: tuple[str, ...], place: Place
    ) -> str:
        """Return the rule's name; one that is taken gets what it points to behind it."""
        base = f"{'_'.join(columns)}.foreignKey"
        longer = f"{base}_{dataset}"
        names = (base, longer, f"{longer}_{'_'.join(references)}")
        name = next((name for name in names if name not in self._lines), names[-1])
        pointing = (columns, dataset, references)
        if pointing in self._lines:
            place.error(f"the relationship of line {self._lines[pointing]} stands there twice")
        self._lines |= {name: place.line, pointing: place.line}
        return name


def _check_type(item: Relationship, place: Place) -> None:
    if item.type not in (None, "foreignKey"):
        (place / "type").error(
            f"relationship type '{item.type}' is not known.{nearest(item.type, ('foreignKey',))} "
            "Expected foreignKey"
        )


def _severity(item: Relationship, place: Place) -> Severity:
    found = named_properties(item.customProperties, place, ("severity",), "of a relationship")
    return read_severity(*found["severity"]) if "severity" in found else "error"


def _listed(value: str | list[str], place: Place) -> list[tuple[str, Place]]:
    if isinstance(value, str):
        return [(value, place)]
    if not value:
        place.error(f"'{place.path[-1]}' is empty; name at least one column")
    return [(item, place / index) for index, item in enumerate(value)]


def _refuse_twice(items: Sequence[object], place: Place) -> None:
    for index, item in enumerate(items):
        if item is not None and item in items[:index]:
            (place / index).error(f"'{place.path[-1]}': a column stands there twice")


def _fits(columns: tuple[str, ...], targets: tuple[tuple[str, str], ...], place: Place) -> bool:
    datasets = sorted({dataset for dataset, _ in targets})
    if len(datasets) > 1:
        (place / "to").error(f"a relationship points to one dataset, not to {', '.join(datasets)}")
    elif len(columns) != len(targets):
        (place / "to").error(
            f"columns that point: {len(columns)}, columns in 'to': {len(targets)}; "
            "expected as many of both"
        )
    return len(datasets) == 1 and len(columns) == len(targets)
