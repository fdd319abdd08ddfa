"""OpenAI Chat Completions as an upstream."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, ClassVar

from ..story import Call, Failure, Refusal, Text, Thinking, Turn, Usage, pieces
from .base import OUTAGE, Piece, Reply, Upstream, bearer, pairing, sse, strict_schema
from .schema import problems
from .stage import Reading, Said, Seen, Stage, tag

STOPS = {"end": "stop", "tool": "tool_calls", "length": "length", "refusal": "stop", "stop_sequence": "stop"}
# Status, type and code of each kind of failure; Responses has the same.
FAILURES: dict[str, tuple[int, str, str | None]] = {
    "invalid": (400, "invalid_request_error", None),
    "auth": (401, "invalid_request_error", "invalid_api_key"),
    "missing": (404, "invalid_request_error", "model_not_found"),
    "rate": (429, "requests", "rate_limit_exceeded"),
    "server": (500, "server_error", None),
    "overloaded": (503, "service_unavailable_error", "server_is_overloaded"),
    "overflow": (400, "invalid_request_error", "context_length_exceeded"),
}


def openai_failure(failure: Failure) -> Reply:
    status, kind, code = FAILURES[failure.kind]
    return Reply(status, {"error": {"message": failure.message, "type": kind, "param": None, "code": code}}, {})


class Chat(Upstream):
    dialect = "openai-chat"
    statuses: ClassVar = {kind: row[0] for kind, row in FAILURES.items()}

    def route(self, method: str, path: str) -> str:
        return "answer" if (method, path) == ("POST", "/v1/chat/completions") else ""

    def read(self, path: str, body: Any) -> Reading:
        reading = Reading(
            model=body.get("model", ""),
            stream=bool(body.get("stream")),
            tools={
                tool["function"]["name"]: tool["function"].get("parameters", {})
                for tool in body.get("tools", [])
                if tool.get("type") == "function"
            },
            limit=body.get("max_completion_tokens") or body.get("max_tokens"),
            thinks=body.get("reasoning_effort") not in (None, "none"),
        )
        choice = body.get("tool_choice") or ""
        words = {"required": "any", "auto": "auto", "none": "none", "": ""}
        reading.choice = choice["function"]["name"] if isinstance(choice, dict) else words[choice]
        form = body.get("response_format") or {}
        reading.schema = form["json_schema"]["schema"] if form.get("type") == "json_schema" else None
        stop = body.get("stop") or []
        reading.stop = [stop] if isinstance(stop, str) else stop
        for message in body.get("messages", []):
            _read_message(message, reading)
        return reading

    def rules(self, seen: Seen, stage: Stage) -> list[str]:
        body, wrong = seen.body, bearer(seen, stage)
        if stage.facts.strict:
            wrong += problems("openai-chat", "Request", body)
        if seen.reading.model.startswith("gpt-5"):
            refused = ("max_tokens", "stop", *(("temperature", "top_p") if seen.reading.thinks else ()))
            wrong += [f"{name} is refused by this model" for name in refused if name in body]
        if "stream_options" in body and not body.get("stream"):
            wrong.append("stream_options without a stream")
        if body.get("tools") == [] or (body.get("tool_choice") and not body.get("tools")):
            wrong.append("an empty list of tools, or a choice without tools")
        for tool in body.get("tools", []):
            function = tool.get("function") or {}
            if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", function.get("name", "")):
                wrong.append(f"tool name {function.get('name')!r}")
            if function.get("strict"):
                wrong += strict_schema(function.get("parameters"), f"tool {function['name']}")
        form = (body.get("response_format") or {}).get("json_schema")
        if form and form.get("strict"):
            wrong += strict_schema(form.get("schema"), "response_format")
        return wrong + _order(body.get("messages", []))

    def complete(self, turn: Turn, seen: Seen, stage: Stage) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": turn.text or None, "refusal": None}
        message["refusal"] = "".join(block.text for block in turn.blocks if isinstance(block, Refusal)) or None
        if turn.thoughts:
            message["reasoning_content"] = "".join(turn.thoughts)
        calls = [block for block in turn.blocks if isinstance(block, Call)]
        if calls:
            message["tool_calls"] = [
                {"id": tag(stage.nonce, "call_", seen.index, place), "type": "function", "function": _function(call)}
                for place, call in enumerate(calls)
            ]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": STOPS[turn.stop]}
        return {**_envelope(seen, stage, "chat.completion"), "choices": [choice], "usage": _usage(turn.usage)}

    def stream(self, turn: Turn, seen: Seen, stage: Stage) -> Iterator[Piece]:
        counted = bool((seen.body.get("stream_options") or {}).get("include_usage"))
        envelope = _envelope(seen, stage, "chat.completion.chunk")
        if counted:
            envelope["usage"] = None

        def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            return sse({**envelope, "choices": [choice]})

        yield Piece(chunk({"role": "assistant", "content": "", "refusal": None}))
        number = 0
        for block in turn.blocks:
            match block:
                case Text(text):
                    for piece in pieces(text):
                        yield Piece(chunk({"content": piece}), True, piece)
                case Thinking(text):
                    for piece in pieces(text, 12):
                        yield Piece(chunk({"reasoning_content": piece}), True)
                case Refusal(text):
                    for piece in pieces(text):
                        yield Piece(chunk({"refusal": piece}), True)
                case Call():
                    whole = _function(block)
                    head = {"id": tag(stage.nonce, "call_", seen.index, number), "type": "function"}
                    first = {"index": number, **head, "function": {"name": whole["name"], "arguments": ""}}
                    yield Piece(chunk({"tool_calls": [first]}))
                    for piece in pieces(whole["arguments"], 7):
                        part = {"index": number, "function": {"arguments": piece}}
                        yield Piece(chunk({"tool_calls": [part]}), True)
                    number += 1
        yield Piece(chunk({}, STOPS[turn.stop]))
        if counted:
            yield Piece(sse({**envelope, "choices": [], "usage": _usage(turn.usage)}))
        yield Piece(b"data: [DONE]\n\n")

    def failure(self, failure: Failure) -> Reply:
        return openai_failure(failure)

    def broken(self) -> bytes:
        return sse({"error": {"message": OUTAGE, "type": "server_error", "param": None, "code": None}})


def _envelope(seen: Seen, stage: Stage, kind: str) -> dict[str, Any]:
    return {
        "id": tag(stage.nonce, "chatcmpl-", seen.index),
        "object": kind,
        "created": 1_790_000_000,
        "model": seen.reading.model,
    }


def _function(call: Call) -> dict[str, str]:
    return {"name": call.tool, "arguments": json.dumps(call.arguments, ensure_ascii=False)}


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning, "audio_tokens": 0},
    }


def _read_message(message: dict[str, Any], reading: Reading) -> None:
    content = message.get("content") or []
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    texts = [part["text"] for part in parts if part["type"] == "text"]
    role = message["role"]
    if role in ("system", "developer") and not reading.said:
        reading.system += texts
        return
    said = Said("user" if role == "tool" else role)
    if role == "tool":
        said.results.append((message["tool_call_id"], "".join(texts)))
    else:
        said.texts = texts
    said.images = sum(part["type"] == "image_url" for part in parts)
    for call in message.get("tool_calls") or []:
        function = call.get("function") or {}
        said.calls.append((call["id"], function.get("name", ""), _parsed(function.get("arguments", ""))))
    thought = message.get("reasoning_content") or message.get("reasoning")
    if thought:
        said.seals.append(thought)
    reading.said.append(said)


def _parsed(source: str) -> Any:
    try:
        return json.loads(source)
    except ValueError:
        return source


def _order(messages: list[dict[str, Any]]) -> list[str]:
    """Results follow their calls at once; every call has one."""
    wrong, open_calls, results = [], [], []
    for place, message in enumerate([*messages, {"role": "end"}]):
        if message["role"] == "tool":
            results.append(message["tool_call_id"])
            continue
        if open_calls or results:
            wrong += pairing(open_calls, results, f"messages before {place}")
        calls = message.get("tool_calls")
        open_calls, results = [call["id"] for call in calls or []], []
        if calls == []:
            wrong.append(f"messages/{place}: an empty list of calls")
        empty = not message.get("content") and not calls and not message.get("refusal")
        if message["role"] == "assistant" and empty:
            wrong.append(f"messages/{place}: an assistant who says nothing")
        for call in calls or []:
            if not isinstance(_parsed((call.get("function") or {}).get("arguments", "{}")), dict):
                wrong.append(f"messages/{place}: arguments that are no JSON object")
    return wrong
