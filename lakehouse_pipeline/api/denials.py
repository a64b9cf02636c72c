"""Refused calls on record, as `AccessDenied`, and no more of them than the record can bear.

The first refused call of a kind is on the disk before its answer. Further ones of that kind within
the minute are counted, and their number is one event at its end. Beyond so many kinds in a minute
all are counted as one. So whoever sends a million calls leaves a few hundred events, and no call is
left out of the count.
"""

from dataclasses import dataclass, field

from fastapi.concurrency import run_in_threadpool
from starlette.types import Scope

from lakehouse_pipeline.audit.events import INSTALLATION, Event, EventType
from lakehouse_pipeline.orchestration.office import Office

SECONDS = 60.0
KINDS = 100
ANYBODY = "anonymous"
MANY = "many callers"


@dataclass(frozen=True, slots=True)
class Denial:
    """A kind of refused call: who, from where, what (a route, never an address), and why not."""

    actor: str
    client: str
    call: str
    dataset: str | None
    reason: str


OTHERS = Denial(ANYBODY, MANY, "", None, "many refused calls of different kinds")


def client_of(scope: Scope) -> str:
    """Return the address that a request comes from, empty when the server does not say."""
    client = scope.get("client")
    return str(client[0]) if client else ""


@dataclass(slots=True)
class Denials:
    """The refused calls of the current minute."""

    office: Office
    _held: dict[Denial, int] = field(default_factory=dict)

    async def note(self, denial: Denial) -> None:
        """Put a refused call on record: at once, or as one of a number at the minute's end."""
        if denial not in self._held and len(self._held) < KINDS:
            self._held[denial] = 0
            await run_in_threadpool(self._write, denial, 1)
            return
        kind = denial if denial in self._held else OTHERS
        self._held[kind] = self._held.get(kind, 0) + 1

    async def flush(self) -> None:
        """Put on record what was only counted, and begin to count anew."""
        held, self._held = self._held, {}
        for denial, times in held.items():
            if times:
                await run_in_threadpool(self._write, denial, times)

    def _write(self, denial: Denial, times: int) -> None:
        known = denial.dataset in self.office.store.datasets()
        facts: dict[str, str | int | float] = {
            "call": denial.call,
            "client": denial.client,
            "times": times,
        }
        about = denial.dataset if known and denial.dataset else INSTALLATION
        kind, why = EventType.ACCESS_DENIED, denial.reason
        self.office.report(Event(kind, about, None, denial.actor, why, facts), None)
