"""The custom property `publish`: mode, gate, columns and deletes, judged key by key.

How they fit the columns and the primary key is judged in `lint_publish`.
"""

from typing import Literal, cast

from lakehouse_pipeline.contracts.csv_dialect import read_entries
from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.limits import is_number
from lakehouse_pipeline.contracts.model import Deletes, Publish
from lakehouse_pipeline.errors import nearest

MODES = ("append", "upsert")
_KEYS = ("mode", "maxQuarantinedPercent", "columns", "deletes")
_DELETES = ("column", "values")
_EVERYTHING = 100.0


def read_publish(value: object, place: Place) -> Publish:
    """Return what is published; a part that is wrong is a problem and as in `Publish`."""
    entries = read_entries(value, place, _KEYS, "publish")
    columns = entries.get("columns", [])
    if not _is_texts(columns):
        (place / "columns").error("'columns': expected a list of column names")
        columns = []
    return Publish(
        mode=_mode(entries.get("mode", "append"), place / "mode"),
        max_quarantined_percent=_percent(entries.get("maxQuarantinedPercent", 100), place),
        columns=tuple(cast("list[str]", columns)),
        deletes=_deletes(entries["deletes"], place / "deletes") if "deletes" in entries else None,
    )


def _mode(value: object, place: Place) -> Literal["append", "upsert"]:
    if value not in MODES:
        near = nearest(str(value), MODES)
        place.error(f"publish mode '{value}' is not known.{near} Expected append or upsert")
    return "upsert" if value == "upsert" else "append"


def _percent(value: object, place: Place) -> float:
    if not is_number(value) or not 0 <= value <= _EVERYTHING:
        (place / "maxQuarantinedPercent").error(
            "'maxQuarantinedPercent': expected a number from 0 to 100"
        )
        return _EVERYTHING
    return float(value)


def _deletes(value: object, place: Place) -> Deletes | None:
    """Return the column and the texts, as written, that delete a key."""
    entries = read_entries(value, place, _DELETES, "deletes")
    if not entries and not isinstance(value, dict):
        return None
    column, values = entries.get("column"), entries.get("values")
    if not isinstance(column, str):
        (place / "column").error("'deletes' needs a 'column', the name of one column")
    if not isinstance(values, list) or not values:
        (place / "values").error("'deletes' needs 'values', a list such as [D]")
    texts = [
        (place / "values" / index).text
        for index, item in enumerate(values if isinstance(values, list) else ())
        if _is_value(item, place / "values" / index)
    ]
    if not isinstance(column, str) or not texts:
        return None
    return Deletes(column, tuple(text for text in texts if text is not None))


def _is_value(item: object, place: Place) -> bool:
    if item is None or isinstance(item, list | dict):
        place.error("'deletes': expected each value as text, a number or true/false")
        return False
    return True


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
