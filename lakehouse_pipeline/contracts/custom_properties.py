"""What ODCS has no word for, under `customProperties`.

Of a contract: csv, compliance, publish; of a column: anonymize, subject. Each value is judged key
by key. How the values fit the rest of the contract is judged in `lint`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, cast, get_args

from open_data_contract_standard.model import CustomProperty

from lakehouse_pipeline.contracts import csv_dialect
from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.model import Anonymize, Compliance, Csv, Publish
from lakehouse_pipeline.errors import nearest

CONTRACT_NAMES = ("csv", "compliance", "publish")
COLUMN_NAMES = ("anonymize", "subject")
MASK = {"keepFirst": 0, "keepLast": 0, "character": "*"}
"""The parameters of `mask` and what they are when the contract does not give them."""

TECHNIQUES: Mapping[str, tuple[str, ...]] = {"hash": (), "mask": tuple(MASK), "drop": ()}
EVERYTHING = 100.0
_PUBLISH = ("mode", "maxQuarantinedPercent", "columns")

Value = TypeVar("Value")


def read_contract_properties(
    properties: Sequence[CustomProperty] | None, place: Place
) -> tuple[Csv, Compliance, Publish, Place]:
    """Return the contract's csv, compliance and publish, and the place of publish."""
    found = _by_name(properties, place, CONTRACT_NAMES, "of a contract")
    return (
        _read(found, "csv", csv_dialect.read_csv, Csv()),
        _read(found, "compliance", _compliance, "standard"),
        _read(found, "publish", _publish, Publish()),
        found["publish"][1] if "publish" in found else place,
    )


def read_column_properties(
    properties: Sequence[CustomProperty] | None, place: Place
) -> tuple[Anonymize | None, bool]:
    """Return the column's technique, if it has one, and whether it names the subject."""
    found = _by_name(properties, place, COLUMN_NAMES, "of a column")
    technique = _read(found, "anonymize", _anonymize, None)
    return technique, _read(found, "subject", _subject, default=False)


Found = dict[str, tuple[object, Place]]


def _by_name(
    properties: Sequence[CustomProperty] | None, place: Place, known: Sequence[str], whose: str
) -> Found:
    found: Found = {}
    for index, item in enumerate(properties or ()):
        here = place / index
        name = item.property
        if name is None:
            (here / "property").missing("a custom property needs the key 'property'")
        elif name not in known:
            (here / "property").error(
                f"unknown custom property '{name}' {whose}.{nearest(name, known)} "
                f"Known: {', '.join(known)}"
            )
        elif name in found:
            (here / "property").error(f"custom property '{name}' stands there twice")
        elif not (here / "value").exists:
            here.error(f"custom property '{name}' needs the key 'value'")
        else:
            found[name] = (item.value, here / "value")
    return found


def _read(
    found: Found, name: str, reader: Callable[[object, Place], Value], default: Value
) -> Value:
    return reader(*found[name]) if name in found else default


def _compliance(value: object, place: Place) -> Compliance:
    if value == "strict":
        place.unenforced("compliance 'strict'", "write gdpr")
    elif value not in ("standard", "gdpr"):
        near = nearest(str(value), ("standard", "gdpr"))
        place.error(f"compliance '{value}' is not known.{near} Expected standard or gdpr")
    return cast("Compliance", value) if value in get_args(Compliance) else "standard"


def _publish(value: object, place: Place) -> Publish:
    entries = csv_dialect.read_entries(value, place, _PUBLISH, "publish")
    mode = entries.get("mode", "append")
    if mode == "upsert":
        (place / "mode").unenforced("publish mode 'upsert'", "write append")
    elif mode != "append":
        (place / "mode").error(f"publish mode '{mode}' is not known; expected append")
    percent = _percent(entries.get("maxQuarantinedPercent", EVERYTHING), place)
    columns = entries.get("columns", [])
    if not _is_texts(columns):
        (place / "columns").error("'columns': expected a list of column names")
        columns = []
    return Publish(max_quarantined_percent=percent, columns=tuple(cast("list[str]", columns)))


def _percent(value: object, place: Place) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 <= value <= EVERYTHING
    ):
        (place / "maxQuarantinedPercent").error(
            "'maxQuarantinedPercent': expected a number from 0 to 100"
        )
        return EVERYTHING
    return float(value)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _subject(value: object, place: Place) -> bool:
    if not isinstance(value, bool):
        place.error("'subject': expected true or false")
    return value is True


def _anonymize(value: object, place: Place) -> Anonymize | None:
    if not isinstance(value, dict) or "technique" not in value:
        place.error("'anonymize': expected a technique, such as {technique: hash}")
        return None
    technique = value["technique"]
    if not isinstance(technique, str) or technique not in TECHNIQUES:
        (place / "technique").error(
            f"technique '{technique}' is not known.{nearest(str(technique), TECHNIQUES)} "
            f"Known: {', '.join(TECHNIQUES)}"
        )
        return None
    known = ("technique", *TECHNIQUES[technique])
    entries = csv_dialect.read_entries(value, place, known, f"technique '{technique}'")
    parameters = {key: entries[key] for key in TECHNIQUES[technique] if key in entries}
    _check_mask(parameters, place)
    return Anonymize(technique, parameters)


def _check_mask(parameters: Mapping[str, object], place: Place) -> None:
    for name in ("keepFirst", "keepLast"):
        count = parameters.get(name, 0)
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            (place / name).error(f"'{name}': expected a whole number, 0 or more")
    character = parameters.get("character", "*")
    if not isinstance(character, str) or len(character) != 1 or not character.isprintable():
        (place / "character").error("'character': expected one printable character")
