"""What published promises about groups of people: the custom property `privacy`, both ways."""

from collections.abc import Iterator

from lakehouse_pipeline.contracts.comparison.change import Change, changed
from lakehouse_pipeline.contracts.export.privacy_words import protection_in_words
from lakehouse_pipeline.contracts.model import Privacy

WHERE = "privacy"


def compare_protection(old: Privacy | None, new: Privacy | None) -> Iterator[Change]:
    """Yield another promise; less of it in any part breaks the one to the subjects."""
    if old == new:
        return
    said = f"It is promised: {protection_in_words(new)}" if new else "Nothing is measured any more."
    if old is not None and _is_weaker(old, new):
        yield changed(WHERE, said, "privacy", direction="weakened", breaks=("subjects",))
    else:
        yield changed(WHERE, said, "privacy", direction="strengthened")


def _is_weaker(old: Privacy, new: Privacy | None) -> bool:
    if new is None or new.k < old.k:
        return True
    if not set(old.quasi_identifiers) <= set(new.quasi_identifiers):
        return True
    if not set(old.sensitive) <= set(new.sensitive):
        return True
    fewer = old.l is not None and (new.l is None or new.l < old.l)
    farther = old.t is not None and (new.t is None or new.t > old.t)
    return fewer or farther
