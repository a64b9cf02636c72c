"""A contract drafted from one CSV file of 1 GB: seconds and peak memory.

The file is generated: orders of which a few break something, some with a comment over two lines.
Ends with an error when the draft takes longer or more memory than the target, when a column's
type is not the known one, or when the draft does not accept 99 % of what it looked at.
"""

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from measuring import must_be

from lakehouse_pipeline.pipeline.inference import infer

GIGABYTE = 1_000_000_000
TARGET_SECONDS = 15.0
TARGET_MEGABYTES = 500.0
ACCEPTED = 0.99
BLOCK = 100_000
DIRTY, WITHOUT_PHONE, WITH_COMMENT = 0.002, 0.15, 0.01
COMMENT = '"please ring\ntwice, or ""knock"""'
HEADER = "order_id,customer_email,country,amount,quantity,order_date,status,phone,comment\n"
COUNTRIES = ("DE", "FR", "ES", "IT", "NL", "BE", "AT", "PL", "PT", "IE")
STATES = ("new", "paid", "shipped", "returned")
BROKEN = ("not-an-email,DE,1.50,1", "a@b.example,ZZ,1.50,1", "a@b.example,DE,x,1", ",DE,1.50,three")
TYPES = {
    "order_id": "BIGINT",
    "customer_email": "VARCHAR",
    "country": "VARCHAR",
    "amount": "DECIMAL(12,2)",
    "quantity": "BIGINT",
    "order_date": "DATE",
    "status": "VARCHAR",
    "phone": "VARCHAR",
    "comment": "VARCHAR",
}


def main() -> None:
    """Write the file, draft a contract from it in a process of its own, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=int, default=GIGABYTE, help="size of the file")
    parser.add_argument("--draft", type=Path, help="draft from this file, in this process")
    options = parser.parse_args()
    if options.draft:
        draft(options.draft)
        return
    with tempfile.TemporaryDirectory(prefix="lakehouse-") as folder:
        path = Path(folder) / "orders.csv"
        write(path, options.bytes)
        print(f"{path.stat().st_size:,} bytes written")
        subprocess.run([sys.executable, __file__, "--draft", str(path)], check=True)  # noqa: S603 - this script


def draft(path: Path) -> None:
    """Draft a contract from `path` and hold it against what is known."""
    begun = time.perf_counter()
    found = infer([path], "orders", None, lambda _: None)
    seconds = time.perf_counter() - begun
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sample = found.draft.sample
    accepted = 1 - found.draft.quarantined / sample.records
    print("\n".join(found.text.splitlines()[:3]))
    print(f"{seconds:.1f} s, {megabytes:.0f} MB at most, {accepted:.2%} accepted")
    must_be("types", {c.name: c.type.sql for c in found.contract.columns}, TYPES)
    must_be("accepted at least 99 %", accepted >= ACCEPTED, known=True)
    must_be(f"under {TARGET_SECONDS:.0f} s", seconds < TARGET_SECONDS, known=True)
    must_be(f"under {TARGET_MEGABYTES:.0f} MB", megabytes < TARGET_MEGABYTES, known=True)


def write(path: Path, size: int) -> None:
    """Write orders until the file has `size` bytes; numbers go up, the rest repeats."""
    rows = list(tails())
    first = 1
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER)
        while file.tell() < size:
            file.write("".join(f"{first + n},{row}" for n, row in enumerate(rows)))
            first += BLOCK


def tails() -> Iterator[str]:
    """Yield what stands behind the number in each record of a block."""
    draw = random.Random(20260501)  # noqa: S311 - test data
    for number in range(BLOCK):
        who = f"user{draw.randrange(10 * BLOCK)}@example{number % 97}.com"
        what = f"{draw.choice(COUNTRIES)},{draw.uniform(0, 100_000):.2f},{draw.randint(1, 1000)}"
        head = draw.choice(BROKEN) if draw.random() < DIRTY else f"{who},{what}"
        day = f"{draw.randint(2020, 2026)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
        phone = f"+{draw.randint(30, 59)} {draw.randrange(10**9):09}"
        phone = "" if draw.random() < WITHOUT_PHONE else phone
        comment = COMMENT if draw.random() < WITH_COMMENT else ""
        yield f"{head},{day},{draw.choice(STATES)},{phone},{comment}\n"


if __name__ == "__main__":
    main()
