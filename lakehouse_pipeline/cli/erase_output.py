"""How erasures are printed for people: the list, a certificate, the result of a search."""

from collections import Counter
from collections.abc import Sequence

from lakehouse_pipeline.cli.output import console, print_table
from lakehouse_pipeline.lake.byte_search import Searched
from lakehouse_pipeline.lake.erasure_requests import Erasure


def print_erasures(found: Sequence[Erasure]) -> None:
    """Print one line per erasure."""
    rows = [
        (one.id, one.dataset, one.by, one.why, one.requested, _state(one), one.count)
        for one in found
    ]
    print_table(("id", "dataset", "by", "why", "requested", "state", "records"), rows)


def print_certificate(erasure: Erasure, earlier: Sequence[Erasure]) -> None:
    """Print what was erased, where, when, by whom and why, with the files before and after.

    `earlier` are the erasures of the same subject before, by which there may be nothing left.
    """
    before = ", ".join(f"{one.id} ({one.count:,} records)" for one in earlier)
    lines = [
        f"Erasure {erasure.id}: {erasure.count:,} records, {_state(erasure)}",
        f"requested {erasure.requested} by {erasure.by}: {erasure.why}",
        f"subject (keyed hash) {erasure.subject}",
        *([f"erased before: {before}"] if before else []),
        f"searched: {', '.join(erasure.searched) or 'nothing yet'}",
        *([erasure.beyond_reach] if erasure.beyond_reach else []),
    ]
    console.print("\n".join(lines), markup=False)
    rows = [
        (dataset, batch, len(numbers), ", ".join(map(str, numbers)))
        for dataset, batches in erasure.records.items()
        for batch, numbers in batches.items()
    ]
    print_table(("dataset", "batch", "records", "numbers"), rows)
    _print_files("files that are gone or were rewritten", erasure.files_before)
    _print_files("files of these batches now", erasure.files_after)
    if erasure.not_searched:
        _print_files("files in landing that nobody can look into", erasure.not_searched)


def _state(erasure: Erasure) -> str:
    done = erasure.completed
    return f"completed {done}" if done else f"open, due {erasure.deadline}"


def _print_files(title: str, files: Sequence[dict[str, object]]) -> None:
    columns = ["dataset", "place", "batch", "name", "bytes", "sha256"]
    columns += [column for column in ("url", "version") if any(file.get(column) for file in files)]
    print_table(columns, [[file.get(name) for name in columns] for file in files], title)


def print_searched(searched: Searched) -> None:
    """Print the files that hold the value, and how much was searched."""
    if searched.found:
        rows = [
            (one.path, one.count, "unpacked" if one.unpacked else "as it is")
            for one in searched.found
        ]
        print_table(("file", "count", "found"), rows)
    for path in searched.named:
        console.print(f"{path}: the value stands in the name", markup=False)
    for path in searched.unreadable:
        console.print(f"{path}: could not be unpacked; its bytes as they are were searched")
    count = len(Counter(one.path for one in searched.found))
    console.print(
        f"{searched.files:,} files, {searched.bytes:,} bytes: the value stands in {count} files"
    )
    if searched.beyond_reach:
        console.print(searched.beyond_reach, markup=False)
