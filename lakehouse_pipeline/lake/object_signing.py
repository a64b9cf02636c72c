"""URLs that a store itself signs for one method and one object, whatever the object is called.

obstore signs them. Where a name must be escaped it is not enough: for Azure it signs the escaped
name, while Azure checks the signature of the name as it is and answers 403; for Google it leaves
`%`, `#` and `?` as they are, so that the URL is one of another object. For Azure the signature is
then made here, which takes the key of the account; what cannot be signed is refused.
"""

import base64
import hashlib
import hmac
import os
from datetime import timedelta
from typing import Literal
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import obstore
from obstore.store import AzureStore, GCSStore, S3Store

from lakehouse_pipeline.errors import LakehouseError

ACCOUNT = "AZURE_STORAGE_ACCOUNT_NAME"
ACCOUNT_KEYS = (
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_MASTER_KEY",
)
"""Where obstore finds the key of an account."""

UNESCAPED = "/-_.~!$&'()*+,;=:@"
"""What may stand in a URL's path as it is, beside letters and digits."""

_NOT_SET = 7
"""Snapshot, encryption scope and five headers of the answer, which our URLs do not set."""


class UnsignableNameError(LakehouseError):
    """A URL for an object whose name its store cannot sign."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"'{name}': {problem} Rename the file.")


def signed(
    store: S3Store | AzureStore | GCSStore,
    container: str,
    method: Literal["GET", "PUT"],
    key: str,
    expires: timedelta,
) -> str:
    """Return a URL for one method on one object of `store`, which is in the bucket `container`.

    Raises: UnsignableNameError: there is none for this name. What `obstore.sign` raises.
    """
    name = key.rpartition("/")[2]
    if isinstance(store, GCSStore) and set(key) & set("%#?"):
        raise UnsignableNameError(name, "on Google no signed URL is made for a name with % # or ?.")
    if not isinstance(store, AzureStore) or quote(key, safe="/-_.~") == key:
        return obstore.sign(store, method, key, expires)
    account, secret = os.environ.get(ACCOUNT), _account_key()
    if account and secret:
        whole = f"/{container}/{store.prefix}/{key}" if store.prefix else f"/{container}/{key}"
        url = obstore.sign(store, method, key, expires)
        return _signed_again(url, f"/blob/{account}{whole}", secret)
    if quote(key, safe=UNESCAPED) == key:
        return obstore.sign(store, method, key, expires)
    said = "a name with blanks, umlauts or other signs is signed on Azure with"
    raise UnsignableNameError(name, f"{said} {ACCOUNT} and {ACCOUNT_KEYS[0]} only.")


def _account_key() -> str | None:
    """Return the key of the account, None where an identity is used instead."""
    return next((os.environ[name] for name in ACCOUNT_KEYS if os.environ.get(name)), None)


def _signed_again(url: str, resource: str, key: str) -> str:
    """Return `url` with the signature of `resource`: account, container and name, not escaped.

    As "Create a service SAS" of Azure's documentation has it for versions from 2020-12-06.
    """
    parts = urlsplit(url)
    said = dict(parse_qsl(parts.query))
    lines = [said["sp"], said["st"], said["se"], resource, "", "", ""]
    lines += [said["sv"], said["sr"], *[""] * _NOT_SET]
    mac = hmac.new(base64.b64decode(key), "\n".join(lines).encode(), hashlib.sha256)
    said["sig"] = base64.b64encode(mac.digest()).decode()
    path = quote(unquote(parts.path))
    return urlunsplit(parts._replace(path=path, query=urlencode(said)))
