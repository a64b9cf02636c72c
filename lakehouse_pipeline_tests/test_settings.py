from pathlib import Path

import pytest

from lakehouse_pipeline.lake.bucket_folder import address, objects_of
from lakehouse_pipeline.lake.objects import StorageUrlError
from lakehouse_pipeline.settings import Settings


def test_without_storage_everything_is_in_the_home(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert settings.place == tmp_path
    assert (settings.landing, settings.lake) == (tmp_path / "landing", tmp_path / "lake")
    assert objects_of(settings.lake) is None
    assert address(settings.lake) == str(tmp_path / "lake")


def test_a_file_url_moves_landing_and_lake_and_nothing_else(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, storage="file:///srv/big%20disk/")
    assert settings.landing == Path("/srv/big disk/landing")
    assert settings.lake == Path("/srv/big disk/lake")
    assert settings.keys == tmp_path / "keys"
    assert objects_of(settings.landing) is None


@pytest.mark.parametrize("scheme", ["s3", "az", "gs"])
def test_a_bucket_has_landing_and_lake_below_its_prefix(tmp_path: Path, scheme: str) -> None:
    url = f"{scheme}://company/lakehouse"
    settings = Settings(home=tmp_path, storage=f"{url}/")
    assert address(settings.landing) == f"{url}/landing"
    assert address(settings.lake) == f"{url}/lake"
    assert settings.lake.is_relative_to(tmp_path / "remote")
    assert settings.lake != Settings(home=tmp_path, storage=f"{url}2").lake


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3:bucket",
        "ftp://host/x",
        "/srv/data",
        "file://host/x",
        "file:relative",
        "s3://key:secret@bucket/x",
        "az://container/x?sig=secret",
    ],
)
def test_what_is_no_storage_is_refused_and_not_quoted(tmp_path: Path, url: str) -> None:
    with pytest.raises(StorageUrlError, match="expected file:///folder, s3://bucket/prefix") as e:
        Settings(home=tmp_path, storage=url)
    assert "secret" not in str(e.value)
