"""Which records and rules a person may release: what is in quarantine, and what may not pass.

A broken line and a rule of a type, of personal data, or of a key are never released: the record
must be corrected.
"""

from collections.abc import Sequence

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.errors import LakehouseError, nearest
from lakehouse_pipeline.layers.gate import Measures, judge_batch
from lakehouse_pipeline.layers.rules import record_rules
from lakehouse_pipeline.names import REASONS, RECORD, Layer, literal
from lakehouse_pipeline.pipeline.effective import RULE
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.relations import relation

SHOWN = 10


class NotReleasableError(LakehouseError):
    """Records are not in quarantine, or break a rule that is never released."""

    exit_code = 1

    def __init__(self, batch: str, problems: Sequence[str], advice: str) -> None:
        more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        super().__init__(
            f"{batch}: nothing was released: {'; '.join(problems[:SHOWN])}{more}. {advice}"
        )


class UnknownRuleError(LakehouseError):
    """No record of the batch is in quarantine for a rule of this name."""

    def __init__(self, batch: str, rule: str, known: Sequence[str]) -> None:
        listed = f" Broken there: {', '.join(known)}." if known else ""
        super().__init__(
            f"{batch}: no record is in quarantine for the rule '{rule}'."
            f"{nearest(rule, known)}{listed}"
        )


class NothingToReleaseError(LakehouseError):
    """The batch as a whole is neither held nor refused by its gate."""

    def __init__(self, batch: str) -> None:
        super().__init__(
            f"{batch}: the batch as a whole is not held back. Name the records that may pass with "
            "--record, or the rule they may break with --rule."
        )


def releases_of_records(lake: Lake, contract: Contract, batch: str, records: Sequence[int]) -> str:
    """Return SQL of `_record` and `_rule` for every rule that these records break.

    Raises: NotReleasableError: one is not in quarantine, or breaks a rule that is never released.
    """
    broken = _broken(lake, contract, batch)
    listed = ", ".join(str(int(number)) for number in records)
    rows = lake.connection.execute(
        f"SELECT {RECORD}, list({RULE}) FROM ({broken}) WHERE {RECORD} IN ({listed}) GROUP BY ALL"
    ).fetchall()
    allowed, held = _releasable(contract), dict(rows)
    missing = [
        f"record {number} is not in quarantine" for number in sorted(set(records) - set(held))
    ]
    problems = [
        f"record {number} breaks {rule}"
        for number, rules in sorted(held.items())
        for rule in rules
        if rule not in allowed
    ]
    if missing or problems:
        shown = f"Which are: lakehouse quarantine show {contract.dataset} --batch {batch}"
        advice = [*([shown] if missing else []), *([_never(contract, batch)] if problems else [])]
        raise NotReleasableError(batch, missing + problems, ". ".join(advice))
    return f"SELECT {RECORD}, {RULE} FROM ({broken}) WHERE {RECORD} IN ({listed})"


def releases_of_rule(lake: Lake, contract: Contract, batch: str, rule: str) -> str:
    """Return SQL of `_record` and `_rule` for every record in quarantine that breaks `rule`.

    Raises:
        UnknownRuleError: there is none.
        NotReleasableError: the rule is never released.
    """
    broken = _broken(lake, contract, batch)
    known = [
        name
        for (name,) in lake.connection.execute(
            f"SELECT {RULE} FROM ({broken}) GROUP BY ALL ORDER BY count(*) DESC, 1"
        ).fetchall()
    ]
    if rule not in known:
        raise UnknownRuleError(batch, rule, known)
    if rule not in _releasable(contract):
        raise NotReleasableError(batch, [f"no record may break {rule}"], _never(contract, batch))
    return f"SELECT {RECORD}, {RULE} FROM ({broken}) WHERE {RULE} = {literal(rule)}"


def judged_rules(contract: Contract, measures: Measures) -> tuple[str, ...]:
    """Return the rules by which the gate refuses a batch with these measures."""
    return judge_batch(contract, measures).rules


def _never(contract: Contract, batch: str) -> str:
    """Return what to do about a rule that is never released."""
    return (
        "A broken line and rules of a type, of a key or of personal data are never released: "
        f"correct the records with: lakehouse quarantine correct {contract.dataset} {batch} FILE"
    )


def _releasable(contract: Contract) -> set[str]:
    return {rule.name for rule in record_rules(contract) if rule.releasable}


def _broken(lake: Lake, contract: Contract, batch: str) -> str:
    held = relation(lake, contract, Layer.QUARANTINED, [batch])
    each = f"SELECT {RECORD}, unnest({REASONS}).rule AS {RULE} FROM {held}"
    if not lake.tables.files(contract.dataset, Layer.QUARANTINED, [batch]):
        return f"SELECT 0::BIGINT AS {RECORD}, '' AS {RULE} WHERE false"
    return each
