"""What signed URLs of a bucket bring in and give out, without a server."""

from datetime import timedelta

import pytest

from lakehouse_pipeline.lake.bucket_folder import objects_of
from lakehouse_pipeline.lake.export_files import without_exports
from lakehouse_pipeline.lake.export_objects import share
from lakehouse_pipeline.lake.landing import Landing
from lakehouse_pipeline.lake.landing_objects import key_of_upload
from lakehouse_pipeline.lake.objects import Objects
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.export import ExportRequest, export
from lakehouse_pipeline_tests.homes import DATASET, Home, rows
from lakehouse_pipeline_tests.storage.emulators import request

pytestmark = [pytest.mark.storage, pytest.mark.slow]
MINUTE = timedelta(minutes=1)


def upload(objects: Objects, text: str, name: str = "may.csv") -> str:
    """Upload a file by a URL of its own and return its key."""
    key = f"landing/{key_of_upload(DATASET, name)}"
    url = objects.sign("PUT", key, MINUTE)
    assert request(url, "PUT", text, objects.upload_headers)[0] in (200, 201)
    return key


def test_uploads_of_one_name_take_each_others_place_never(home: Home, objects: Objects) -> None:
    keys = [upload(objects, text) for text in (rows(3), rows(4, first=10), rows(3))]
    assert len(set(keys)) == 3
    home.settle()
    assert sorted(state.records or 0 for state in home.states().values()) == [3, 4]
    assert len([event for event in home.events() if "file" in event]) == 1
    assert home.settle() == []
    landing = Landing(home.settings.landing)
    assert [file.path.name for file in landing.files(DATASET)] == ["may.csv"] * 3
    assert (landing.ignored(DATASET), landing.strangers([DATASET])) == ([], [])
    held = landing.holding(DATASET, dict.fromkeys(home.states(), ()))
    assert sorted(len(files) for files in held.values()) == [1, 2]
    assert home.violations() == []


def test_an_object_that_is_written_again_is_a_batch_of_its_own(
    home: Home, objects: Objects
) -> None:
    key = upload(objects, rows(3))
    home.settle()
    url = objects.sign("PUT", key, MINUTE)
    assert request(url, "PUT", rows(5, first=10), objects.upload_headers)[0] in (200, 201)
    home.settle()
    assert sorted(state.records or 0 for state in home.states().values()) == [3, 5]
    assert home.query(Layer.PUBLISHED, "SELECT count(*) FROM t") == [(8,)]


def test_an_export_is_in_the_bucket_once_and_leaves_with_its_records(
    home: Home, objects: Objects
) -> None:
    upload(objects, rows(3))
    home.settle()
    made = export(home.settings.home, ExportRequest(DATASET), lake=home.settings.lake).path
    exports = objects_of(home.settings.exports)
    assert exports is not None
    key = share(exports, made, "orders.csv")
    assert key == f"{DATASET}/{made.stem}/orders.csv"
    (first,) = exports.under()
    assert share(exports, made, "orders.csv") == key
    assert exports.under() == [first]
    assert request(exports.sign("GET", key, MINUTE)) == (200, made.read_bytes())
    with without_exports(home.settings.exports, DATASET):
        assert exports.under() == []
    assert share(exports, made, "orders.csv") is None
    assert exports.under() == []
