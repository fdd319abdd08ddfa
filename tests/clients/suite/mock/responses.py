"""OpenAI Responses as an upstream."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, ClassVar

from ..story import Call, Failure, Refusal, Text, Thinking, Turn, Usage, pieces
from .base import OUTAGE, Piece, Reply, Upstream, bearer, pairing, sse, strict_schema
from .chat import FAILURES, openai_failure
from .schema import problems
from .stage import Reading, Said, Seen, Stage, tag

CALLS = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}
PREFIXES = {"message": "msg_", "function_call": "fc_", "custom_tool_call": "ctc_", "reasoning": "rs_"}


class Responses(Upstream):
    dialect = "openai-responses"
    statuses: ClassVar = {kind: row[0] for kind, row in FAILURES.items()}

    def __init__(self) -> None:
        self.sequence = 0

    def route(self, method: str, path: str) -> str:
        return {"POST /v1/responses": "answer", "POST /v1/responses/input_tokens": "count"}.get(f"{method} {path}", "")

    def read(self, path: str, body: Any) -> Reading:
        reading = Reading(
            model=body.get("model", ""),
            stream=bool(body.get("stream")),
            system=[body["instructions"]] if body.get("instructions") else [],
            tools={tool["name"]: tool.get("parameters", {}) for tool in body.get("tools", []) if "name" in tool},
            limit=body.get("max_output_tokens"),
            # Without an effort the model chooses one.
            thinks=(body.get("reasoning") or {"effort": "none"}).get("effort") != "none",
        )
        choice = body.get("tool_choice") or ""
        words = {"required": "any"}
        reading.choice = choice.get("name", "") if isinstance(choice, dict) else words.get(choice, choice)
        form = (body.get("text") or {}).get("format") or {}
        reading.schema = form.get("schema")
        items = body.get("input") or []
        if isinstance(items, str):
            items = [{"role": "user", "content": items}]
        for item in items:
            _read_item(item, reading)
        return reading

    def rules(self, seen: Seen, stage: Stage) -> list[str]:
        body, wrong = seen.body, bearer(seen, stage)
        if stage.facts.strict and not seen.path.endswith("/input_tokens"):
            wrong += problems("openai-responses", "Request", body)
        if body.get("max_output_tokens", 16) < 16:
            wrong.append("max_output_tokens below 16")
        if "stream_options" in body and not body.get("stream"):
            wrong.append("stream_options without a stream")
        for tool in body.get("tools") or []:
            if "name" in tool and not re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", tool["name"]):
                wrong.append(f"tool name {tool['name']!r}")
            if tool.get("strict") and tool.get("type") == "function":
                wrong += strict_schema(tool.get("parameters"), f"tool {tool['name']}")
        form = (body.get("text") or {}).get("format") or {}
        if form.get("strict"):
            wrong += strict_schema(form.get("schema"), "text.format")
        items = body.get("input")
        return wrong + (_item_rules(items, stage) if isinstance(items, list) else [])

    def complete(self, turn: Turn, seen: Seen, stage: Stage) -> dict[str, Any]:
        output = [_item(block, place, seen, stage) for place, block in enumerate(turn.blocks)]
        short = turn.stop == "length"
        return {
            **_envelope(seen, stage),
            "status": "incomplete" if short else "completed",
            "completed_at": None if short else 1_790_000_003,
            "incomplete_details": {"reason": "max_output_tokens"} if short else None,
            "output": output,
            "usage": _usage(turn.usage),
        }

    def stream(self, turn: Turn, seen: Seen, stage: Stage) -> Iterator[Piece]:
        self.sequence = 0
        envelope = _envelope(seen, stage)
        yield self._piece({"type": "response.created", "response": envelope})
        yield self._piece({"type": "response.in_progress", "response": envelope})
        for index, block in enumerate(turn.blocks):
            item = _item(block, index, seen, stage)
            yield self._piece({"type": "response.output_item.added", "output_index": index, "item": _opened(item)})
            for event, delta in _inside(item):
                yield self._piece({**event, "item_id": item["id"], "output_index": index}, delta)
            yield self._piece({"type": "response.output_item.done", "output_index": index, "item": item})
        whole = self.complete(turn, seen, stage)
        yield self._piece({"type": f"response.{whole['status']}", "response": whole})

    def _piece(self, event: dict[str, Any], delta: bool = False) -> Piece:
        event["sequence_number"] = self.sequence
        self.sequence += 1
        text = event["delta"] if event["type"] == "response.output_text.delta" else ""
        return Piece(sse(event, event["type"]), delta, text)

    def failure(self, failure: Failure) -> Reply:
        return openai_failure(failure)

    def broken(self) -> bytes:
        event = {"type": "error", "code": "server_error", "message": OUTAGE, "param": None}
        return sse({**event, "sequence_number": self.sequence}, "error")

    def count(self) -> dict[str, Any]:
        return {"object": "response.input_tokens", "input_tokens": 4321}


def _envelope(seen: Seen, stage: Stage) -> dict[str, Any]:
    body = seen.body
    return {
        "id": tag(stage.nonce, "resp_", seen.index),
        "object": "response",
        "created_at": 1_790_000_000,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": {},
        "model": seen.reading.model,
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": body.get("store", True),
        "temperature": 1.0,
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
        "user": None,
    }


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }


def _item(block: Any, place: int, seen: Seen, stage: Stage) -> dict[str, Any]:
    at = (seen.index, place)
    match block:
        case Text(text):
            content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
            head = {"id": tag(stage.nonce, "msg_", *at), "type": "message"}
            return {**head, "status": "completed", "role": "assistant", "content": content}
        case Refusal(text):
            head = {"id": tag(stage.nonce, "msg_", *at), "type": "message", "status": "completed"}
            return {**head, "role": "assistant", "content": [{"type": "refusal", "refusal": text}]}
        case Thinking(text):
            summary = [{"type": "summary_text", "text": text}]
            head = {"id": tag(stage.nonce, "rs_", *at), "type": "reasoning", "summary": summary}
            return {**head, "encrypted_content": stage.seal(text, seen, place)}
        case Call(freeform=None):
            call = {"type": "function_call", "id": tag(stage.nonce, "fc_", *at), "status": "completed"}
            call |= {"call_id": tag(stage.nonce, "call_", *at), "name": block.tool}
            call["arguments"] = json.dumps(block.arguments, ensure_ascii=False)
        case Call():
            call = {"type": "custom_tool_call", "id": tag(stage.nonce, "ctc_", *at), "status": "completed"}
            call |= {"call_id": tag(stage.nonce, "call_", *at), "name": block.tool, "input": block.freeform}
        case _:
            raise TypeError(block)
    return {**call, "namespace": block.namespace} if block.namespace else call


def _opened(item: dict[str, Any]) -> dict[str, Any]:
    """An item as its first event shows it."""
    empty = {"content": [], "summary": [], "arguments": "", "input": "", "status": "in_progress"}
    return {**item, **{name: value for name, value in empty.items() if name in item}}


def _inside(item: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bool]]:
    """The events between the first and the last of an item, and whether each is a fragment."""
    kind = item["type"]
    if kind == "message":
        part = item["content"][0]
        field = "text" if part["type"] == "output_text" else "refusal"
        name = "response.output_text" if field == "text" else "response.refusal"
        extra = {"logprobs": []} if field == "text" else {}
        at = {"content_index": 0}
        yield {"type": "response.content_part.added", **at, "part": {**part, field: ""}}, False
        for piece in pieces(part[field]):
            yield {"type": f"{name}.delta", **at, "delta": piece, **extra}, True
        yield {"type": f"{name}.done", **at, field: part[field], **extra}, False
        yield {"type": "response.content_part.done", **at, "part": part}, False
    elif kind == "reasoning":
        part, at = item["summary"][0], {"summary_index": 0}
        yield {"type": "response.reasoning_summary_part.added", **at, "part": {**part, "text": ""}}, False
        for piece in pieces(part["text"], 12):
            yield {"type": "response.reasoning_summary_text.delta", **at, "delta": piece}, True
        yield {"type": "response.reasoning_summary_text.done", **at, "text": part["text"]}, False
        yield {"type": "response.reasoning_summary_part.done", **at, "part": part}, False
    else:
        function = kind == "function_call"
        name = "response.function_call_arguments" if function else "response.custom_tool_call_input"
        field = "arguments" if function else "input"
        for piece in pieces(item[field], 7):
            yield {"type": f"{name}.delta", "delta": piece}, True
        done = {"name": item["name"]} if function else {}
        yield {"type": f"{name}.done", field: item[field], **done}, False


def _read_item(item: dict[str, Any], reading: Reading) -> None:
    kind = item.get("type", "message")
    if kind == "additional_tools":
        for tool in item.get("tools", []):
            inner = tool.get("tools", []) if tool.get("type") == "namespace" else [tool]
            reading.tools |= {one["name"]: one.get("parameters", {}) for one in inner if "name" in one}
        return
    said = Said("user")
    if kind == "message":
        content = item.get("content") or []
        parts = [{"type": "input_text", "text": content}] if isinstance(content, str) else content
        texts = [part.get("text") or part.get("refusal") or "" for part in parts if part["type"] != "input_image"]
        if item["role"] in ("system", "developer") and not reading.said:
            reading.system += texts
            return
        said = Said(item["role"], texts, images=sum(part["type"] == "input_image" for part in parts))
    elif kind == "reasoning":
        said = Said("assistant", seals=[item.get("encrypted_content") or ""])
    elif kind in CALLS:
        source = item.get("arguments", item.get("input", ""))
        try:
            said = Said("assistant", calls=[(item["call_id"], item["name"], json.loads(source))])
        except ValueError:
            said = Said("assistant", calls=[(item["call_id"], item["name"], source)])
    elif kind in CALLS.values():
        output = item["output"]
        parts = [{"type": "input_text", "text": output}] if isinstance(output, str) else output
        said.results.append((item["call_id"], "".join(part.get("text", "") for part in parts)))
        said.images = sum(part["type"] == "input_image" for part in parts)
    reading.said.append(said)


def _item_rules(items: list[dict[str, Any]], stage: Stage) -> list[str]:
    wrong = []
    for kind, result in CALLS.items():
        calls = [item["call_id"] for item in items if item.get("type") == kind]
        results = [item["call_id"] for item in items if item.get("type") == result]
        wrong += pairing(calls, results, "input")
    for place, item in enumerate(items):
        kind, identifier = item.get("type", "message"), item.get("id")
        prefix = PREFIXES.get(kind)
        if identifier and prefix and not identifier.startswith(prefix):
            wrong.append(f"input/{place}: identifier {identifier!r} of a {kind}")
        if len(item.get("call_id") or "") > 64:
            wrong.append(f"input/{place}: call_id of more than 64 characters")
        if kind == "reasoning":
            if item.get("encrypted_content") not in stage.seals:
                content = str(item.get("encrypted_content"))[:60]
                wrong.append(f"input/{place}: encrypted content that is not this vendor's: {content}")
            if place + 1 == len(items) or items[place + 1].get("role") == "user":
                wrong.append(f"input/{place}: reasoning without what followed it")
    return wrong
