"""The bounds of a column as pairs of an operator and a text, for those who write them down."""

from collections.abc import Mapping

from lakehouse_pipeline.contracts.model import Column


def bounds(column: Column) -> Mapping[str, tuple[str, str]]:
    """Return the operator (`ge`, `le`, `gt`, `lt`) and the text of each bound, by its kind."""
    found = {
        "minimum": ("ge", column.minimum),
        "maximum": ("le", column.maximum),
        "exclusiveMinimum": ("gt", column.exclusive_minimum),
        "exclusiveMaximum": ("lt", column.exclusive_maximum),
    }
    return {kind: (check, text) for kind, (check, text) in found.items() if text is not None}
