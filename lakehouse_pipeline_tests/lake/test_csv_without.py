import gzip
from pathlib import Path

import pytest

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.lake.csv_without import write_without

PLAIN = Csv()


@pytest.mark.parametrize(
    ("dialect", "text", "numbers", "left"),
    [
        (PLAIN, 'a,b\n1,x\n2,"y\nz"\n\n3,w\n', [2], "a,b\n1,x\n\n3,w\n"),
        (PLAIN, 'a,b\r\n1,x\r\n2,"y\nz"\r\n3,w', [3], 'a,b\r\n1,x\r\n2,"y\nz"\r\n'),
        (PLAIN, "a,b\n1,x\n2,y,z\n3,w\n", [1, 2], "a,b\n3,w\n"),
        (PLAIN, "\ufeffa,b\n1,x\n2,y\n", [1], "\ufeffa,b\n2,y\n"),
        (Csv(encoding="latin-1"), "a,b\n1,ü\n2,ö\n", [1], "a,b\n2,ö\n"),
        (Csv(encoding="utf-16"), "a,b\n1,ü\n2,ö\n", [1], "a,b\n2,ö\n"),
        (Csv(line_end="cr"), 'a,b\r1,x\r2,"y\rz"\r3,w\r', [2], "a,b\r1,x\r3,w\r"),
        (Csv(header=False), "1,x\n2,y\n", [1], "2,y\n"),
    ],
)
def test_the_lines_of_a_record_go_and_all_other_bytes_stay(
    tmp_path: Path, dialect: Csv, text: str, numbers: list[int], left: str
) -> None:
    data = text.encode(dialect.encoding)
    for name, pack, unpack in (
        ("f.csv", bytes, bytes),
        ("f.csv.gz", gzip.compress, gzip.decompress),
    ):
        draft = tmp_path / f".draft-{name}"
        (tmp_path / name).write_bytes(pack(data))
        assert write_without(tmp_path / name, draft, ("a", "b"), dialect, numbers)
        assert unpack(draft.read_bytes()) == left.encode(dialect.encoding)


@pytest.mark.parametrize(
    ("dialect", "text", "numbers"),
    [
        (Csv(header=False), "1,x\n", [1]),  # nothing is left that could be read
        (PLAIN, "other,header\n1,x\n", [1]),
        (PLAIN, "a,b\n1,x\n", [2]),
    ],
)
def test_a_file_that_would_be_read_otherwise_is_not_rewritten(
    tmp_path: Path, dialect: Csv, text: str, numbers: list[int]
) -> None:
    (tmp_path / "f.csv").write_text(text)
    assert write_without(tmp_path / "f.csv", tmp_path / ".d", ("a", "b"), dialect, numbers) is None
