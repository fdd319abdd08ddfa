"""What a client asks and what an upstream answers, in no dialect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

DIALECTS = ("openai-chat", "openai-responses", "claude", "bedrock")
# Dialects that spell conversations the same way, in different envelopes.
CLAUDE_FAMILY = ("claude", "bedrock")


@dataclass(frozen=True)
class Text:
    text: str


@dataclass(frozen=True)
class Thinking:
    """Reasoning; the mock seals it with a signature of its own where its dialect has one."""

    text: str


@dataclass(frozen=True)
class Call:
    """A tool call. A freeform call has text in place of arguments; only Responses spells it natively."""

    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)
    freeform: str | None = None
    namespace: str | None = None


@dataclass(frozen=True)
class Refusal:
    text: str


Block = Text | Thinking | Call | Refusal


@dataclass(frozen=True)
class Usage:
    """Tokens. `input` counts the cached ones too."""

    input: int = 75
    output: int = 21
    cached: int = 0
    reasoning: int = 0


@dataclass(frozen=True)
class Turn:
    """One answer of a model."""

    blocks: tuple[Block, ...] = ()
    stop: str = "end"  # end, tool, length, refusal, stop_sequence
    usage: Usage = Usage()
    pause: float = 0.0  # seconds before each delta
    broken: str = ""  # "error" or "cut": what happens after `intact` deltas
    intact: int = 3
    matched: str = ""  # the stop sequence
    until: str = ""  # a stop sequence of the client's that this model does not take: it has to be cut there

    @property
    def text(self) -> str:
        return "".join(block.text for block in self.blocks if isinstance(block, Text))

    @property
    def thoughts(self) -> list[str]:
        return [block.text for block in self.blocks if isinstance(block, Thinking)]

    @property
    def calls(self) -> list[Call]:
        return [block for block in self.blocks if isinstance(block, Call)]


@dataclass(frozen=True)
class Failure:
    """An answer with an error status."""

    kind: str  # invalid, auth, missing, rate, server, overloaded, overflow
    message: str
    retry_after: int | None = None


Step = Turn | Failure


@dataclass(frozen=True)
class Tool:
    name: str
    description: str
    schema: dict[str, Any]


@dataclass(frozen=True)
class Ask:
    prompt: str
    system: str = ""
    tools: tuple[Tool, ...] = ()
    choice: str = ""  # "", auto, any, or a tool's name
    schema: dict[str, Any] | None = None
    think: bool = False
    adaptive: bool = False  # thinking without a budget, as newer Claude models have it
    image: bytes | None = None
    max_tokens: int = 700
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scenario:
    name: str
    ask: Ask
    script: tuple[Step, ...]
    results: dict[str, str] = field(default_factory=dict)  # of tools, by name
    modes: tuple[str, ...] = ("create", "stream", "helper")
    act: str = "talk"  # talk, leave, count, models
    newer: bool = False  # on the upstreams' newer models
    skip: Callable[[str, str], str] | None = None  # (client's dialect, upstream's dialect) -> reason


def pieces(text: str, size: int = 8) -> list[str]:
    """A text as the fragments in which it is streamed."""
    return [text[start : start + size] for start in range(0, len(text), size)]


@dataclass
class Usages:
    """What a client made of token counts; None where its dialect does not tell."""

    input: int | None = None
    output: int | None = None
    cached: int | None = None


@dataclass
class Trouble:
    """An error as a client's SDK raised it."""

    status: int | None
    kind: str
    message: str
    retry_after: str | None = None


@dataclass
class CallSeen:
    id: str
    name: str
    arguments: Any


@dataclass
class Outcome:
    """What a client's own objects say of one answer."""

    text: str = ""
    thoughts: str = ""
    calls: list[CallSeen] = field(default_factory=list)
    stop: str = ""
    refusal: str = ""
    usage: Usages = field(default_factory=Usages)
    parsed: Any = None
    trouble: Trouble | None = None
    arrivals: list[tuple[float, str]] = field(default_factory=list)  # text deltas by time
    complaints: list[str] = field(default_factory=list)  # what only this client can judge
    model: str = ""
