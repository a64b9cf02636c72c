"""What a contract says of the dataset as a whole: reading, publishing, keeping, freshness, words.

Which columns are published is in `columns`.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields

from lakehouse_pipeline.contracts.comparison.change import (
    AS_BEFORE,
    JUDGED_BEFORE,
    Audience,
    Change,
    Direction,
    changed,
    documented,
    reworded,
    ruled,
)
from lakehouse_pipeline.contracts.model import Contract, Csv, Freshness
from lakehouse_pipeline.names import LANDING, Layer

PLACES = (LANDING, *(str(layer) for layer in Layer))


def compare_reading(old: Csv, new: Csv) -> Iterator[Change]:
    """Yield what differs in how files are written; null values also decide what is published."""
    for part in fields(Csv):
        before, after = getattr(old, part.name), getattr(new, part.name)
        if before == after or (part.name == "null_values" and set(before) == set(after)):
            continue
        nulls = part.name == "null_values"
        breaks: tuple[Audience, ...] = ("consumers", "producers") if nulls else ("producers",)
        what = f"Files are read with {_words(part.name)} {after!r}; it was {before!r}."
        if nulls:
            yield changed("csv", what, "reading", breaks=breaks, tables=JUDGED_BEFORE)
        else:
            yield changed("csv", what, "reading", breaks=breaks)


def _words(name: str) -> str:
    return name.replace("_", " ")


def compare_publish(old: Contract, new: Contract) -> Iterator[Change]:
    """Yield another mode, other deletes and another gate."""
    before, after = old.publish, new.publish
    if before.mode != after.mode:
        what = f"Batches are published by {after.mode}, no longer by {before.mode}."
        yield changed("publish", what, "publish", breaks=("consumers",), tables=AS_BEFORE)
    if before.deletes != after.deletes:
        what = "Other records delete published ones"
        if after.deletes is None:
            what = "No record deletes published ones any more"
        elif before.deletes is None:
            what = f"Records delete published ones by their column '{after.deletes.column}'"
        yield changed("publish", f"{what}.", "publish", breaks=("consumers",), tables=AS_BEFORE)
    was, now = before.max_quarantined_percent, after.max_quarantined_percent
    if was != now:
        what = f"Batches pass with at most {now:g} % quarantined, not {was:g} %."
        direction: Direction = "loosened" if now > was else "tightened"
        yield ruled("publish", what, direction, seen=True, promise="publish")


def compare_retention(old: Mapping[str, float], new: Mapping[str, float]) -> Iterator[Change]:
    """Yield what is kept for another time; consumers were promised only what is published."""
    places: dict[tuple[str, str, bool], list[str]] = {}
    for place in PLACES:
        was, now = old.get(place, math.inf), new.get(place, math.inf)
        if was != now:
            told = (_days(was), _days(now), place == Layer.PUBLISHED and now < was)
            places.setdefault(told, []).append(place)
    for (before, after, breaks), kept in places.items():
        what = f"Records are kept {after}; it was {before}."
        where = f"retention of {', '.join(kept)}"
        yield changed(where, what, "retention", breaks=("consumers",) if breaks else ())


def _days(days: float) -> str:
    return "for ever" if math.isinf(days) else f"{days:g} days"


def compare_freshness(old: Freshness | None, new: Freshness | None) -> Iterator[Change]:
    """Yield a slower promise as breaking; a faster one refuses no file."""
    if old == new:
        return
    if new is None:
        what, slower = "No freshness is promised any more.", True
    elif old is None:
        what, slower = f"New data is promised {_often(new)}.", False
    else:
        what = f"New data is promised {_often(new)}, no longer {_often(old)}."
        slower = new.frequency > old.frequency or _longest(new) > _longest(old)
    breaks: tuple[Audience, ...] = ("consumers",) if slower else ()
    direction: Direction = "loosened" if slower else "tightened"
    yield changed("freshness", what, "freshness", direction=direction, breaks=breaks)


def _longest(freshness: Freshness) -> float:
    """Return the seconds after which consumers have new data at the latest."""
    return freshness.frequency + freshness.latency


def _often(freshness: Freshness) -> str:
    hours, late = freshness.frequency / 3600, freshness.latency / 3600
    return f"every {hours:g} hours" + (f", at most {late:g} later" if late else "")


def compare_words(old: Contract, new: Contract) -> Iterator[Change]:
    """Yield what is documentation only."""
    if old.status != new.status:
        yield documented("status", f"The status is {new.status}, no longer {old.status}.")
    if old.description != new.description:
        yield reworded("description", "description", old.description, new.description)
    if old.domain != new.domain:
        yield reworded("domain", "domain", old.domain, new.domain)
    if old.owners != new.owners:
        yield documented("owners", "The owners are changed.")
    if old.tags != new.tags:
        yield documented("tags", "The tags are changed.")
