"""What a mock plays, and what it saw."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..story import Failure, Step, Turn

Part = bytes | float  # bytes to send, or seconds to wait before the next


@dataclass
class Said:
    """One message of the conversation that an upstream was sent."""

    role: str
    texts: list[str] = field(default_factory=list)
    calls: list[tuple[str, str, Any]] = field(default_factory=list)  # id, tool, arguments
    results: list[tuple[str, str]] = field(default_factory=list)  # id, text
    seals: list[str] = field(default_factory=list)  # reasoning state handed back
    images: int = 0


@dataclass
class Reading:
    """A request in no dialect."""

    model: str = ""
    stream: bool = False
    system: list[str] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    tools: dict[str, Any] = field(default_factory=dict)  # name to schema
    choice: str = ""
    limit: int | None = None
    schema: Any = None
    thinks: bool = False
    stop: list[str] = field(default_factory=list)

    def results(self) -> list[tuple[str, str]]:
        return [result for said in self.said for result in said.results]

    def seals(self) -> list[str]:
        return [seal for said in self.said for seal in said.seals]


@dataclass
class Seen:
    """A request as it came in, and how its answer went."""

    path: str
    headers: dict[str, str]
    body: Any
    reading: Reading
    index: int  # place in the script; -1 for what is beside it
    wrong: list[str] = field(default_factory=list)
    sent: list[tuple[float, str]] = field(default_factory=list)  # text deltas by time
    dropped: bool = False  # the other side went away before the end
    done: threading.Event = field(default_factory=threading.Event)
    begun: float = field(default_factory=time.time)


@dataclass
class Facts:
    """What a mock may count on while it plays a script."""

    model: str
    key: str  # empty where any will do
    hidden: tuple[str, ...] = ()  # texts that must never arrive
    verbatim: bool = False  # client and upstream speak one dialect: what the SDK sends is what comes
    strict: bool = True  # whether bodies have to be what the vendor's schema says
    beside: Callable[[Reading, str], Step | None] | None = None  # answers what is not of the script
    fit: Callable[[Turn, Seen], Turn] | None = None  # spells calls as the request's tools want them


class Stage:
    """A script being played: hands out its steps and keeps what was seen."""

    def __init__(self, script: tuple[Step, ...], facts: Facts, nonce: str) -> None:
        self.script, self.facts, self.nonce = script, facts, nonce
        self.seen: list[Seen] = []
        self.seals: dict[str, str] = {}  # every seal that was given out, and the text that it seals
        self.thought: set[str] = set()  # identifiers of calls that came with thoughts
        self._lock = threading.Lock()
        self._next = 0

    def step(self, seen: Seen) -> Step:
        """What answers a request, which is put on record."""
        with self._lock:
            self.seen.append(seen)
            beside = self.facts.beside(seen.reading, seen.path) if self.facts.beside else None
            if beside is not None:
                seen.index = -1
                return beside
            seen.index = self._next
            self._next += 1
            if seen.index < len(self.script):
                return self.script[seen.index]
            seen.wrong.append(f"request {seen.index + 1} of a conversation of {len(self.script)}")
            return Failure("invalid", "The conversation is over.")

    def seal(self, text: str, seen: Seen, place: int) -> str:
        """The signature of a thought. The same thought of the same request gets the same one."""
        digest = hashlib.sha256(f"{self.nonce}/{seen.index}/{place}/{text}".encode()).hexdigest()
        seal = f"EqQB{digest}=="
        self.seals[seal] = text
        return seal

    def turns(self) -> list[Seen]:
        """The requests of the script, without those beside it."""
        return [seen for seen in self.seen if seen.index >= 0]

    def earlier(self, index: int) -> list[Turn]:
        return [step for step in self.script[:index] if isinstance(step, Turn)]


def tag(nonce: str, prefix: str, *place: object) -> str:
    """An identifier in the vendor's style, alike for the same place."""
    return prefix + hashlib.sha256("/".join([nonce, prefix, *map(str, place)]).encode()).hexdigest()[:24]
