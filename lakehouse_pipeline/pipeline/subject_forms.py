"""The forms of a subject's value, computed once when its erasure is asked for."""

from collections.abc import Iterable

import pyarrow as pa

from lakehouse_pipeline.contracts.types import ColumnType
from lakehouse_pipeline.lake.hashing import Hasher
from lakehouse_pipeline.lake.keys import known_keys
from lakehouse_pipeline.lake.unicode_forms import unicode_forms
from lakehouse_pipeline.layers.subject_forms import NUMBER, PSEUDONYM, text_forms, written_values
from lakehouse_pipeline.pipeline.lake import Lake


def forms_of(lake: Lake, value: str, kinds: Iterable[ColumnType]) -> list[str]:
    """Return the forms of a value in columns of these types, the exact text first.

    The text counts in every Unicode form. Among them are what published has in its stead: its hash
    under each key the home had, and its tokens. The value is a bound parameter of the query and
    stands in no SQL.
    """
    types = list(dict.fromkeys([NUMBER, *kinds]))
    values = unicode_forms(value)
    forms = [form for one in values for form in _asked(lake, one, text_forms("v", types))]
    written = [text for one in values for text in _asked(lake, one, written_values("v", types))]
    texts = pa.array(written, pa.string())
    keys = known_keys(lake.home / "keys").values()
    pseudonyms = [one for key in keys for one in Hasher(key).hashed(texts).to_pylist()]
    pseudonyms += [one.token for one in lake.replacer.vault.everywhere(written)]
    return list(dict.fromkeys([*forms, *(f"{PSEUDONYM}:{one}" for one in pseudonyms)]))


def _asked(lake: Lake, value: str, expressions: Iterable[str]) -> list[str]:
    sql = f"SELECT {', '.join(expressions)} FROM (SELECT ?::VARCHAR AS v)"
    (row,) = lake.connection.execute(sql, [value]).fetchall()
    return [form for form in row if form is not None]
