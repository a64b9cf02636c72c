"""The settings, from `LAKEHOUSE_*` environment variables. Only entry points read them.

Everything of one installation lives under `home`, or in its storage; two homes never touch each
other.
"""

import json
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from lakehouse_pipeline.lake.bucket_folder import below, bucket_folder, objects_of, working_folder
from lakehouse_pipeline.lake.objects import SCHEMES, StorageUrlError


class Settings(BaseSettings):
    """Where things are and how much they may use.

    `home`: the folder of everything (contracts, landing, lake, keys, dagster).
    `storage`: where landing and lake are instead, as `s3://bucket/prefix` (docs/storage.md).
    `memory_limit`: what DuckDB may hold before it spills, in DuckDB's notation.
    `threads`: of DuckDB; 0 takes one per core.
    `settle_seconds`: how long a landing file must be unchanged before it is read.
    `poll_seconds`: how long one tick of the sensor watches the landing folders.
    `check_modules`: Python modules that register checks with pandera, as `a.b,c` or a JSON list.
    `upload_max_bytes`: how large a file may be that is uploaded over HTTP.
    `api_host`: the address the API listens at; beyond loopback it needs tokens (docs/access.md).
    `api_port`: its port; 0 takes a free one and keeps it.
    `api_names`: the names it is reached by, as `lake.example.org`; loopback and addresses go along.
    `api_tokens`: whether it asks for tokens also on loopback before the first one is made.
    `api_calls_per_minute`: how many calls each token may make in a minute; 0 is no limit.
    `api_body_bytes`: how large the body of a call may be; files have a limit of their own.
    `session_hours`: how long a login in the browser lasts.
    """

    model_config = SettingsConfigDict(env_prefix="LAKEHOUSE_")

    home: Path = Path("data")
    storage: str = ""
    memory_limit: str = "1GB"
    threads: int = Field(default=0, ge=0)
    settle_seconds: float = Field(default=2.0, ge=0)
    poll_seconds: float = Field(default=4.0, ge=0, le=30)
    upload_max_bytes: int = Field(default=5 * 2**30, gt=0)
    check_modules: Annotated[tuple[str, ...], NoDecode] = ()
    api_host: str = "127.0.0.1"
    api_port: int = Field(default=0, ge=0, lt=2**16)
    api_names: Annotated[tuple[str, ...], NoDecode] = ()
    api_tokens: bool = False
    api_calls_per_minute: int = Field(default=6000, ge=0)
    api_body_bytes: int = Field(default=4 * 2**20, gt=0)
    session_hours: float = Field(default=8, gt=0, le=24 * 7)

    @field_validator("check_modules", "api_names", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("["):
            return json.loads(value)
        return [name.strip() for name in value.split(",") if name.strip()]

    @field_validator("storage")
    @classmethod
    def _url(cls, storage: str) -> str:
        """Return the URL without a slash at its end; it may hold no credentials."""
        url = storage.strip().rstrip("/")
        parts = urlsplit(url)
        is_bucket = parts.scheme in SCHEMES and "/" not in parts.netloc and parts.netloc
        is_folder = parts.scheme == "file" and not parts.netloc and parts.path.startswith("/")
        if url and (not (is_bucket or is_folder) or "@" in parts.netloc or parts.query):
            raise StorageUrlError
        return url

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().resolve()

    @property
    def contracts(self) -> Path:
        """`<home>/contracts`: one folder per dataset, one YAML file per version."""
        return self.home / "contracts"

    @property
    def place(self) -> Path:
        """The folder that holds `landing` and `lake`: the home, another one, or one of a bucket."""
        parts = urlsplit(self.storage)
        if parts.scheme in SCHEMES:
            return working_folder(self.home, self.storage)
        return Path(unquote(parts.path)) if parts.path else self.home

    @property
    def landing(self) -> Path:
        """`landing`: one folder per dataset, where files arrive."""
        return below(self.place, "landing")

    @property
    def lake(self) -> Path:
        """`lake`: `<dataset>/<layer>/` Delta tables."""
        return below(self.place, "lake")

    @property
    def exports(self) -> Path:
        """`<home>/exports`: published data as files to download, each made once per version.

        With a bucket the folder stands for `exports` there, from where they are given out.
        """
        local, objects = self.home / "exports", objects_of(self.place)
        return local if objects is None else bucket_folder(local, objects.below("exports"))

    @property
    def erasures(self) -> Path:
        """`<home>/erasures`: requests, certificates, and what is remembered of them."""
        return self.home / "erasures"

    @property
    def anonymizations(self) -> Path:
        """`<home>/anonymizations`: dry runs, and what became of them."""
        return self.home / "anonymizations"

    @property
    def keys(self) -> Path:
        """`<home>/keys`: secrets, mode 0600, never under `lake`."""
        return self.home / "keys"

    @property
    def dagster(self) -> Path:
        """`<home>/dagster`: the DAGSTER_HOME of this home."""
        return self.home / "dagster"
