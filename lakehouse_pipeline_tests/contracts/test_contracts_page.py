"""The page `docs/contracts.md`: its examples are sound, and it has all that a contract can say."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from lakehouse_pipeline.contracts import custom_properties, pandera_rules, publishing, quality
from lakehouse_pipeline.contracts.csv_dialect import CSV_KEYS
from lakehouse_pipeline.contracts.format_patterns import FORMATS
from lakehouse_pipeline.contracts.limits import LIMITS
from lakehouse_pipeline.contracts.load import load_text
from lakehouse_pipeline.contracts.metrics import METRICS, UNITS
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.pandera_checks import check_problem
from lakehouse_pipeline.contracts.service_levels import KEPT
from lakehouse_pipeline.contracts.severities import KINDS
from lakehouse_pipeline.contracts.techniques import TECHNIQUES
from lakehouse_pipeline.contracts.types import LOGICAL_TYPES, PHYSICAL_TYPES

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "contracts.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not here")


def fences(language: str) -> list[str]:
    """Return the examples of the page in a language, in its order."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )


def examples() -> list[str]:
    return fences("yaml") if PAGE.exists() else []


def whole(example: str) -> str:
    """Return the example as a contract: in the place of what it replaces in the first one."""
    contract, part = yaml.safe_load(examples()[0]), yaml.safe_load(example)
    (table,) = contract["schema"]
    if isinstance(part, list):
        columns = {column["name"]: column for column in (*table["properties"], *part)}
        table["properties"] = list(columns.values())
    else:
        of_table = part.keys() & {"quality", "relationships"}
        table |= {key: part[key] for key in of_table}
        contract |= {key: value for key, value in part.items() if key not in of_table}
    return yaml.safe_dump(contract, sort_keys=False, allow_unicode=True)


@cache
def contracts() -> list[Contract]:
    return [load_text(whole(example), "contracts.md") for example in examples()]


@pytest.mark.parametrize("example", examples())
def test_every_example_is_a_sound_contract(example: str) -> None:
    contract = load_text(whole(example), "contracts.md")
    assert contract.dataset == "orders"


def test_the_checks_of_the_page_are_those_of_its_module() -> None:
    (module,) = fences("python")
    exec(compile(module, "shop_checks.py", "exec"), {})  # noqa: S102 - the page is ours
    rules = [rule for contract in contracts() for rule in contract.pandera_checks]
    assert [rule.check for rule in rules] == ["ends_in_digits", "cheap_or_paid"]
    assert [check_problem(rule) for rule in rules] == [None, None]


def said(value: Any) -> Iterator[str]:  # noqa: ANN401 - what YAML can hold
    """Yield every key and every text below `value`."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield str(key)
            yield from said(below)
    elif isinstance(value, list):
        for below in value:
            yield from said(below)
    else:
        yield str(value)


WORDS = {
    "custom properties": (*custom_properties.CONTRACT_NAMES, *custom_properties.COLUMN_NAMES),
    "custom properties of rules": ("over", "translations"),
    "csv": CSV_KEYS,
    "publish": (*publishing._KEYS, *publishing._DELETES, *publishing.MODES),
    "techniques": (*TECHNIQUES, *(name for names in TECHNIQUES.values() for name in names)),
    "pandera": pandera_rules._KEYS,
    "quality": ("library", "sql", "custom", *quality.ENGINES, *METRICS),
    "rules of a column": tuple(KINDS),
}


@pytest.mark.parametrize(("where", "words"), WORDS.items())
def test_an_example_shows_every_word_that_a_contract_can_say(
    where: str, words: tuple[str, ...]
) -> None:
    shown = {word for example in examples() for word in said(yaml.safe_load(example))}
    assert [word for word in words if word not in shown] == [], where


def test_the_page_names_every_type_format_limit_and_layer() -> None:
    text = set(re.findall(r"\w+", PAGE.read_text("utf-8")))
    physical = [name.split()[0] for names in PHYSICAL_TYPES.values() for name in names]
    words = (*LOGICAL_TYPES, *physical, *FORMATS, *LIMITS, *UNITS, *KEPT, *quality.TYPES)
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize("page", [DOCS.parent / "README.md", DOCS / "stewards.md"])
def test_readers_are_led_to_the_page(page: Path) -> None:
    assert "contracts.md)" in page.read_text("utf-8")
