"""ODCS YAML to a `Contract`, or every problem of the file at once.

The parts are read in `columns`, `quality`, `relationships`, `custom_properties` and
`service_levels`, and judged against each other in `lint`.
Folders of contracts are read in `lake/contract_store.py`.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from open_data_contract_standard.model import OpenDataContractStandard, SchemaObject, Team

from lakehouse_pipeline.contracts.columns import TEXT, read_column
from lakehouse_pipeline.contracts.custom_properties import (
    ContractProperties,
    read_contract_properties,
)
from lakehouse_pipeline.contracts.findings import Findings, Place
from lakehouse_pipeline.contracts.lint import lint
from lakehouse_pipeline.contracts.lint_rules import Places
from lakehouse_pipeline.contracts.model import Column, Contract, ForeignKey
from lakehouse_pipeline.contracts.quality import Rules
from lakehouse_pipeline.contracts.relationships import Relationships
from lakehouse_pipeline.contracts.service_levels import (
    read_freshness,
    read_levels,
    read_retention,
)
from lakehouse_pipeline.contracts.shape import read_shape
from lakehouse_pipeline.contracts.version import version_key
from lakehouse_pipeline.contracts.yaml_positions import Document, YamlFaultError, parse_yaml
from lakehouse_pipeline.errors import (
    ContractError,
    Problem,
    UnreadableContractError,
    nearest,
)

STATUSES = ("draft", "proposed", "approved", "active", "deprecated", "retired")
"""What `status` may be: what the author asks for; what became of it is in `life_cycle.py`."""

_API_VERSION = re.compile(r"v3\.[0-9]{1,3}\.[0-9]{1,3}")
DATASET_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")

Value = TypeVar("Value")


def load_file(path: Path | str) -> Contract:
    """Return the contract in the file at `path`, which messages name as it is given.

    Raises:
        ContractError: the file is no contract this version can keep; has every problem.
        UnreadableContractError: there is no such file, or it cannot be read.
    """
    return load_bytes(read_file(path), str(path))


def read_file(path: Path | str) -> bytes:
    """Return the bytes of a contract file. Raises: UnreadableContractError: it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UnreadableContractError(path, error.strerror or str(error)) from error


def load_bytes(content: bytes, path: str) -> Contract:
    """Return the contract in `content`, UTF-8 bytes. Raises: ContractError: as `load_text`."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8")) + 1
        message = "not UTF-8; save the file in that encoding"
        raise ContractError([Problem(path, line, column, message)]) from error
    return load_text(text, path)


def load_text(text: str, path: str) -> Contract:
    """Return the contract that `text` holds; `path` is its name in messages.

    Raises: ContractError: with every problem, each with its line and column (from 1).
    """
    try:
        document = parse_yaml(text)
    except YamlFaultError as fault:
        problem = Problem(path, fault.mark.line, fault.mark.column, fault.message)
        raise ContractError([problem]) from fault
    if not isinstance(document.value, dict):
        mark = document.mark(())
        message = "not a contract: expected a mapping with apiVersion, kind, name, schema and more"
        raise ContractError([Problem(path, mark.line, mark.column, message)])
    findings = _findings(path, document)
    contract = _read(Place(findings), hashlib.sha256(text.encode("utf-8")).hexdigest())
    findings.raise_if_any()
    return contract


def _findings(path: str, document: Document) -> Findings:
    findings = Findings(path, document)
    for mark, message in document.faults:
        findings.add(mark, message)
    return findings


def _read(root: Place, sha256: str) -> Contract:
    odcs = read_shape(root)
    _check_kind(odcs, root)
    name, item = _schema(odcs, root)
    schema = root / "schema" / 0
    rules = Rules()
    columns = _columns(item, schema, rules)
    rules.read(item.quality, schema / "quality")
    keys = _foreign_keys(name, item, schema)
    properties = read_contract_properties(odcs.customProperties, root / "customProperties")
    levels = read_levels(odcs.slaProperties, root / "slaProperties")
    contract = Contract(
        dataset=name,
        version=odcs.version or "",
        status=odcs.status or "",
        columns=tuple(column for column, _ in columns),
        compliance=properties.compliance,
        csv=properties.csv,
        publish=properties.publish,
        expressions=_values(rules.expressions),
        foreign_keys=_values(keys),
        pandera_checks=_values(rules.pandera_checks),
        metrics=_values(rules.metrics),
        sql_rules=_values(rules.sql_rules),
        freshness=read_freshness(levels),
        privacy=properties.privacy,
        description=((odcs.description and odcs.description.purpose) or "").strip(),
        owners=_owners(odcs),
        tags=tuple(odcs.tags or ()),
        domain=odcs.domain or "",
        retention=read_retention(levels, properties.retention),
        path=root.findings.path,
        sha256=sha256,
    )
    return lint(contract, _places(columns, rules, properties))


def _values(placed: Sequence[tuple[Value, Place]]) -> tuple[Value, ...]:
    return tuple(value for value, _ in placed)


def _places(
    columns: Sequence[tuple[Column, Place]], rules: Rules, properties: ContractProperties
) -> Places:
    return Places(
        columns=[place for _, place in columns],
        publish=properties.publish_place,
        retention=properties.retention_place,
        privacy=properties.privacy_place,
        expressions=[place for _, place in rules.expressions],
        metrics=[place for _, place in rules.metrics],
        pandera_checks=[place for _, place in rules.pandera_checks],
        sql_rules=[place for _, place in rules.sql_rules],
        sql_columns=rules.sql_columns,
    )


def _check_kind(odcs: OpenDataContractStandard, root: Place) -> None:
    for key in ("apiVersion", "kind", "id", "version", "status"):
        if getattr(odcs, key) in (None, ""):
            (root / key).missing(f"the contract needs the key '{key}'")
    if odcs.apiVersion and not _API_VERSION.fullmatch(odcs.apiVersion):
        (root / "apiVersion").error(f"apiVersion '{odcs.apiVersion}': expected v3.1.0")
    if odcs.kind and odcs.kind != "DataContract":
        (root / "kind").error(f"kind '{odcs.kind}': expected DataContract")
    if odcs.version and version_key(odcs.version) is None:
        (root / "version").error(f"version '{odcs.version}': expected a version such as 1.0.0")
    if odcs.status and odcs.status not in STATUSES:
        (root / "status").error(
            f"status '{odcs.status}' is not known.{nearest(odcs.status, STATUSES)} "
            f"Known: {', '.join(STATUSES)}"
        )


def _schema(odcs: OpenDataContractStandard, root: Place) -> tuple[str, SchemaObject]:
    """Return the dataset's name and its schema, an empty one if there is none."""
    schemas = odcs.schema_ or []
    place = root / "schema"
    if not schemas:
        place.missing("the contract needs the key 'schema' with one table")
    for index in range(1, len(schemas)):
        (place / index).error("a contract describes one dataset; expected one table in 'schema'")
    item = schemas[0] if schemas else SchemaObject()
    if schemas and not item.properties:
        (place / 0 / "properties").missing("a schema needs columns under 'properties'")
    name = odcs.name or item.name or ""
    where = root / "name" if odcs.name else place / 0 / "name"
    if not name:
        (root / "name").missing("the contract needs the key 'name', the name of the dataset")
    elif not DATASET_NAME.fullmatch(name):
        where.error(
            f"dataset name '{name}': expected a letter, then letters, digits or '_', "
            "60 characters at most"
        )
    if item.name not in (None, name):
        (place / 0 / "name").error(f"the schema is named '{item.name}', the contract '{name}'")
    return name, item


def _columns(item: SchemaObject, schema: Place, rules: Rules) -> list[tuple[Column, Place]]:
    """Return the columns of the schema with their places; their quality rules go to `rules`."""
    if item.customProperties:
        (schema / "customProperties").unenforced("'customProperties' of a schema")
    if item.physicalName not in (None, item.name):
        (schema / "physicalName").unenforced("a 'physicalName' other than the name")
    if item.logicalType not in (None, "object"):
        (schema / "logicalType").error("the logicalType of a schema: expected object")
    composite = sum(bool(prop.primaryKey) for prop in item.properties or ()) > 1
    found = []
    for index, prop in enumerate(item.properties or ()):
        place = schema / "properties" / index
        column = read_column(prop, place, composite=composite)
        rules.read(prop.quality, place / "quality", column or Column("without a name", TEXT))
        if column is not None:
            found.append((column, place))
    return found


def _foreign_keys(
    dataset: str, item: SchemaObject, schema: Place
) -> list[tuple[ForeignKey, Place]]:
    """Return the foreign keys of the columns, then those of the schema, with their places."""
    properties = item.properties or ()
    keys = Relationships(dataset, [prop.name for prop in properties if prop.name])
    for index, prop in enumerate(properties):
        place = schema / "properties" / index / "relationships"
        keys.read(prop.relationships, place, prop.name or "without a name")
    keys.read(item.relationships, schema / "relationships")
    return keys.found


def _owners(odcs: OpenDataContractStandard) -> tuple[str, ...]:
    """Return the team's name, or else the names of its members."""
    team = odcs.team
    if isinstance(team, Team):
        if team.name:
            return (team.name,)
        team = team.members
    return tuple(member.username for member in team or () if member.username)
