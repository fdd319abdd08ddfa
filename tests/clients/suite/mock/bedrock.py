"""AWS Bedrock's InvokeModel with Anthropic bodies as an upstream."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import unquote

from ..story import Failure, Turn
from . import claude, frames
from .base import OUTAGE, Piece, Reply, bearer
from .schema import problems
from .stage import Reading, Seen, Stage

PATH = re.compile(r"/model/([^/]+)/(invoke|invoke-with-response-stream|count-tokens)")
KINDS = {
    "invalid": "ValidationException",
    "auth": "UnrecognizedClientException",
    "missing": "ResourceNotFoundException",
    "rate": "ThrottlingException",
    "server": "InternalServerException",
    "overloaded": "ServiceUnavailableException",
    "overflow": "ValidationException",
}


class Bedrock(claude.Claude):
    dialect = "bedrock"
    stream_type = "application/vnd.amazon.eventstream"
    statuses: ClassVar = {
        "invalid": 400,
        "auth": 403,
        "missing": 404,
        "rate": 429,
        "server": 500,
        "overloaded": 503,
        "overflow": 400,
    }

    def route(self, method: str, path: str) -> str:
        found = PATH.fullmatch(path)
        if method != "POST" or not found:
            return ""
        return "count" if found[2] == "count-tokens" else "answer"

    def read(self, path: str, body: Any) -> Reading:
        found = PATH.fullmatch(path)
        if found and found[2] == "count-tokens":
            return Reading(model=unquote(found[1]))
        reading = claude.read_messages(body)
        if found:
            reading.model = unquote(found[1])
            reading.stream = found[2] == "invoke-with-response-stream"
        return reading

    def rules(self, seen: Seen, stage: Stage) -> list[str]:
        wrong = bearer(seen, stage)
        if seen.path.endswith("/count-tokens"):
            return wrong + _count_rules(seen.body)
        wrong += [f"{name} belongs into the URL" for name in ("model", "stream") if name in seen.body]
        version = seen.body.get("anthropic_version")
        if version not in ("bedrock-2023-05-31", "2026-10-21"):
            wrong.append(f"anthropic_version is {version}")
        if not stage.facts.verbatim:
            wrong += [f"header {name}" for name in ("anthropic-version", "anthropic-beta") if name in seen.headers]
        if stage.facts.strict:
            outside = ("anthropic_version", "anthropic_beta")
            inner = {name: value for name, value in seen.body.items() if name not in outside}
            wrong += problems("claude", "Request", {"model": "m", **inner})
        return wrong + claude.message_rules(seen, stage)

    def stream(self, turn: Turn, seen: Seen, stage: Stage) -> Iterator[Piece]:
        for event, text in claude.events(turn, seen, stage):
            if event["type"] == "ping":
                continue
            if event["type"] == "message_stop":
                event["amazon-bedrock-invocationMetrics"] = {
                    "inputTokenCount": turn.usage.input - turn.usage.cached,
                    "outputTokenCount": turn.usage.output,
                    "invocationLatency": 900,
                    "firstByteLatency": 100,
                }
            yield Piece(frames.chunk(event), event["type"] == "content_block_delta", text)

    def failure(self, failure: Failure) -> Reply:
        headers = {"x-amzn-errortype": f"{KINDS[failure.kind]}:http://internal.amazon.com/coral/"}
        return Reply(self.statuses[failure.kind], {"message": failure.message}, headers)

    def broken(self) -> bytes:
        return frames.exception("internalServerException", OUTAGE)

    def count(self) -> dict[str, Any]:
        return {"inputTokens": 4321}


def _count_rules(body: Any) -> list[str]:
    try:
        inner = json.loads(base64.b64decode(body["input"]["invokeModel"]["body"]))
    except (KeyError, TypeError, ValueError) as error:
        return [f"no body to count: {error!r}"]
    return [] if "anthropic_version" in inner and "messages" in inner else ["the counted body is none of Bedrock's"]
