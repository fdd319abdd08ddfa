"""What is played. A scenario is one entry here, for every client and every upstream."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace

from .story import CLAUDE_FAMILY, Ask, Call, Failure, Refusal, Scenario, Text, Thinking, Tool, Turn, Usage


def _object(**properties: str) -> dict:
    return {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in properties.items()},
        "required": list(properties),
        "additionalProperties": False,
    }


WEATHER = Tool("look_up_weather", "The weather of a place, now", _object(place="string", celsius="boolean"))
STOCK = Tool("count_stock", "How many of an article are in the store", _object(article="string", shelf="integer"))
CITY = _object(name="string", population="integer")

GREETING = "Good morning! Everything is in order here, and the kettle is on."
UNICODE = (
    "Zażółć gęślą jaźń — 東京 \U0001f9ed \u2028 new line, \u00a0 blank, "
    '"quotes", \\ and e\u0301 \U0001f469\u200d\U0001f680.'
)
WEATHER_CALL = Call("look_up_weather", {"place": "Łódź", "celsius": True})
STOCK_CALL = Call("count_stock", {"article": 'screws, 4 \u00d7 30 "zinc"', "shelf": 12})


def _png() -> bytes:
    """A picture of one red dot."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))

    header = struct.pack("!IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    dot = zlib.compress(b"\x00\xff\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", dot) + chunk(b"IEND", b"")


def _no_words_taken(client: str, upstream: str) -> str:
    if client not in ("openai-chat", *CLAUDE_FAMILY):
        return "Responses clients have no stop sequences"
    if upstream in CLAUDE_FAMILY or client == upstream:
        return "the upstream itself watches for stop sequences, or the client must know that it does not"
    return ""


def _no_stop_words(client: str, upstream: str) -> str:
    return "Responses clients have no stop sequences" if client == "openai-responses" else ""


FAILURES = (
    Failure("invalid", "The value of `top` must be below 9."),
    Failure("auth", "The key was revoked yesterday."),
    Failure("missing", "There is no model of that name here."),
    Failure("rate", "Too many requests in this minute.", retry_after=7),
    Failure("server", "A disk failed in the back room."),
    Failure("overloaded", "All machines are busy right now."),
)


def _talks() -> Iterator[Scenario]:
    yield Scenario("text", Ask("How is everything?", system="Answer in one line."), (Turn((Text(GREETING),)),))
    yield Scenario("unicode", Ask(f"Repeat: {UNICODE}", system="Żadnych zmian."), (Turn((Text(UNICODE),)),))
    yield Scenario(
        "long-text",
        Ask("Count."),
        (Turn((Text(" ".join(str(number) for number in range(400))),)),),
    )
    yield Scenario(
        "tool-call",
        Ask("Is it cold in Łódź?", tools=(WEATHER, STOCK)),
        (Turn((Text("I shall look."), WEATHER_CALL), "tool"),),
    )
    yield Scenario(
        "forced-tool",
        Ask("Is it cold in Łódź?", tools=(WEATHER, STOCK), choice="look_up_weather"),
        (Turn((WEATHER_CALL,), "tool"),),
    )
    yield Scenario(
        "parallel-tools",
        Ask("Weather in Łódź, and how many screws?", tools=(WEATHER, STOCK), choice="auto"),
        (Turn((WEATHER_CALL, STOCK_CALL, WEATHER_CALL), "tool"), Turn((Text("Four degrees, ninety screws."),))),
        results={"look_up_weather": "4 °C, rain", "count_stock": "90"},
    )
    yield Scenario(
        "tool-loop",
        Ask("Weather first, then the screws.", system="One at a time.", tools=(WEATHER, STOCK)),
        (
            Turn((Text("The weather:"), WEATHER_CALL), "tool"),
            Turn((STOCK_CALL,), "tool"),
            Turn((Text("Four degrees, ninety screws."),)),
        ),
        results={"look_up_weather": "4 °C, rain", "count_stock": "90"},
    )
    thinks = Ask("Think, then answer.", think=True, max_tokens=5000)
    spent = Usage(90, 60, reasoning=32)
    yield Scenario(
        "thinking",
        thinks,
        (Turn((Thinking("The question is short; so shall be the answer."), Text("Forty-two.")), usage=spent),),
    )
    yield Scenario(
        "thinking-loop",
        Ask("Think, and look up what you need.", think=True, max_tokens=5000, tools=(WEATHER, STOCK)),
        (
            Turn((Thinking("First the weather in Łódź."), WEATHER_CALL), "tool", spent),
            Turn((Thinking("Cold. Now the shelf."), STOCK_CALL), "tool", spent),
            Turn((Text("Four degrees, ninety screws."),), usage=spent),
        ),
        results={"look_up_weather": "4 °C, rain", "count_stock": "90"},
    )
    yield Scenario(
        "thinking-newer",
        replace(thinks, adaptive=True, tools=(WEATHER, STOCK)),
        (
            Turn((Thinking("First the weather in Łódź."), WEATHER_CALL), "tool", spent),
            Turn((Thinking("Cold. Now the shelf."), STOCK_CALL), "tool", spent),
            Turn((Text("Four degrees, ninety screws."),), usage=spent),
        ),
        results={"look_up_weather": "4 °C, rain", "count_stock": "90"},
        newer=True,
        skip=lambda client, upstream: (
            "OpenAI's own models show no reasoning in Chat Completions" if upstream == "openai-chat" else ""
        ),
    )
    yield Scenario(
        "structured-newer",
        Ask("Which city is the largest?", schema=CITY),
        (Turn((Text('{"name": "Tōkyō", "population": 37000000}'),)),),
        newer=True,
        skip=lambda client, upstream: (
            "Bedrock takes no form for this model: it is left out, with notice"
            if (client, upstream) == ("claude", "bedrock")
            else ""
        ),
    )
    yield Scenario(
        "stop-words-newer",
        Ask("Count until END.", stop=("END",)),
        (Turn((Text("one two three END four five six seven"),), until="END"),),
        newer=True,
        skip=_no_words_taken,
    )
    yield Scenario(
        "structured",
        Ask("Which city is the largest?", schema=CITY),
        (Turn((Text('{"name": "Tōkyō", "population": 37000000}'),)),),
    )
    yield Scenario("image", Ask("What is in the picture?", image=_png()), (Turn((Text("A red dot."),)),))
    yield Scenario("stop-length", Ask("Write a lot.", max_tokens=40), (Turn((Text("It was a dark and"),), "length"),))
    yield Scenario(
        "stop-sequence",
        Ask("Count until END.", stop=("END", "HALT")),
        (Turn((Text("one two three "),), "stop_sequence", matched="END"),),
        skip=_no_stop_words,
    )
    yield Scenario(
        "refusal", Ask("Do the forbidden thing."), (Turn((Refusal("I will not help with that."),), "refusal"),)
    )
    yield Scenario(
        "cached-usage", Ask("Again, please."), (Turn((Text("Again."),), usage=Usage(2100, 17, cached=1900)),)
    )


def _troubles() -> Iterator[Scenario]:
    for failure in FAILURES:
        yield Scenario(f"error-{failure.kind}", Ask("Anything."), (failure,), modes=("create", "stream"))
    overflow = Failure("overflow", "prompt is too long: 250000 tokens > 200000 maximum")
    yield Scenario("error-overflow", Ask("Anything."), (overflow,), modes=("create", "stream"))
    answer = Turn((Text(GREETING),), broken="error", intact=4)
    yield Scenario("error-midway", Ask("How is everything?"), (answer,), modes=("stream", "helper"))
    yield Scenario(
        "cut-midway",
        Ask("How is everything?"),
        (Turn((Text(GREETING),), broken="cut", intact=4),),
        modes=("stream", "helper"),
    )
    # Not at once: a request that a stale connection may have swallowed is rightly sent again.
    late = Turn((Text("x"),), broken="cut", pause=1.2)
    yield Scenario("cut-complete", Ask("Anything."), (late,), modes=("create",))
    yield Scenario(
        "cut-in-tool",
        Ask("Is it cold?", tools=(WEATHER,)),
        (Turn((Text("I look."), WEATHER_CALL), "tool", broken="cut", intact=3),),
        modes=("stream",),
    )


def _manners() -> Iterator[Scenario]:
    yield Scenario(
        "slow-stream",
        Ask("Slowly."),
        (Turn((Text("One by one the words arrive here."),), pause=0.3),),
        modes=("stream",),
    )
    yield Scenario(
        "client-leaves", Ask("Talk on."), (Turn((Text("word " * 60),), pause=0.1),), modes=("stream",), act="leave"
    )
    yield Scenario("count-tokens", Ask("Count this.", system="Be brief."), (), modes=("create",), act="count")
    yield Scenario("models", Ask("-"), (), modes=("create",), act="models")


SCENARIOS: dict[str, Scenario] = {one.name: one for part in (_talks, _troubles, _manners) for one in part()}
