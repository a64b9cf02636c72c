"""Which texts mean null: `nullValues` is one list for all columns, so each needs evidence."""

from collections.abc import Sequence

from lakehouse_pipeline.contracts.infer.facts import NullTexts

UNMISTAKABLE = ("\\N", "NULL", "#N/A", "N/A", "n/a", "<NA>", "<null>", "NaN")
"""Taken for null wherever they stand."""

DOUBTFUL = ("NA", "na", "null", "None", "none", "nan", "n.a.", "k.A.", "-", "--", "?", ".")
"""Taken for null when they stand in a column whose other values are no text."""

CANDIDATES = (*UNMISTAKABLE, *DOUBTFUL)


def null_values(columns: Sequence[NullTexts]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the texts that mean null, and notes for a person who should look at them."""
    found, notes = [""], []
    for text in CANDIDATES:
        holders = [column for column in columns if text in column.counts]
        if not any(column.typed or text in UNMISTAKABLE for column in holders):
            if holders:
                notes.append(f"'{text}' is taken for text, not for null: {_named(holders, text)}")
            continue
        found.append(text)
        texts = [column for column in holders if not column.typed]
        if texts and text not in UNMISTAKABLE:
            where = "also stands in columns of text, where it is null too"
            notes.append(f"'{text}' {where}: {_named(texts, text)}")
    return tuple(found), tuple(notes)


def _named(columns: Sequence[NullTexts], text: str) -> str:
    return ", ".join(f"{column.column} ({column.counts[text]:,})" for column in columns)
