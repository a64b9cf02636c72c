"""The asset `[dataset, contract]`, upstream of raw: its spec, and the materialization of a version.

Nothing computes it: a version is materialized when it is defined, and once more when it becomes
active and files are read otherwise from then on. `life_cycle.py` reports that.
"""

import re
from collections.abc import Sequence
from difflib import unified_diff
from pathlib import Path

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from lakehouse_pipeline.contracts.compare import Change, compare
from lakehouse_pipeline.contracts.life_cycle import LifeCycle, State, Version
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.contract_store import ContractStore, Refused
from lakehouse_pipeline.layers.rules import record_rules
from lakehouse_pipeline.orchestration.keys import contract_key, plain
from lakehouse_pipeline.orchestration.metadata import Metadata, reading_version

Facts = dict[str, str | int | float]


def contract_specs(store: ContractStore, refused: Sequence[Refused]) -> list[dg.AssetSpec]:
    """Return the asset of every dataset's contract, sound or refused."""
    lives = {dataset: store.life_cycle(dataset) for dataset in store.datasets()}
    names = {
        *(name for name, life in lives.items() if life.versions),
        *(r.dataset for r in refused),
    }
    return [
        _spec(name, lives.get(name, LifeCycle()), [r for r in refused if r.dataset == name])
        for name in sorted(names)
    ]


def _spec(dataset: str, life: LifeCycle, refused: Sequence[Refused]) -> dg.AssetSpec:
    problems = [str(problem) for one in refused for problem in one.problems]
    parts = [_states(life)] if life.versions else []
    if problems:
        listed = "\n".join(f"- `{problem}`" for problem in problems)
        parts.insert(0, f"**This contract is refused.**\n\n{listed}")
    shown: Metadata = {"problems": len(problems)} if problems else {}
    if life.shown:
        shown |= {"version": life.shown.name, "state": life.shown.state.value}
    return dg.AssetSpec(
        contract_key(plain(dataset)),
        description="\n\n".join(parts),
        group_name=plain(dataset),
        kinds={"yaml"},
        tags={"refused": ""} if problems else {},
        metadata=shown,
    )


def _states(life: LifeCycle) -> str:
    """Return the versions with their states as a Markdown table, the newest first."""
    rows = ["| version | state | by | why |", "|---|---|---|---|"]
    for version in reversed(tuple(life.versions.values())):
        by, why = (version.last.by, version.last.why) if version.last else ("", "")
        cells = (version.name, version.state.value, by, why)
        rows.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    if life.closed:
        rows.insert(0, f"**Deprecated as a whole** by {_cell(life.closed.by)}.\n")
    return "\n".join(rows)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def materialization(
    life: LifeCycle,
    version: Version,
    facts: Facts,
    in_force: Contract,
    former: Contract | None,
) -> dg.AssetMaterialization:
    """Return the event that a version was defined, with its text and what it changes.

    The difference is to `former`, the version that was in force before; without one to the next
    version below that was not declined. The data version is that of the contract `in_force`: a
    draft makes no layer stale.
    """
    contract = version.contract
    text = _text(contract)
    metadata: Metadata = {
        **facts,
        "version": version.name,
        "state": version.state.value,
        "compliance": contract.compliance,
        "sha256": contract.sha256,
        "columns": len(contract.columns),
        "rules": len(record_rules(contract)) + len(contract.metrics) + len(contract.sql_rules),
        "contract": dg.MetadataValue.md(_fenced("yaml", text)),
    }
    before = former or _below(life, version)
    if before:
        metadata["diff"] = dg.MetadataValue.md(_fenced("diff", _diff(before, contract)))
        changes = compare(before, contract)
        if changes:
            metadata["changes"] = dg.MetadataValue.md(_sentences(changes))
    return dg.AssetMaterialization(
        contract_key(contract.dataset),
        metadata=metadata,
        tags={DATA_VERSION_TAG: reading_version(in_force)},
    )


def _below(life: LifeCycle, version: Version) -> Contract | None:
    """Return the version next below this one that was not declined."""
    names = list(life.versions)
    below = [life.versions[name] for name in names[: names.index(version.name)]]
    return next((v.contract for v in reversed(below) if v.state is not State.DECLINED), None)


def _diff(old: Contract, new: Contract) -> str:
    lines = unified_diff(
        _text(old).splitlines(),
        _text(new).splitlines(),
        f"{old.version}.yaml",
        f"{new.version}.yaml",
        lineterm="",
    )
    return "\n".join(lines)


def _sentences(changes: Sequence[Change]) -> str:
    """Return changes as a Markdown list, with whose promise a breaking one breaks."""
    said = [
        f"- **breaking for {' and '.join(one.breaks)}** {one}" if one.breaks else f"- {one}"
        for one in changes
    ]
    return "\n".join(said)


def _text(contract: Contract) -> str:
    return Path(contract.path).read_text("utf-8")


def _fenced(language: str, text: str) -> str:
    """Return text as a Markdown code block, whatever fences stand in it."""
    longest = max((len(fence) for fence in re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
