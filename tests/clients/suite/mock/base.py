"""What the mocks of all dialects have in common."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from ..story import Failure, Turn
from .stage import Reading, Seen, Stage


@dataclass
class Piece:
    """Bytes of a stream. `delta`: a fragment of content, which a script may delay or break off after."""

    data: bytes
    delta: bool = False
    text: str = ""  # of the answer, in this fragment


@dataclass
class Reply:
    status: int
    body: Any
    headers: dict[str, str]


class Upstream:
    """A vendor: its paths, its rules, its spelling of answers."""

    dialect: ClassVar[str]
    stream_type: ClassVar[str] = "text/event-stream; charset=utf-8"
    statuses: ClassVar[dict[str, int]]

    def route(self, method: str, path: str) -> str:
        """ "answer", "count", or nothing for a path that the vendor does not have."""
        raise NotImplementedError

    def read(self, path: str, body: Any) -> Reading:
        raise NotImplementedError

    def rules(self, seen: Seen, stage: Stage) -> list[str]:
        """What the vendor would refuse, or what a careful one would."""
        raise NotImplementedError

    def complete(self, turn: Turn, seen: Seen, stage: Stage) -> dict[str, Any]:
        raise NotImplementedError

    def stream(self, turn: Turn, seen: Seen, stage: Stage) -> Iterator[Piece]:
        raise NotImplementedError

    def failure(self, failure: Failure) -> Reply:
        raise NotImplementedError

    def broken(self) -> bytes:
        """The error that ends a stream in its middle."""
        raise NotImplementedError

    def count(self) -> dict[str, Any]:
        raise NotImplementedError


OUTAGE = "The upstream ran into trouble halfway."


def sse(data: Any, name: str = "") -> bytes:
    """A server-sent event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def bearer(seen: Seen, stage: Stage) -> list[str]:
    """An `Authorization` with the upstream's key, and no other credential."""
    if not stage.facts.key:
        return []
    if seen.headers.get("authorization") != f"Bearer {stage.facts.key}":
        return [f"authorization is {seen.headers.get('authorization', 'missing')[:40]!r}"]
    return [f"an x-api-key beside the authorization: {seen.path}"] if "x-api-key" in seen.headers else []


def pairing(calls: list[str], results: list[str], place: str) -> list[str]:
    """Each call has one result, and each result its call."""
    wrong = []
    if len(set(calls)) != len(calls):
        wrong.append(f"{place}: identifiers of calls are not unique: {calls}")
    wrong += [f"{place}: call {call} has no result" for call in calls if call not in results]
    wrong += [f"{place}: result {result} answers no call" for result in results if result not in calls]
    if len(set(results)) != len(results):
        wrong.append(f"{place}: a call has two results: {results}")
    return wrong


def strict_schema(schema: Any, place: str) -> list[str]:
    """OpenAI's rules for schemas that are enforced: closed objects whose properties are all required."""
    wrong: list[str] = []
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            if schema.get("additionalProperties") is not False:
                wrong.append(f"{place}: a strict object is not closed")
            if set(schema.get("required", [])) != set(schema["properties"]):
                wrong.append(f"{place}: a strict object has optional properties")
        for name, value in schema.items():
            wrong += strict_schema(value, f"{place}/{name}")
    elif isinstance(schema, list):
        for item in schema:
            wrong += strict_schema(item, place)
    return wrong
