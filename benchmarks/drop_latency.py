"""One small file dropped into a running `lakehouse up`, again and again: seconds to published.

Counts from the moment the file is written to the event that says its batch is published. The drops
fall into different moments of the sensor's rhythm.
"""

import argparse
import tempfile
import time
from pathlib import Path

from measuring import SHARED, existing, finished, must_be, published_at, register, spans, spread

from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.processes import running
from lakehouse_pipeline.settings import Settings

RECORDS = 100
PAUSES = (0.0, 1.1, 2.3, 3.4, 4.7)
"""Seconds to wait before a drop, in turn; a tick of the sensor comes about every five."""


def main() -> None:
    """Drop the files one after the other and print the seconds of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of the inputs")
    parser.add_argument("-n", "--drops", type=int, default=10)
    options = parser.parse_args()
    contract = existing(options.shared / "contracts" / "orders.odcs.yaml")
    latencies = []
    with tempfile.TemporaryDirectory(prefix="lakehouse-") as home:
        settings = Settings(home=Path(home))
        register(settings, contract)
        landing = settings.landing / "orders"
        landing.mkdir(parents=True, exist_ok=True)
        with running(settings), open_instance(settings) as instance:
            for number in range(1, options.drops + 1):
                time.sleep(PAUSES[number % len(PAUSES)])
                (landing / f"orders-{number:03}.csv").write_text(_orders(number), "utf-8")
                dropped = time.time()
                newest = finished(instance, "orders", number)[-1]
                must_be(newest.batch, newest.state, "published")
                latency = published_at(instance, "orders")[newest.batch] - dropped
                run = spans(instance)[-1]
                latencies.append(latency)
                print(
                    f"{number:3}: {latency:5.2f} s (seen after {run.made - dropped:.2f}, "
                    f"launched in {run.began - run.made:.2f}, run {run.ended - run.began:.2f})"
                )
    print(spread("drop to published", latencies))


def _orders(number: int) -> str:
    """Return a sound file; no two numbers give the same."""
    first = number * RECORDS
    lines = ["order_id,customer_email,country,amount,quantity,order_date,status,phone"]
    lines += [
        f"{order},buyer{order}@example.org,DE,{order % 90}.50,2,2025-03-01,paid,+49 {order:09}"
        for order in range(first, first + RECORDS)
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
