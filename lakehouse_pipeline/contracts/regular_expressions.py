"""Whether a regular expression is one that the engine (RE2, as in DuckDB) takes."""

from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

_NOTHING = pa.nulls(1, pa.string())  # made from Python values it would import pandas


@lru_cache(maxsize=10_000)
def pattern_fault(pattern: str) -> str:
    """Return what RE2 says against `pattern`, or an empty string if it takes it."""
    try:
        pc.match_substring_regex(_NOTHING, pattern=pattern)
    except pa.ArrowInvalid as error:
        return str(error).removeprefix("Invalid regular expression: ")
    return ""
