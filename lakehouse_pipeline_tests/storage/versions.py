"""A bucket of SeaweedFS that keeps older versions of its objects, as S3 does when told to."""

import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import urlsplit

from lakehouse_pipeline_tests.storage.emulators import Emulator, request

BUCKET = "versions"
ENABLED = (
    '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<Status>Enabled</Status></VersioningConfiguration>"
)


def keeping_versions(s3: Emulator) -> str:
    """Make the bucket and return its URL."""
    for query, body in (("", ""), ("versioning=", ENABLED)):
        status, said = _signed_put(s3, f"/{BUCKET}", query, body)
        assert status == 200, said
    return f"s3://{BUCKET}"


def _signed_put(s3: Emulator, path: str, query: str, body: str) -> tuple[int, bytes]:
    """Send a PUT that is signed as AWS asks for (Signature Version 4), which obstore cannot."""
    given = s3.environment
    host, moment = urlsplit(given["AWS_ENDPOINT_URL"]).netloc, datetime.now(UTC)
    time, region = f"{moment:%Y%m%dT%H%M%SZ}", given["AWS_REGION"]
    content = hashlib.sha256(body.encode()).hexdigest()
    headers = {"host": host, "x-amz-content-sha256": content, "x-amz-date": time}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    called = f"PUT\n{path}\n{query}\n{lines}\n{names}\n{content}"
    scope = [time[:8], region, "s3", "aws4_request"]
    hashed = hashlib.sha256(called.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{time}\n{'/'.join(scope)}\n{hashed}"
    key = f"AWS4{given['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in [*scope, text]:
        key = hmac.digest(key, part.encode(), "sha256")
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={given['AWS_ACCESS_KEY_ID']}/{'/'.join(scope)}, "
        f"SignedHeaders={names}, Signature={key.hex()}"
    )
    return request(f"http://{host}{path}?{query}", "PUT", body, headers)
