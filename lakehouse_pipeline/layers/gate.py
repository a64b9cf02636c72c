"""The rules over a whole batch: `rowCount` and the share that may be quarantined."""

from dataclasses import dataclass

from lakehouse_pipeline.contracts.model import Contract


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says of a batch: it is refused when `refusals` is not empty."""

    refusals: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """True when nothing of the batch may be published."""
        return bool(self.refusals)


def quarantined_percent(records: int, quarantined: int) -> float:
    """Return the share of quarantined records in percent, 0 for a batch without records."""
    return 100.0 * quarantined / records if records else 0.0


def judge_batch(contract: Contract, records: int, quarantined: int) -> Verdict:
    """Return the verdict over a batch from its counts of records and quarantined records."""
    refusals: list[str] = []
    warnings: list[str] = []
    share, allowed = (
        quarantined_percent(records, quarantined),
        contract.publish.max_quarantined_percent,
    )
    if share > allowed:
        refusals.append(
            f"maxQuarantinedPercent: {quarantined} of {records} records ({share:.2f} %) are "
            f"quarantined, the contract allows {allowed:g} %"
        )
    for rule in (metric for metric in contract.metrics if metric.metric == "rowCount"):
        for limit in rule.limits:
            if not limit.holds(records):
                found = f"{rule.name}: the batch has {records} records, expected {limit}"
                (refusals if rule.severity == "error" else warnings).append(found)
    return Verdict(tuple(refusals), tuple(warnings))
