"""The UI of a running `lakehouse up` moves behind the login when the first token has been made.

From that token on the API asks everybody for one; the UI would stay open on loopback, and the one
behind the API's login not there, until somebody starts `lakehouse up` again.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from lakehouse_pipeline.errors import TokenFileError
from lakehouse_pipeline.orchestration.home_lock import put_behind_login
from lakehouse_pipeline.orchestration.parts import Part, Starter, location_loaded
from lakehouse_pipeline.orchestration.tokens import tokens_in_force

HINT = " (log in there with a token)"


@dataclass(slots=True)
class Move:
    """The move of one stack: `web` is the webserver that stands open until then."""

    starter: Starter
    code: Part
    web: Part
    is_done: bool = False

    def look(self, told: Callable[[str], None]) -> None:
        """Move the UI if there is a token now, and tell its new address.

        The read-only webserver comes first, so that the gap is as short as the other's start.
        Raises: ProcessFailedError: a webserver does not get ready.
        """
        if self.is_done or not self._is_due():
            return
        told("There is a token now: the UI moves behind the login …")
        self.is_done = True
        starter, settings = self.starter, self.starter.settings
        with put_behind_login(settings, starter.lock) as lock:
            view = starter.view(lock)
            starter.wait(view, lambda: location_loaded(lock.view_url, self.code))
        starter.end(self.web)
        self.web = starter.webserver(lock)
        starter.wait(self.web, lambda: location_loaded(lock.url, self.code))
        starter.stack.url, starter.stack.shown_url = lock.url, lock.shown_url
        told(f"UI: {lock.shown_url}{HINT}")

    def _is_due(self) -> bool:
        with suppress(TokenFileError):  # the API lets nobody in then, and says why
            return tokens_in_force(self.starter.settings)
        return False
