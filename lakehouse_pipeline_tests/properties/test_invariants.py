"""Hostile files through the whole pipeline: the invariants hold whatever the bytes are."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.lake.csv_file import physical_lines_of
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.lake import open_lake
from lakehouse_pipeline.pipeline.outcomes import BatchRefused, LayerWritten
from lakehouse_pipeline.pipeline.verify import verify_dataset
from lakehouse_pipeline_tests.contracts.contract_text import contract_of
from lakehouse_pipeline_tests.pipelines import drop, judged, records, take

CONTRACT = contract_of(
    "      - {name: id, logicalType: integer, required: true, unique: true}\n"
    '      - {name: amount, logicalType: number, physicalType: "DECIMAL(6,2)"}\n'
    "      - {name: day, logicalType: date, logicalTypeOptions: {minimum: 2024-01-01}}\n"
    "      - {name: note, logicalType: string, logicalTypeOptions: {maxLength: 5}}\n"
)
HEADER = b"id,amount,day,note\n"
NUMBERS = [b"", b"1", b"2", b"3.0", b"1.5", b"nan", b"9999.99", b"10000", b" 7 "]
TEXTS = [b"note", b'"a,b"', b'"a\nb"', b'"', b'""', b'x"y', b"\x00", b"\xff", b"\xc3\xa4", b"\r"]
CELLS = st.sampled_from([*NUMBERS, *TEXTS, b"2024-02-29", b"2023-02-29", b"\xe2\x82\xac"])
LINES = st.lists(CELLS, min_size=0, max_size=6).map(b",".join)
FILES = st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r\n", b"\n\n"])), max_size=12).map(
    lambda lines: HEADER + b"".join(line + end for line, end in lines)
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files=st.lists(FILES, min_size=1, max_size=3, unique=True))
def test_every_line_of_every_file_is_accounted_for_in_every_layer(files: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        batches = [drop(home, CONTRACT, f"f{n}.csv", data) for n, data in enumerate(files)]
        outcomes = take(home, CONTRACT, batches)
        assert [o for o in outcomes if isinstance(o, BatchRefused)] == []
        with open_lake(home) as lake:
            found = verify_dataset(lake, CONTRACT, {})
        assert [v for v in found if v.invariant != 6] == []
        for batch in batches:
            one = judged(outcomes)[batch]
            assert one.records == one.validated + one.quarantined
        for written in outcomes:
            if isinstance(written, LayerWritten) and written.file is not None:
                number = int(written.file.name[1])
                path = home / "landing" / CONTRACT.dataset / written.file.name
                assert physical_lines_of(path, Csv()) == written.file.physical_lines
                assert files[number].count(b"\n") == written.file.physical_lines
        before = {layer: records(home, CONTRACT, layer) for layer in Layer}
        take(home, CONTRACT, batches)
        assert {layer: records(home, CONTRACT, layer) for layer in Layer} == before
