"""Erasures from buckets that kill themselves, each at another moment.

`python -m lakehouse_pipeline_tests.storage.killed_erasures FOLDER URL MOMENT…` erases in the home
`FOLDER/MOMENT`, whose landing and lake are at `URL/MOMENT`, and prints which signal ended it.
"""

import os
import sys
from functools import partial
from pathlib import Path

from lakehouse_pipeline_tests.e2e.killed import in_a_child
from lakehouse_pipeline_tests.e2e.killed_erasure import die_at


def erase_at(url: str, folder: Path, moment: str) -> None:
    os.environ["LAKEHOUSE_STORAGE"] = f"{url}/{moment}"
    die_at(moment, folder / moment)


def main() -> None:
    """Play every moment, each in a process of its own that has not talked to a store before."""
    folder, url, *moments = sys.argv[1:]
    for moment in moments:
        number = in_a_child(partial(erase_at, url, Path(folder), moment))
        sys.stdout.write(f"{moment} {number}\n")


if __name__ == "__main__":
    main()
