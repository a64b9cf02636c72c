"""How the tables of a dataset follow the changes of its contract, as sentences.

What each change does to tables is said where it is found; done is it in `pipeline/schemas.py`.
"""

from collections.abc import Sequence

from lakehouse_pipeline.contracts.comparison.change import Change


def tables_follow(dataset: str, changes: Sequence[Change]) -> list[str]:
    """Return each way in which tables follow, with the places it is about; empty: they stay.

    The last one is the command of a replay where older batches need one.
    """
    places: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        if change.tables:
            places.setdefault((change.effect, change.tables), []).append(change.where)
    said = [
        f"{effect}: {', '.join(dict.fromkeys(where))}. {sentence}"
        for (effect, sentence), where in places.items()
    ]
    if any(effect == "replay" for effect, _ in places):
        said.append(f"Replay with: lakehouse replay {dataset}")
    return said
