"""What stands in a file of rows, to the byte, and what is left when writing fails."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse_pipeline.lake.engine import engine
from lakehouse_pipeline.lake.result_file import FileFormat, whole_file, write_rows

ROWS = pa.table(
    {
        "text": ["", None, "NULL", "a,b", 'say "hi"', "two\nlines", "=1+1", " x ", "ä"],
        "amount": pa.array(
            [Decimal("0.10"), None, Decimal("-7.00"), *[Decimal("1.00")] * 6], pa.decimal128(10, 2)
        ),
        "at": pa.array(
            [dt.datetime(2024, 1, 6, 1, 30, tzinfo=dt.UTC), None, *[None] * 7],
            pa.timestamp("us", "UTC"),
        ),
        "x": [0.1, None, 1e300, -0.0, 1.0, 2.5, 1 / 3, 5e-324, 123456789.125],
    }
)
CSV = """\
text,amount,at,x
"",0.10,2024-01-06 01:30:00+00,0.1
,,,
NULL,-7.00,,1e+300
"a,b",1.00,,-0.0
"say ""hi""\",1.00,,1.0
"two
lines",1.00,,2.5
=1+1,1.00,,0.3333333333333333
 x ,1.00,,5e-324
ä,1.00,,123456789.125
"""


def test_a_csv_tells_null_from_an_empty_text_and_keeps_every_digit(tmp_path: Path) -> None:
    with engine(tmp_path / "tmp") as connection:
        write_rows(connection, ROWS, tmp_path / "rows.csv", FileFormat.CSV)
    assert (tmp_path / "rows.csv").read_bytes().decode() == CSV


@pytest.mark.parametrize("before", [None, b"before"])
def test_a_file_that_could_not_be_written_whole_leaves_what_was_there(
    tmp_path: Path, before: bytes | None
) -> None:
    target = tmp_path / "rows.csv"
    if before:
        target.write_bytes(before)

    def fail() -> None:
        with whole_file(target) as written:
            written.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([before] if before else [])
