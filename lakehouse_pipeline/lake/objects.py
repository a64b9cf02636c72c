"""A prefix of a bucket on S3, Azure Blob Storage or Google Cloud Storage, through obstore.

Credentials and endpoints come from the environment as obstore and deltalake read it: `AWS_*`,
`AZURE_*`, `GOOGLE_*`; nothing here holds them. What stands below the prefix is not known here:
landing files are in `landing.py`, tables in `tables.py`.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Literal, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import AzureStore, GCSStore, S3Store, from_url

from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.lake.object_signing import signed

if TYPE_CHECKING:
    from obstore import UpdateVersion

SCHEMES = ("s3", "az", "gs")
AT_ONCE = 8
"""How many objects are moved at the same time."""

CHUNK_BYTES = 8 << 20
AT_ONCE_BYTES = 64 << 20
"""Files up to this size are written in one part."""

T = TypeVar("T")
R = TypeVar("R")

_PLACES = {"s3": "AWS_*", "az": "AZURE_*", "gs": "GOOGLE_*"}


class StorageUrlError(LakehouseError):
    """The storage in the settings is not one; the text may hold a secret and is not quoted."""

    def __init__(self) -> None:
        super().__init__(
            "LAKEHOUSE_STORAGE: expected file:///folder, s3://bucket/prefix, az://container/prefix "
            "or gs://bucket/prefix, and no credentials in it: those are in AWS_*, AZURE_* or "
            "GOOGLE_* variables (docs/storage.md). Without it, everything is in the home."
        )


class StorageError(LakehouseError):
    """An object store does not answer, or refuses what it was asked for."""

    def __init__(self, url: str, doing: str, error: Exception) -> None:
        variables = _PLACES[urlsplit(url).scheme]
        super().__init__(
            f"{url}: cannot {doing}: {_problem(error)}. Check LAKEHOUSE_STORAGE, the {variables} "
            "variables and that the store can be reached (docs/storage.md)."
        )


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An object as a listing shows it; `key` is below the prefix, `etag` without quotes.

    `version` is the store's id of this version, which listings leave out; '' where it gave none.
    """

    key: str
    size: int
    etag: str
    modified: datetime
    version: str = ""

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]

    @property
    def content(self) -> str:
        """What changes whenever the object is written again."""
        return f"{self.size}-{self.etag}"


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects below `url`, as in `s3://bucket/prefix`; opened when it is first used."""

    url: str

    def below(self, *names: str) -> "Objects":
        """Return what stands below a further part of the prefix."""
        return Objects("/".join((self.url.rstrip("/"), *names)))

    def url_of(self, key: str) -> str:
        """Return where an object is, as a person names it."""
        return f"{self.url.rstrip('/')}/{key}"

    def under(self, prefix: str = "") -> list[ObjectInfo]:
        """Return every object below `prefix`, by key. Raises: StorageError."""
        try:
            pages = [[*page] for page in obstore.list(self._store, prefix or None)]
        except (BaseError, OSError) as error:
            raise self._failed("list the objects", error) from error
        return sorted((_info(one) for page in pages for one in page), key=lambda one: one.key)

    def folder(self, prefix: str = "") -> tuple[list[str], list[ObjectInfo]]:
        """Return what stands directly below `prefix`: names of folders, and objects. By name."""
        try:
            found = obstore.list_with_delimiter(self._store, prefix or None)
        except (BaseError, OSError) as error:
            raise self._failed("list the objects", error) from error
        folders = [name.rstrip("/").rpartition("/")[2] for name in found["common_prefixes"]]
        objects = [_info(one) for one in found["objects"]]
        return sorted(folders), sorted(objects, key=lambda one: one.key)

    def head(self, key: str) -> ObjectInfo | None:
        """Return an object's facts, None where there is none. Raises: StorageError."""
        try:
            return _info(obstore.head(self._store, key))
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise self._failed(f"look at {key}", error) from error

    def download(self, key: str, target: Path) -> Path:
        """Stream an object to a file, which is there whole or not at all; return the file.

        Raises: FileNotFoundError: there is no such object. StorageError.
        """
        while not self._downloaded(key, target):
            pass  # an erasure took the draft away: what the object is now is read, if it is still
        return target

    def _downloaded(self, key: str, target: Path) -> bool:
        target.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(
            dir=target.parent, prefix=".", suffix=".part", delete=False
        ) as file:
            draft = Path(file.name)
            try:
                for chunk in self._chunks(key):
                    file.write(chunk)
                file.flush()
                return _moved(draft, target)
            finally:
                draft.unlink(missing_ok=True)

    def sha256(self, key: str) -> str:
        """Return the SHA-256 (hex) of an object's content, which is streamed and kept nowhere.

        Raises: FileNotFoundError: there is no such object. StorageError.
        """
        digest = hashlib.sha256()
        for chunk in self._chunks(key):
            digest.update(chunk)
        return digest.hexdigest()

    def _chunks(self, key: str) -> "Iterator[obstore.Bytes]":
        try:
            yield from obstore.get(self._store, key).stream(min_chunk_size=CHUNK_BYTES)
        except FileNotFoundError:
            raise
        except BaseError as error:
            raise self._failed(f"read {key}", error) from error

    def upload(self, source: Path, key: str) -> None:
        """Stream a file to an object, in parts where it is large. Raises: StorageError."""
        try:
            obstore.put(self._store, key, source)
        except BaseError as error:
            raise self._failed(f"write {key}", error) from error

    def upload_new(self, source: Path, key: str) -> bool:
        """Stream a file to an object unless there is one; return whether it was written.

        A large file is written in parts, which no store can make conditional: of two that are
        written at the same moment the last one stands. Raises: StorageError.
        """
        if source.stat().st_size <= AT_ONCE_BYTES:
            return self.put_new(key, source)
        if self.head(key) is not None:
            return False
        self.upload(source, key)
        return True

    def upload_over(self, source: Path, info: ObjectInfo) -> bool:
        """Stream a file to an object that is still what `info` says; return whether it was written.

        A large file is written in parts, which no store can make conditional, as in `upload_new`.
        Raises: StorageError.
        """
        now = self.head(info.key)
        if now is None or now.content != info.content:
            return False
        if source.stat().st_size > AT_ONCE_BYTES:
            self.upload(source, info.key)
            return True
        unchanged: UpdateVersion = {"e_tag": f'"{now.etag}"'}
        if now.version:
            unchanged["version"] = now.version
        try:
            obstore.put(self._store, info.key, source, mode=unchanged, use_multipart=False)
        except (PreconditionError, FileNotFoundError):
            return False
        except BaseError as error:
            raise self._failed(f"write {info.key}", error) from error
        return True

    def put_new(self, key: str, content: bytes | Path) -> bool:
        """Write an object unless there is one of the key; return whether it was written.

        It is written in one part, and held in memory meanwhile. Raises: StorageError.
        """
        try:
            obstore.put(self._store, key, content, mode="create", use_multipart=False)
        except (AlreadyExistsError, FileExistsError):
            return False
        except BaseError as error:
            raise self._failed(f"write {key}", error) from error
        return True

    def get(self, key: str) -> bytes:
        """Return a small object. Raises: FileNotFoundError: there is none. StorageError."""
        try:
            return bytes(obstore.get(self._store, key).bytes())
        except FileNotFoundError:
            raise
        except BaseError as error:
            raise self._failed(f"read {key}", error) from error

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; those that are not there count as deleted. Raises: StorageError."""
        for key in keys:
            try:
                obstore.delete(self._store, key)
            except FileNotFoundError:
                continue
            except BaseError as error:
                raise self._failed(f"delete {key}", error) from error

    def sign(self, method: Literal["GET", "PUT"], key: str, expires: timedelta) -> str:
        """Return a URL that does one thing with one object until it expires, without credentials.

        A PUT needs the `upload_headers`, too. No store can bind a size limit to such a URL. It is a
        secret: keep it out of logs.

        Raises:
            UnsignableNameError: a name that the store cannot sign (`object_signing.py`).
            StorageError: there is nothing to sign with.
        """
        try:
            return signed(self._store, urlsplit(self.url).netloc, method, key, expires)
        except BaseError as error:
            raise self._failed(f"sign {key}", error) from error

    @property
    def upload_headers(self) -> dict[str, str]:
        """The headers that a PUT to a signed URL needs beside the body."""
        return {"x-ms-blob-type": "BlockBlob"} if self.url.startswith("az://") else {}

    @property
    def _store(self) -> S3Store | AzureStore | GCSStore:
        return _opened(self.url, os.getpid())

    def _failed(self, doing: str, error: Exception) -> StorageError:
        return StorageError(self.url, doing, error)


@lru_cache(maxsize=64)
def _opened(url: str, _process: int) -> S3Store | AzureStore | GCSStore:
    """Return the store of a URL: one per process, since its connections do not survive a fork."""
    store = from_url(url)
    if not isinstance(store, S3Store | AzureStore | GCSStore):
        raise TypeError(f"{url} is not an object store")
    return store


def _moved(draft: Path, target: Path) -> bool:
    """Put a draft in its place; return False when somebody has deleted it meanwhile."""
    try:
        draft.replace(target)
    except FileNotFoundError:
        return False
    return True


def at_once(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Return what `work` gives for each item, several at a time; order kept.

    Raises: what the first failing one raised, after those that had begun have ended.
    """
    if len(items) < 2:  # noqa: PLR2004 a thread for a single one is wasted
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(AT_ONCE, len(items))) as pool:
        return list(pool.map(work, items))


def _info(meta: "obstore.ObjectMeta") -> ObjectInfo:
    version = meta["version"] or ""
    etag = (meta["e_tag"] or version).removeprefix("W/").strip('"')
    return ObjectInfo(meta["path"], meta["size"], etag, meta["last_modified"], version)


def _problem(error: Exception) -> str:
    """Return the first line of what a store said, without signatures or tokens of a URL."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    first = text.strip().partition("\n")[0].rstrip(" .")
    return re.sub(r"\?[^ ]*", "", first)[:300]
