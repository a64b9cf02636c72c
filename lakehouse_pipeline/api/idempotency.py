"""`Idempotency-Key`: a POST that is sent again gets the answer that the first one got.

The key belongs to a caller, a path and a body: with another body it is refused (422). A key whose
first request has not been answered yet is refused, too (409). Answers are kept for a day, on the
disk; bugs (5xx) are not kept, so that a retry is a real one. Of keys and bodies only keyed hashes
are kept: a body may name a person, whom a plain hash would not hide from who guesses.
"""

import asyncio
import hashlib
import hmac
import os
import re
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lakehouse_pipeline.api.caller import CALLER
from lakehouse_pipeline.api.problems import problem
from lakehouse_pipeline.lake.secret_file import secret_file

KEPT_SECONDS = 86_400
MAX_KEY = 200
NOT_KEPT = re.compile(r"/query|/datasets/[^/]+/(anonymizations|vault/read)")
"""What changes no data: its answers hold values, which may not outlive their dataset's retention,
and those of a dry run or of the vault are personal."""

MAX_BODY = 65 * 2**20
SECRET_FILE = "answers.key"  # noqa: S105 - the name of the file, not the secret
PAGES = ("/dagster/", "/login", "/logout")
"""What browsers send: its answers have headers, such as cookies, that are not kept here."""

_TABLE = """CREATE TABLE IF NOT EXISTS answers (
  key TEXT, path TEXT, request TEXT, status INTEGER, type TEXT, body BLOB, at REAL,
  PRIMARY KEY (key, path))"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to the request with this hash."""

    request: str
    status: int
    media_type: str
    body: bytes


class Answers:
    """The answers of the last day in one SQLite file, mode 0600: they may hold signed URLs."""

    def __init__(self, path: Path, keys: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._secret = secret_file(keys / SECRET_FILE)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with closing(self._open()) as database, database:
            database.execute(_TABLE)

    def hashed(self, *parts: bytes) -> str:
        """Return the keyed hash under which a key or a request is kept."""
        return hmac.new(self._secret, b"\n".join(parts), hashlib.sha256).hexdigest()

    def find(self, key: str, path: str) -> Answer | None:
        """Return what was answered, None when nothing was in the last day."""
        sql = "SELECT request, status, type, body FROM answers WHERE key=? AND path=? AND at>?"
        with closing(self._open()) as database:
            found = database.execute(sql, (key, path, time.time() - KEPT_SECONDS)).fetchone()
        return Answer(*found) if found else None

    def keep(self, key: str, path: str, answer: Answer) -> None:
        """Keep an answer; it is on the disk when this returns."""
        row = (key, path, answer.request, answer.status, answer.media_type, answer.body)
        with closing(self._open()) as database, database:
            database.execute("DELETE FROM answers WHERE at<=?", (time.time() - KEPT_SECONDS,))
            sql = "INSERT OR REPLACE INTO answers VALUES (?,?,?,?,?,?,?)"
            database.execute(sql, (*row, time.time()))

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=30)
        database.execute("PRAGMA synchronous=FULL")
        return database


def _is_not_kept(path: str) -> bool:
    return NOT_KEPT.fullmatch(path) is not None or path.startswith(PAGES)


class Idempotent:
    """ASGI middleware for every POST that carries an `Idempotency-Key`."""

    def __init__(self, app: ASGIApp, answers: Answers) -> None:
        self.app = app
        self.answers = answers
        self._going_on: set[tuple[str, str]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from what is kept, or pass the request on and keep its answer."""
        key = Headers(scope=scope).get("idempotency-key") if scope["type"] == "http" else None
        if key is None or scope["method"] != "POST" or _is_not_kept(scope["path"]):
            await self.app(scope, receive, send)
            return
        name = (self.answers.hashed(_own(key).encode()), scope["path"])
        if not 0 < len(key) <= MAX_KEY:
            said = f"Idempotency-Key: expected 1 to {MAX_KEY} characters."
            await problem(HTTPStatus.BAD_REQUEST, said)(scope, receive, send)
        elif name in self._going_on:
            said = "The first request with this Idempotency-Key has not been answered yet."
            await problem(HTTPStatus.CONFLICT, said)(scope, receive, send)
        else:
            self._going_on.add(name)
            try:
                await self._answer(name, scope, receive, send)
            finally:
                self._going_on.discard(name)

    async def _answer(
        self, name: tuple[str, str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        body = await _body(receive)
        if body is None:
            said = f"The body is larger than {MAX_BODY} bytes."
            await problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, said)(scope, receive, send)
            return
        digest = self.answers.hashed(scope["query_string"], body)
        kept = await run_in_threadpool(self.answers.find, *name)
        if kept is None:
            answer = await _pass_on(self.app, scope, body, digest)
            if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                await run_in_threadpool(self.answers.keep, *name, answer)
            await _send(send, answer, repeated=False)
        elif kept.request == digest:
            await _send(send, kept, repeated=True)
        else:
            said = "This Idempotency-Key was used with another body; take a new one."
            await problem(HTTPStatus.UNPROCESSABLE_ENTITY, said)(scope, receive, send)


def _own(key: str) -> str:
    """Return the key as the caller's own: another one's answer is none of theirs."""
    token = CALLER.get()
    return f"{token.id}/{key}" if token else key


async def _body(receive: Receive) -> bytes | None:
    """Return the body of a request, None when it is too large or its sender has gone."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] == "http.disconnect" or len(body) > MAX_BODY:
            return None
        if not message.get("more_body", False):
            return bytes(body)


async def _pass_on(app: ASGIApp, scope: Scope, body: bytes, digest: str) -> Answer:
    """Return what the app answers to this body; it is finished also when nobody waits for it."""
    sent = False
    status, kind, content = 500, "application/json", bytearray()

    async def receive() -> Message:
        nonlocal sent
        if sent:
            await asyncio.Event().wait()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def collect(message: Message) -> None:
        nonlocal status, kind
        if message["type"] == "http.response.start":
            status = message["status"]
            kind = Headers(raw=message["headers"]).get("content-type", kind)
        else:
            content.extend(message.get("body", b""))

    await app(scope, receive, collect)
    return Answer(digest, status, kind, bytes(content))


async def _send(send: Send, answer: Answer, *, repeated: bool) -> None:
    headers = [
        (b"content-type", answer.media_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        *([(b"idempotent-replayed", b"true")] if repeated else []),
    ]
    start = {"type": "http.response.start", "status": answer.status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": answer.body})
