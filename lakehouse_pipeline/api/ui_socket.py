"""A websocket passed on to a webserver on loopback, as long as both sides and the token last."""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress

from fastapi import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from lakehouse_pipeline.access.tokens import Standing, Token
from lakehouse_pipeline.api.caller import CALLER
from lakehouse_pipeline.api.entry import Entry

LOOK_SECONDS = 2.0
"""How often the token of an open websocket is looked at."""

POLICY_VIOLATION = 1008
TRY_AGAIN = 1013


async def pass_socket(socket: WebSocket, url: str) -> None:
    """Connect a caller with `url` and return when one of them has gone or the token has ended."""
    wanted = [Subprotocol(name) for name in socket.scope.get("subprotocols", ())]
    token = CALLER.get()
    if token is None:
        await socket.close(POLICY_VIOLATION)
        return
    try:
        async with connect(url, subprotocols=wanted or None, max_size=None, proxy=None) as far:
            await socket.accept(far.subprotocol)
            entry: Entry = socket.app.state.entry
            await _first_of(_there(socket, far), _back(socket, far), _ended(entry, token))
    except (OSError, InvalidHandshake):
        await socket.close(TRY_AGAIN)
        return
    with suppress(RuntimeError, WebSocketDisconnect):  # the caller has closed it, or is gone
        await socket.close(POLICY_VIOLATION)


async def _first_of(*ways: Coroutine[None, None, None]) -> None:
    """Wait until one has ended, and end the others."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _there(socket: WebSocket, far: ClientConnection) -> None:
    with suppress(WebSocketDisconnect, ConnectionClosed):
        while True:
            await far.send(await socket.receive_text())


async def _back(socket: WebSocket, far: ClientConnection) -> None:
    with suppress(RuntimeError, ConnectionClosed):
        async for message in far:
            await socket.send_text(message if isinstance(message, str) else message.decode())


async def _ended(entry: Entry, token: Token) -> None:
    """Return when the token has been revoked or has expired."""
    while _is_valid(entry, token):  # noqa: ASYNC110 - another process revokes it
        await asyncio.sleep(LOOK_SECONDS)


def _is_valid(entry: Entry, token: Token) -> bool:
    return token.standing(time.time()) is Standing.VALID and not entry.is_revoked(token.id)
