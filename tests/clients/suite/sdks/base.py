"""What the suite asks of a client."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, ClassVar

from ..story import Ask, Outcome, Trouble

TIMEOUT = 20.0  # seconds


@dataclass(frozen=True)
class Endpoint:
    """Where a client is pointed. The AWS keys are made from `key`, so that either is found where it leaks."""

    root: str
    model: str
    key: str

    @property
    def access_key(self) -> str:
        return f"AKIA{self.key}"

    @property
    def secret_key(self) -> str:
        return f"secret/{self.key}"


class Client:
    """A conversation through one SDK. The history is kept in the SDK's own objects, as its users do."""

    name: ClassVar[str]
    dialect: ClassVar[str]
    modes: ClassVar[tuple[str, ...]] = ("create", "stream", "helper")
    mute: ClassVar[tuple[str, ...]] = ()  # modes in which the SDK keeps the words of a stream's error to itself
    # What the SDK has no way to show or do: patterns of SCENARIO:MODE@UPSTREAM, and the reason.
    lacks: ClassVar[dict[str, str]] = {}
    shows_thoughts = True
    tells_stop_sequences = True  # apart from other ends
    counts = False  # has a way to count tokens
    lists = False  # has a way to list models

    def __init__(self, endpoint: Endpoint, ask: Ask, mode: str) -> None:
        self.endpoint, self.ask, self.mode = endpoint, ask, mode
        self.partial = Outcome()  # filled while a stream runs, so that an error does not hide what came before

    def say(self) -> Outcome:
        """Sends the conversation so far and takes the answer into it."""
        self.partial = Outcome()
        try:
            return self.answer()
        except Exception as error:
            trouble = self.trouble(error)
            if trouble is None:
                raise
            self.partial.trouble = trouble
            return self.partial

    def answer(self) -> Outcome:
        raise NotImplementedError

    def give(self, results: list[tuple[str, str]]) -> None:
        """Adds the results of tools: identifiers of calls and texts."""
        raise NotImplementedError

    def trouble(self, error: Exception) -> Trouble | None:
        """The error as the SDK tells it; nothing for what is none of the SDK's."""
        raise NotImplementedError

    def leave(self) -> None:
        """Starts a stream, and goes away after its first text."""
        raise NotImplementedError

    def count(self) -> int:
        raise NotImplementedError

    def models(self) -> list[str]:
        raise NotImplementedError

    def close(self) -> None:
        """Lets go of connections."""

    def limit(self) -> int:
        """The tokens that the SDK asks for."""
        return self.ask.max_tokens

    def arrived(self, text: str) -> None:
        if text:
            self.partial.arrivals.append((time.time(), text))
            self.partial.text += text


def plain(value: Any) -> Any:
    """A pydantic object as the JSON that it came from."""
    return value.model_dump(exclude_unset=True) if hasattr(value, "model_dump") else value
