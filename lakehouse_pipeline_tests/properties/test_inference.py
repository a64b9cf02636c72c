"""Any well-formed CSV file gives a draft that loads and keeps its own records."""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse_pipeline.contracts.infer.loosen import ACCEPTED
from lakehouse_pipeline.contracts.infer.yaml_text import yaml_text
from lakehouse_pipeline.contracts.load import load_text
from lakehouse_pipeline.errors import NoDraftError
from lakehouse_pipeline.pipeline.binding import unbound
from lakehouse_pipeline_tests.pipeline.inferring import infer_text

PRINTABLE = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf", "Co", "Cn"))
NAMES = st.text(PRINTABLE, min_size=1, max_size=12).filter(
    lambda name: name.isprintable() and name.strip() and not name.startswith("_")
)
KINDS = st.sampled_from(
    [
        st.integers().map(str),
        st.integers(0, 1).map(str),
        st.decimals(-1000, 1000, places=2, allow_nan=False).map(str),
        st.floats(allow_nan=False, allow_infinity=False).map(str),
        st.dates().map(str),
        st.dates().map(lambda d: f"{d:%d.%m.%Y}"),
        st.dates().map(lambda d: f"{d:%m/%d/%y}"),
        st.datetimes().map(str),
        st.times().map(str),
        st.booleans().map(str),
        st.uuids().map(str),
        st.emails(),
        st.ip_addresses().map(str),
        st.from_regex(r"[A-Z]{1,3}-?[0-9]{2,4}", fullmatch=True),
        st.sampled_from(["red", "green", "NA", "", "null", "yes", "No", "1e3"]),
        st.text(PRINTABLE, max_size=12),
    ]
)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """A header and records; half of the columns have a stray value of another kind."""
    names = draw(st.lists(NAMES, min_size=2, max_size=5, unique_by=str.casefold))
    kinds = [draw(KINDS) for _ in names]
    strays = [st.one_of(kind, draw(KINDS)) if draw(st.booleans()) else kind for kind in kinds]
    some = draw(st.lists(st.tuples(*strays), min_size=1, max_size=12))
    return [names, *(list(row) for row in some * draw(st.integers(1, 8)))]


def written(table: list[list[str]], delimiter: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows(table)
    return out.getvalue()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables(), st.sampled_from([",", ";", "\t"]))
def test_any_file_gives_a_draft_that_loads_and_accepts_it(
    table: list[list[str]], delimiter: str
) -> None:
    with TemporaryDirectory() as folder:
        try:
            found = infer_text(Path(folder), written(table, delimiter))
        except NoDraftError as refusal:
            assert "no delimiter" not in str(refusal)  # noqa: PT017 - some files have no draft
            return
    draft = found.draft
    assert draft.sample.records in (len(table), len(table) - 1)
    assert draft.quarantined - draft.unsplit <= (1 - ACCEPTED) * draft.sample.records
    assert load_text(yaml_text(draft), "again.yaml").column_names == found.contract.column_names
    assert unbound(found.contract) == []
