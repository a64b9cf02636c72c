"""Rules, techniques and promises in plain words, for people who are no engineers."""

from collections.abc import Iterator

from lakehouse_pipeline.contracts.format_patterns import FORMAT_NAMES
from lakehouse_pipeline.contracts.model import (
    Column,
    Contract,
    Freshness,
    Limit,
    Metric,
    UniqueKey,
)

_UNITS = (("day", 86400.0), ("hour", 3600.0), ("minute", 60.0), ("second", 1.0))


def rules_in_words(column: Column) -> tuple[str, ...]:
    """Return each rule of one column as a phrase, in the contract's order of rules."""
    return tuple(words for _, words in _rules(column))


def _rules(column: Column) -> Iterator[tuple[str, str]]:
    """Yield the kind of each rule with its words; a rule that only warns says so."""
    for kind, words in (*_value_rules(column), *_range_rules(column)):
        yield kind, f"{words} (a warning only)" if kind in column.warns else words


def _value_rules(column: Column) -> Iterator[tuple[str, str]]:
    if column.required:
        yield "required", "always has a value"
    if column.unique:
        where = "the dataset" if column.unique_scope == "dataset" else "its batch"
        yield "unique", f"no two records of {where} have the same value"
    if column.enum is not None:
        yield "enum", f"one of {', '.join(column.enum)}"
    if column.pattern is not None:
        yield "pattern", f"matches the pattern {column.pattern}"
    if column.format is not None:
        yield "format", FORMAT_NAMES[column.format]
    if column.min_length is not None:
        yield "minLength", f"at least {_count(column.min_length, 'character')}"
    if column.max_length is not None:
        yield "maxLength", f"at most {_count(column.max_length, 'character')}"


def _range_rules(column: Column) -> Iterator[tuple[str, str]]:
    if column.minimum is not None:
        yield "minimum", f"at least {column.minimum}"
    if column.maximum is not None:
        yield "maximum", f"at most {column.maximum}"
    if column.exclusive_minimum is not None:
        yield "exclusiveMinimum", f"more than {column.exclusive_minimum}"
    if column.exclusive_maximum is not None:
        yield "exclusiveMaximum", f"less than {column.exclusive_maximum}"
    if column.multiple_of is not None:
        yield "multipleOf", f"a multiple of {column.multiple_of}"


def key_in_words(key: UniqueKey) -> str:
    """Return what a key promises."""
    where = "the dataset" if key.scope == "dataset" else "a batch"
    return f"no two records of {where} have the same {' and '.join(key.columns)}"


def metric_in_words(rule: Metric) -> str:
    """Return what a metric of a batch must be."""
    limits = " and ".join(str(limit) for limit in rule.limits)
    of = f" of {' and '.join(rule.columns)}" if rule.columns else ""
    names = {
        "rowCount": "records in a batch",
        "nullValues": f"records without a value{of}",
        "missingValues": f"missing values{of}",
        "invalidValues": f"invalid values{of}",
        "duplicateValues": f"records that repeat the values{of}",
    }
    unit = " percent" if rule.unit == "percent" else ""
    return f"{names[rule.metric]}: {limits}{unit}"


def limits_in_words(limits: tuple[Limit, ...]) -> str:
    """Return what a number must be."""
    return " and ".join(str(limit) for limit in limits)


def freshness_in_words(freshness: Freshness) -> str:
    """Return when data are promised."""
    late = f", at most {seconds_in_words(freshness.latency)} late" if freshness.latency else ""
    return f"every {seconds_in_words(freshness.frequency).removeprefix('1 ')}{late}"


def seconds_in_words(seconds: float) -> str:
    """Return a time span in the largest unit that it is a whole number of."""
    for unit, length in _UNITS:
        if seconds % length == 0:
            return _count(seconds / length, unit)
    return _count(seconds, "second")


def publishing_in_words(contract: Contract) -> str:
    """Return which records published holds."""
    publish = contract.publish
    if publish.mode == "append":
        words = "The records of all batches."
    else:
        words = f"The latest record of each {' and '.join(contract.primary_key)}."
    if publish.deletes is not None:
        values = " or ".join(publish.deletes.values)
        words += f" A record whose {publish.deletes.column} is {values} deletes its key."
    if publish.max_quarantined_percent < 100:  # noqa: PLR2004 - percent
        words += (
            f" A batch of which more than {publish.max_quarantined_percent:g} % break a rule is not"
            " published."
        )
    return words


def _count(number: float, unit: str) -> str:
    return f"{number:g} {unit}{'' if number == 1 else 's'}"
