"""A YAML document against the ODCS models: unknown keys, wrong kinds of values, missing parts.

The models of `open-data-contract-standard` ignore unknown keys below the top; here each one is
a problem. What the values mean is judged in `columns`, `quality` and `custom_properties`.
"""

import copy
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from open_data_contract_standard.model import OpenDataContractStandard
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.yaml_positions import DocumentPath
from lakehouse_pipeline.errors import nearest

_WORDS = {
    "OpenDataContractStandard": "the contract",
    "SchemaObject": "schema",
    "SchemaProperty": "column",
    "DataQuality": "quality rule",
    "CustomProperty": "custom property",
    "ServiceLevelAgreementProperty": "slaProperties",
    "EnumValue": "enum",
    "TeamMember": "team member",
}
_HABITS = {
    "type": "logicalType",
    "dataType": "logicalType",
    "columns": "properties",
    "fields": "properties",
    "nullable": "required",
    "minimum": "logicalTypeOptions",
    "maximum": "logicalTypeOptions",
    "pattern": "logicalTypeOptions",
    "minLength": "logicalTypeOptions",
    "maxLength": "logicalTypeOptions",
    "format": "logicalTypeOptions",
    "sql": "implementation",
    "expression": "implementation",
}
"""What people write from habit, and the ODCS key that is meant."""

_EXPECTED = {
    "string_type": "expected text; put it in quotes",
    "bool_type": "expected true or false",
    "int_type": "expected a whole number",
    "float_type": "expected a number",
    "list_type": "expected a list",
    "dict_type": "expected a mapping",
    "model_type": "expected a mapping of keys to values",
}


def read_shape(root: Place) -> OpenDataContractStandard:
    """Return the document as an ODCS model, without the parts that have the wrong shape.

    Every part left out is a problem at its place; the rest can still be judged.
    """
    value = root.findings.document.value
    _find_unknown(OpenDataContractStandard, value, root)
    known = _keys(OpenDataContractStandard)
    entries = value if isinstance(value, dict) else {}
    data = {key: part for key, part in entries.items() if key in known}
    copied = False
    while True:
        try:
            return OpenDataContractStandard.model_validate(data, strict=True)
        except ValidationError as error:
            if not copied:  # the document stays as it is
                data, copied = copy.deepcopy(data), True
            for path, message in _messages(data, error).items():
                Place(root.findings, path).error(message)
                _prune(data, path)


def _find_unknown(model: type[BaseModel], value: object, place: Place) -> None:
    if not isinstance(value, dict):
        return
    keys = _keys(model)
    for key, part in value.items():
        if key not in keys:
            label = _label(model, value)
            hint = nearest_key(key, keys)
            (place / key).key_error(f"unknown key '{key}' in {label}.{hint}")
            continue
        for inner, inner_value, inner_place in _below(keys[key], part, place / key):
            _find_unknown(inner, inner_value, inner_place)


def nearest_key(key: str, known: Mapping[str, object]) -> str:
    """Return ` Did you mean 'x'?` for the known key that is closest in letters or by habit."""
    habits = {habit: meant for habit, meant in _HABITS.items() if meant in known}
    for near in (nearest(key, known), nearest(key, habits)):
        if near:
            name = near.split("'")[1]
            return f" Did you mean '{habits.get(name, name)}'?"
    return ""


Nested = tuple[tuple[type[BaseModel], ...], tuple[type[BaseModel], ...]]


def _below(
    nested: Nested, part: object, place: Place
) -> Iterator[tuple[type[BaseModel], object, Place]]:
    """Yield what to look at below a key: the model, its value and its place."""
    single, listed = nested
    if isinstance(part, dict):
        yield from ((model, part, place) for model in single)
    elif isinstance(part, list):
        for model in listed:
            yield from ((model, item, place / index) for index, item in enumerate(part))


@cache
def _keys(model: type[BaseModel]) -> dict[str, Nested]:
    """Return each key of a model, as YAML writes it, with the models that stand below it."""
    return {
        info.alias or name: _nested(info.annotation) for name, info in model.model_fields.items()
    }


def _nested(annotation: object) -> Nested:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return (annotation,), ()
    if typing.get_origin(annotation) is list:
        return (), _nested(typing.get_args(annotation)[0])[0]
    if typing.get_origin(annotation) is dict:
        return (), ()
    parts = [_nested(part) for part in typing.get_args(annotation)]
    return (
        tuple(model for single, _ in parts for model in single),
        tuple(model for _, listed in parts for model in listed),
    )


def _label(model: type[BaseModel], value: Mapping[str, object]) -> str:
    word = _WORDS.get(model.__name__, model.__name__.lower())
    name = value.get("name") or value.get("property") or value.get("value")
    return word if model is OpenDataContractStandard or not name else f"{word} '{name}'"


def _document_path(data: object, loc: tuple[int | str, ...]) -> DocumentPath:
    """Return `loc` without the names of union members, which are no part of the document."""
    path: list[int | str] = []
    for step in loc:
        in_list = isinstance(data, list) and isinstance(step, int) and step < len(data)
        if in_list or (isinstance(data, dict) and step in data):
            data = typing.cast("Any", data)[step]
            path.append(step)
    return tuple(path)


def _messages(data: object, error: ValidationError) -> dict[DocumentPath, str]:
    """Return one message for each value of a wrong kind; of a union, what each member expects."""
    expected: dict[DocumentPath, list[str]] = {}
    for detail in error.errors(include_url=False):
        path = _document_path(data, detail["loc"])
        texts = expected.setdefault(path, [])
        if (text := _expected(path, detail)) not in texts:
            texts.append(text)
    innermost = [
        path
        for path in expected
        if not any(other[: len(path)] == path and other != path for other in expected)
    ]
    return {path: f"{_subject(path)}: {', or '.join(expected[path])}" for path in innermost}


def _subject(path: DocumentPath) -> str:
    return next((f"'{step}'" for step in reversed(path) if isinstance(step, str)), "the contract")


def _expected(path: DocumentPath, detail: ErrorDetails) -> str:
    if _subject(path) == "'enum'" and detail["type"] == "model_type":
        return "expected each value as a mapping, such as {value: DE}"
    said = detail["msg"].replace("List should have", "expected a list of")
    return _EXPECTED.get(detail["type"], said.replace(" after validation", ""))


def _prune(data: dict[str, object], path: DocumentPath) -> None:
    """Remove the innermost key that leads to `path`; positions in lists stay as they are."""
    keep = max(index for index, step in enumerate(path) if isinstance(step, str))
    inner: object = data
    for step in path[:keep]:
        if isinstance(inner, dict):
            inner = inner.get(str(step), {})
        elif isinstance(inner, list) and isinstance(step, int):
            inner = inner[step]
    if isinstance(inner, dict):
        inner.pop(str(path[keep]), None)
