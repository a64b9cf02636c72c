"""What ODCS has no word for, under `customProperties`.

Of a contract: csv, compliance, privacy, publish, retention; of a column: anonymize, notPersonal,
subject, uniqueScope, severity. Each value is judged key by key: csv in `csv_dialect`, privacy in
`protection`, publish in `publishing`, retention in `service_levels`, severity in `severities`,
anonymize in `technique_parameters`. How the values fit the rest is judged in `lint`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast, get_args

from open_data_contract_standard.model import CustomProperty

from lakehouse_pipeline.contracts import csv_dialect
from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.model import (
    Anonymize,
    Compliance,
    Csv,
    Privacy,
    Publish,
    Scope,
)
from lakehouse_pipeline.contracts.protection import read_privacy
from lakehouse_pipeline.contracts.publishing import read_publish
from lakehouse_pipeline.contracts.service_levels import read_days
from lakehouse_pipeline.contracts.technique_parameters import read_anonymize
from lakehouse_pipeline.errors import nearest

CONTRACT_NAMES = ("csv", "compliance", "privacy", "publish", "retention")
COLUMN_NAMES = ("anonymize", "notPersonal", "subject", "uniqueScope", "severity")

Value = TypeVar("Value")
Entry = tuple[object, Place]
"""The value of a custom property and where it stands."""


@dataclass(frozen=True, slots=True)
class ContractProperties:
    """The custom properties of a contract; the places are where publish and retention stand."""

    csv: Csv
    compliance: Compliance
    publish: Publish
    publish_place: Place
    retention: Mapping[str, float]
    retention_place: Place
    privacy: Privacy | None
    privacy_place: Place


@dataclass(frozen=True, slots=True)
class ColumnProperties:
    """The custom properties of a column; None where the contract is silent.

    `scope_place` is where uniqueScope stands; severity is not judged yet.
    """

    anonymize: Anonymize | None
    not_personal: str
    subject: bool
    unique_scope: Scope | None
    scope_place: Place
    severity: Entry | None


def read_contract_properties(
    properties: Sequence[CustomProperty] | None, place: Place
) -> ContractProperties:
    """Return the contract's custom properties; what is missing is as in the model."""
    found = named_properties(properties, place, CONTRACT_NAMES, "of a contract")
    return ContractProperties(
        csv=_read(found, "csv", csv_dialect.read_csv, Csv()),
        compliance=_read(found, "compliance", _compliance, "standard"),
        publish=_read(found, "publish", read_publish, Publish()),
        publish_place=found["publish"][1] if "publish" in found else place,
        retention=_read(found, "retention", read_days, {}),
        retention_place=found["retention"][1] if "retention" in found else place,
        privacy=_read(found, "privacy", read_privacy, None),
        privacy_place=found["privacy"][1] if "privacy" in found else place,
    )


def read_column_properties(
    properties: Sequence[CustomProperty] | None, place: Place
) -> ColumnProperties:
    """Return the column's custom properties."""
    found = named_properties(properties, place, COLUMN_NAMES, "of a column")
    return ColumnProperties(
        anonymize=_read(found, "anonymize", read_anonymize, None),
        not_personal=_read(found, "notPersonal", _not_personal, ""),
        subject=_read(found, "subject", _subject, default=False),
        unique_scope=_read(found, "uniqueScope", _unique_scope, None),
        scope_place=found["uniqueScope"][1] if "uniqueScope" in found else place,
        severity=found.get("severity"),
    )


def named_properties(
    properties: Sequence[CustomProperty] | None, place: Place, known: Sequence[str], whose: str
) -> dict[str, Entry]:
    """Return the `known` custom properties by their names; every other one is a problem."""
    found: dict[str, Entry] = {}
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
    found: Mapping[str, Entry], name: str, reader: Callable[[object, Place], Value], default: Value
) -> Value:
    return reader(*found[name]) if name in found else default


def _compliance(value: object, place: Place) -> Compliance:
    known = get_args(Compliance)
    if value not in known:
        near = nearest(str(value), known)
        place.error(f"compliance '{value}' is not known.{near} Expected standard, gdpr or strict")
    return cast("Compliance", value) if value in get_args(Compliance) else "standard"


def _not_personal(value: object, place: Place) -> str:
    entries = csv_dialect.read_entries(value, place, ("reason",), "notPersonal")
    reason = entries.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        place.missing("'notPersonal' needs a 'reason', such as {reason: numbers of machines}")
        return ""
    return reason.strip()


def _unique_scope(value: object, place: Place) -> Scope | None:
    if value not in get_args(Scope):
        near = nearest(str(value), get_args(Scope))
        place.error(f"uniqueScope '{value}' is not known.{near} Expected batch or dataset")
        return None
    return cast("Scope", value)


def _subject(value: object, place: Place) -> bool:
    if not isinstance(value, bool):
        place.error("'subject': expected true or false")
    return value is True
