"""Anthropic Messages as an upstream."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, ClassVar

from ..story import Call, Failure, Refusal, Text, Thinking, Turn, Usage, pieces
from .base import OUTAGE, Piece, Reply, Upstream, pairing, sse
from .schema import problems
from .stage import Reading, Said, Seen, Stage, tag

STOPS = {
    "end": "end_turn",
    "tool": "tool_use",
    "length": "max_tokens",
    "refusal": "refusal",
    "stop_sequence": "stop_sequence",
}
KINDS = {
    "invalid": "invalid_request_error",
    "auth": "authentication_error",
    "missing": "not_found_error",
    "rate": "rate_limit_error",
    "server": "api_error",
    "overloaded": "overloaded_error",
    "overflow": "invalid_request_error",
}


class Claude(Upstream):
    dialect = "claude"
    statuses: ClassVar = {
        "invalid": 400,
        "auth": 401,
        "missing": 404,
        "rate": 429,
        "server": 500,
        "overloaded": 529,
        "overflow": 400,
    }

    def route(self, method: str, path: str) -> str:
        return {"POST /v1/messages": "answer", "POST /v1/messages/count_tokens": "count"}.get(f"{method} {path}", "")

    def read(self, path: str, body: Any) -> Reading:
        return read_messages(body)

    def rules(self, seen: Seen, stage: Stage) -> list[str]:
        wrong = []
        if stage.facts.key and seen.headers.get("x-api-key") != stage.facts.key:
            wrong.append(f"x-api-key is {seen.headers.get('x-api-key', 'missing')[:40]!r}")
        if stage.facts.key and "authorization" in seen.headers:
            wrong.append("an authorization beside the x-api-key")
        version = seen.headers.get("anthropic-version")
        if version not in ("2023-06-01", "2026-10-21"):
            wrong.append(f"anthropic-version is {version}")
        sampling = [name for name in ("temperature", "top_p", "top_k") if name in seen.body]
        if version == "2026-10-21" and sampling:
            wrong.append(f"{sampling} with a version that refuses them")
        if stage.facts.strict and not seen.path.endswith("/count_tokens"):
            wrong += problems("claude", "Request", seen.body)
        return wrong + message_rules(seen, stage)

    def complete(self, turn: Turn, seen: Seen, stage: Stage) -> dict[str, Any]:
        return {
            **_envelope(turn, seen, stage),
            "content": _wholes(turn, seen, stage),
            "stop_reason": STOPS[turn.stop],
            "stop_sequence": turn.matched or None,
            "usage": _usage(turn.usage),
        }

    def stream(self, turn: Turn, seen: Seen, stage: Stage) -> Iterator[Piece]:
        for event, text in events(turn, seen, stage):
            yield Piece(sse(event, event["type"]), event["type"] == "content_block_delta", text)

    def failure(self, failure: Failure) -> Reply:
        error = {"type": KINDS[failure.kind], "message": failure.message}
        return Reply(self.statuses[failure.kind], {"type": "error", "error": error, "request_id": "req_mock"}, {})

    def broken(self) -> bytes:
        return sse({"type": "error", "error": {"type": "api_error", "message": OUTAGE}}, "error")

    def count(self) -> dict[str, Any]:
        return {"input_tokens": 4321}


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input - usage.cached,
        "cache_read_input_tokens": usage.cached,
        "cache_creation_input_tokens": 0,
        "output_tokens": usage.output,
        "service_tier": "standard",
    }


def _envelope(turn: Turn, seen: Seen, stage: Stage) -> dict[str, Any]:
    return {
        "id": tag(stage.nonce, "msg_", seen.index),
        "type": "message",
        "role": "assistant",
        "model": seen.reading.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**_usage(turn.usage), "output_tokens": 1},
    }


def _whole(block: Any, place: int, seen: Seen, stage: Stage) -> dict[str, Any]:
    match block:
        case Text(text) | Refusal(text):
            return {"type": "text", "text": text, "citations": None}
        case Thinking(text):
            return {"type": "thinking", "thinking": text, "signature": stage.seal(text, seen, place)}
        case Call():
            return {
                "type": "tool_use",
                "id": tag(stage.nonce, "toolu_", seen.index, place),
                "name": block.tool,
                "input": block.arguments,
            }
    raise TypeError(block)


def _wholes(turn: Turn, seen: Seen, stage: Stage) -> list[dict[str, Any]]:
    blocks = [_whole(block, place, seen, stage) for place, block in enumerate(turn.blocks)]
    if turn.thoughts:
        stage.thought |= {block["id"] for block in blocks if "id" in block}
    return blocks


def events(turn: Turn, seen: Seen, stage: Stage) -> Iterator[tuple[dict[str, Any], str]]:
    """The events of a streamed answer, each with what it adds to the answer's text."""
    yield {"type": "message_start", "message": _envelope(turn, seen, stage)}, ""
    yield {"type": "ping"}, ""
    for index, whole in enumerate(_wholes(turn, seen, stage)):
        start = {**whole, **{name: "" for name in ("text", "thinking", "signature") if name in whole}}
        if "input" in start:
            start["input"] = {}
        yield {"type": "content_block_start", "index": index, "content_block": start}, ""
        for delta in _deltas(whole):
            yield {"type": "content_block_delta", "index": index, "delta": delta}, delta.get("text", "")
        yield {"type": "content_block_stop", "index": index}, ""
    delta = {"stop_reason": STOPS[turn.stop], "stop_sequence": turn.matched or None}
    yield {"type": "message_delta", "delta": delta, "usage": _usage(turn.usage)}, ""
    yield {"type": "message_stop"}, ""


def _deltas(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if whole["type"] == "text":
        yield from ({"type": "text_delta", "text": piece} for piece in pieces(whole["text"]))
    elif whole["type"] == "thinking":
        yield from ({"type": "thinking_delta", "thinking": piece} for piece in pieces(whole["thinking"], 12))
        yield {"type": "signature_delta", "signature": whole["signature"]}
    else:
        source = json.dumps(whole["input"], ensure_ascii=False)
        yield {"type": "input_json_delta", "partial_json": ""}
        yield from ({"type": "input_json_delta", "partial_json": piece} for piece in pieces(source, 7))


def _blocks(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return content or []


def read_messages(body: dict[str, Any]) -> Reading:
    """A Messages body in no dialect."""
    reading = Reading(
        model=body.get("model", ""),
        stream=bool(body.get("stream")),
        system=[block.get("text", "") for block in _blocks(body.get("system"))],
        tools={tool["name"]: tool.get("input_schema", {}) for tool in body.get("tools", [])},
        limit=body.get("max_tokens"),
        stop=body.get("stop_sequences") or [],
    )
    choice = body.get("tool_choice") or {}
    reading.choice = choice.get("name") or choice.get("type", "")
    form = (body.get("output_config") or {}).get("format") or body.get("output_format")
    reading.schema = form.get("schema") if form else None
    reading.thinks = (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    for message in body.get("messages", []):
        said = Said(message["role"])
        for block in _blocks(message["content"]):
            _read_block(block, said)
        reading.said.append(said)
    return reading


def _read_block(block: dict[str, Any], said: Said) -> None:
    match block.get("type"):
        case "text":
            said.texts.append(block["text"])
        case "image":
            said.images += 1
        case "thinking":
            said.seals.append(block["signature"])
        case "tool_use":
            said.calls.append((block["id"], block["name"], block["input"]))
        case "tool_result":
            inner = _blocks(block.get("content"))
            said.results.append((block["tool_use_id"], "".join(part.get("text", "") for part in inner)))
            said.images += sum(part.get("type") == "image" for part in inner)


def message_rules(seen: Seen, stage: Stage) -> list[str]:
    """What a Claude model refuses in a conversation, whatever the envelope."""
    body, wrong = seen.body, []
    messages = body.get("messages") or []
    if not messages or messages[0].get("role") != "user":
        wrong.append("the conversation does not begin with the user")
    for place, message in enumerate(messages):
        wrong += _turn_rules(messages, place, message, stage)
    names = [tool.get("name", "") for tool in body.get("tools", [])]
    if len(set(names)) != len(names):
        wrong.append(f"two tools of one name: {names}")
    wrong += [f"tool name {name!r}" for name in names if not re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", name)]
    if body.get("tool_choice") and not names:
        wrong.append("a tool choice without tools")
    if json.dumps(body).count('"cache_control": {"') > 4:
        wrong.append("more than four cache breakpoints")
    if "opus-4-8" in seen.reading.model:
        wrong += [f"{name} is refused by this model" for name in ("temperature", "top_p", "top_k") if name in body]
        if (body.get("thinking") or {}).get("type") == "enabled":
            wrong.append("this model takes no thinking budget")
        if messages and messages[-1].get("role") == "assistant":
            wrong.append("this model continues no answer")
    return wrong + _thinking_rules(body, messages, stage)


def _turn_rules(messages: list[Any], place: int, message: Any, stage: Stage) -> list[str]:
    where, wrong = f"messages/{place}", []
    blocks = _blocks(message["content"])
    if not blocks and place < len(messages) - 1:
        wrong.append(f"{where}: nothing in it")
    wrong += [f"{where}: blank text" for block in blocks if block.get("type") == "text" and not block["text"].strip()]
    kinds = [block.get("type") for block in blocks]
    if message["role"] == "user" and "tool_result" in kinds:
        last = max(at for at, kind in enumerate(kinds) if kind == "tool_result")
        if any(kind != "tool_result" for kind in kinds[:last]):
            wrong.append(f"{where}: something stands before a tool result")
        before = _blocks(messages[place - 1]["content"]) if place else []
        calls = [block["id"] for block in before if block.get("type") == "tool_use"]
        wrong += pairing(calls, [block["tool_use_id"] for block in blocks[: last + 1]], where)
    if message["role"] == "assistant" and "tool_use" in kinds:
        follows = messages[place + 1] if place + 1 < len(messages) else {"role": "", "content": []}
        if not any(block.get("type") == "tool_result" for block in _blocks(follows["content"])):
            wrong.append(f"{where}: calls without results in the next message")
        odd = [block["id"] for block in blocks if block.get("type") == "tool_use"]
        wrong += [f"{where}: identifier {one!r}" for one in odd if not re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", one)]
    for block in blocks:
        if block.get("type") == "thinking" and stage.seals.get(block["signature"]) != block["thinking"]:
            wrong.append(f"{where}: a signature that is not of this thought: {block['signature'][:60]}")
    return wrong


def _thinking_rules(body: dict[str, Any], messages: list[Any], stage: Stage) -> list[str]:
    thinking = body.get("thinking") or {}
    if thinking.get("type") not in ("enabled", "adaptive"):
        return []
    wrong, budget = [], thinking.get("budget_tokens", 0)
    if thinking["type"] == "enabled" and not 1024 <= budget < body.get("max_tokens", 0):
        wrong.append(f"a budget of {budget} in {body.get('max_tokens')} tokens")
    if body.get("temperature", 1) != 1 or "top_k" in body or body.get("top_p", 1) < 0.95:
        wrong.append("sampling parameters beside thinking")
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        wrong.append("a forced tool beside thinking")
    for place in range(len(messages) - 1, -1, -1):
        blocks = _blocks(messages[place]["content"])
        if messages[place]["role"] == "user" and not any(block.get("type") == "tool_result" for block in blocks):
            break
        # Turns since the user's last words belong to one train of thought.
        thought = any(block.get("id") in stage.thought for block in blocks)
        if thought and blocks[0].get("type") not in ("thinking", "redacted_thinking"):
            wrong.append(f"messages/{place}: thinking is on, and this turn came back without its thoughts")
    return wrong
