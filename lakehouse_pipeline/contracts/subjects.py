"""The columns of a dataset that name the person a record is about, in any version. Pure."""

from collections.abc import Iterable

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.types import ColumnType

SubjectColumns = dict[str, tuple[ColumnType, ...]]
"""By a column's name every type that a version gives it."""


def subject_columns(versions: Iterable[Contract]) -> SubjectColumns:
    """Return the columns that a version marks with `subject`; the types are those of all versions.

    A column that one version marks counts in every version: its older records name people too.
    """
    known = list(versions)
    marked = {column.name for one in known for column in one.columns if column.subject}
    return {
        name: tuple(dict.fromkeys(c.type for one in known for c in one.columns if c.name == name))
        for name in sorted(marked)
    }
