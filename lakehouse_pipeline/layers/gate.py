"""The rules over a whole batch: what refuses it, what only warns, and who said otherwise.

Pure: the numbers come from `pipeline/measures.py`, by the SQL of `metrics.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from lakehouse_pipeline.contracts.counted import counted
from lakehouse_pipeline.contracts.model import Contract, Limit, Severity, SqlRule

TOO_MANY = "maxQuarantinedPercent"
"""The rule of the gate itself, beside those of the contract."""

HELD = "held"
"""The rule that a batch breaks when a person holds it back."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says of a batch: it is refused when `refusals` is not empty.

    `rules` are the names of the rules that refuse it, in the order of `refusals`.
    """

    refusals: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """True when nothing of the batch may be published."""
        return bool(self.refusals)


@dataclass(frozen=True, slots=True)
class Measures:
    """The numbers of a batch that the gate judges.

    `values` are those of metrics and SQL rules by the rule's name; null where a query gave none.
    `warned` counts the records that break each record rule of severity warning. `held` says who
    holds the batch and why; `released` are the rules of the gate that a person waived.
    """

    records: int
    quarantined: int
    values: Mapping[str, float | None] = field(default_factory=dict)
    warned: Mapping[str, int] = field(default_factory=dict)
    held: str = ""
    released: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Breach:
    rule: str
    message: str
    severity: Severity = "error"


def quarantined_percent(records: int, quarantined: int) -> float:
    """Return the share of quarantined records in percent, 0 for a batch without records."""
    return 100.0 * quarantined / records if records else 0.0


def judge_batch(contract: Contract, measures: Measures) -> Verdict:
    """Return the verdict over a batch; a released rule warns instead of refusing."""
    breaches = list(_breaches(contract, measures))
    refusals = [b for b in breaches if b.severity == "error" and b.rule not in measures.released]
    warnings = [b for b in breaches if b not in refusals]
    said = [
        f"{b.message} (released: {measures.released[b.rule]})"
        if b.rule in measures.released
        else b.message
        for b in warnings
    ]
    said += [
        f"{rule}: broken by {counted(count, 'record')}"
        for rule, count in measures.warned.items()
        if count
    ]
    return Verdict(tuple(b.message for b in refusals), tuple(said), tuple(b.rule for b in refusals))


def _breaches(contract: Contract, measures: Measures) -> Iterator[_Breach]:
    if measures.held:
        yield _Breach(HELD, f"{HELD}: {measures.held}")
    records, quarantined = measures.records, measures.quarantined
    share = quarantined_percent(records, quarantined)
    allowed = contract.publish.max_quarantined_percent
    if share > allowed:
        yield _Breach(
            TOO_MANY,
            f"{TOO_MANY}: {quarantined} of {records} records ({share:.2f} %) are quarantined, "
            f"the contract allows {allowed:g} %",
        )
    for rule in contract.metrics:
        counted = "record" if records == 1 else "records"
        what = counted if rule.metric == "rowCount" else rule.metric
        unit = " %" if rule.unit == "percent" else ""
        value = records if rule.metric == "rowCount" else measures.values.get(rule.name)
        yield from _beyond(rule.name, rule.limits, value, f"{unit} {what}", rule.severity)
    for query in contract.sql_rules:
        if query.name in measures.values:
            value = measures.values[query.name]
            for breach in _beyond(query.name, query.limits, value, "", query.severity):
                yield _untold(query, breach) if query.untold else breach


def told(contract: Contract, measures: Measures) -> dict[str, float | None]:
    """Return the values that may be told: none that may be of a person."""
    untold = {query.name for query in contract.sql_rules if query.untold}
    return {name: value for name, value in measures.values.items() if name not in untold}


def _untold(query: SqlRule, breach: _Breach) -> _Breach:
    """Return a breach without the number, which may be a value of a person."""
    limits = " and ".join(str(limit) for limit in query.limits)
    message = (
        f"{query.name}: expected {limits}; what the batch has is not told, since the query reads "
        "a personal column"
    )
    return replace(breach, message=message)


def _beyond(
    name: str, limits: tuple[Limit, ...], value: float | None, what: str, severity: Severity
) -> Iterator[_Breach]:
    """Yield a breach per limit that `value` does not hold; no value holds none."""
    for limit in limits:
        if value is None or not limit.holds(value):
            found = "no value" if value is None else f"{_number(value)}{what}"
            yield _Breach(name, f"{name}: the batch has {found}, expected {limit}", severity)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.6g}"
