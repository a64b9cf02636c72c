"""`lakehouse up` itself on a bucket: its own processes, the real sensor, the real daemon."""

import time
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from lakehouse_pipeline.lake.landing import batch_id
from lakehouse_pipeline.lake.objects import Objects
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.processes import running
from lakehouse_pipeline_tests.homes import DATASET, Home, rows
from lakehouse_pipeline_tests.storage.emulators import request

pytestmark = [pytest.mark.storage, pytest.mark.slow]


def test_the_sensor_of_lakehouse_up_takes_an_uploaded_object(home: Home, objects: Objects) -> None:
    text = rows(10, broken=2)
    batch = batch_id("may.csv", sha256(text.encode()).hexdigest())
    with running(home.settings) as stack:
        url = objects.sign("PUT", f"landing/{DATASET}/may.csv", timedelta(minutes=1))
        assert request(url, "PUT", text, {"x-ms-blob-type": "BlockBlob"})[0] in (200, 201)
        deadline = time.monotonic() + 90
        while batch not in home.states() or home.states()[batch].state != "published":
            stack.check()
            assert time.monotonic() < deadline, home.states()
            time.sleep(0.2)
    assert home.query(Layer.PUBLISHED, "SELECT count(*) FROM t") == [(8,)]
    assert home.violations() == []
    assert not Path(home.settings.home, "lake").exists()
