"""Anthropic's Python SDK on Messages."""

from __future__ import annotations

import base64
import json
from typing import Any

import anthropic

from ..story import Ask, CallSeen, Outcome, Trouble, Usages
from .base import TIMEOUT, Client, Endpoint
from .openai_chat import City

STOPS = {
    "end_turn": "end",
    "tool_use": "tool",
    "max_tokens": "length",
    "refusal": "refusal",
    "stop_sequence": "stop_sequence",
}


class AnthropicMessages(Client):
    name = "anthropic"
    dialect = "claude"
    counts = True
    lists = True

    def __init__(self, endpoint: Endpoint, ask: Ask, mode: str) -> None:
        super().__init__(endpoint, ask, mode)
        self.sdk = self.connect()
        content: Any = ask.prompt
        if ask.image:
            source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(ask.image).decode()}
            content = [{"type": "image", "source": source}, {"type": "text", "text": ask.prompt}]
        self.messages: list[Any] = [{"role": "user", "content": content}]

    def connect(self) -> Any:
        return anthropic.Anthropic(
            base_url=self.endpoint.root, api_key=self.endpoint.key, max_retries=0, timeout=TIMEOUT
        )

    def settings(self) -> dict[str, Any]:
        ask = self.ask
        settings: dict[str, Any] = {"model": self.endpoint.model, "messages": self.messages}
        settings["max_tokens"] = ask.max_tokens
        if ask.system:
            settings["system"] = ask.system
        if ask.tools:
            settings["tools"] = [
                {"name": t.name, "description": t.description, "input_schema": t.schema} for t in ask.tools
            ]
        if ask.choice:
            settings["tool_choice"] = {"type": ask.choice} if ask.choice in ("any", "auto") else _named(ask.choice)
        if ask.think:
            settings["thinking"] = {"type": "enabled", "budget_tokens": 2048}
        if ask.adaptive:
            settings["thinking"] = {"type": "adaptive", "display": "summarized"}
            settings["output_config"] = {"effort": "high"}
        if ask.stop:
            settings["stop_sequences"] = list(ask.stop)
        if ask.schema and self.mode != "helper":
            settings["output_config"] = {"format": {"type": "json_schema", "schema": ask.schema}}
        return settings

    def answer(self) -> Outcome:
        settings = self.settings()
        if self.mode == "create":
            return self._take(self.sdk.messages.create(**settings))
        if self.mode == "helper":
            return self._take(self._helped(settings))
        return self._take(self._folded(self.sdk.messages.create(**settings, stream=True)))

    def _helped(self, settings: dict[str, Any]) -> Any:
        if self.ask.schema:
            return self.sdk.messages.parse(**settings, output_format=City)
        with self.sdk.messages.stream(**settings) as stream:
            for text in stream.text_stream:
                self.arrived(text)
            return stream.get_final_message()

    def _folded(self, stream: Any) -> Any:
        """Folds the raw events, and judges their order as strict clients do."""
        fold = Fold(self)
        for event in stream:
            fold.take(event.model_dump(exclude_unset=True))
        return anthropic.types.Message.model_validate(fold.end())

    def _take(self, message: Any) -> Outcome:
        out = self.partial
        out.model, out.text = message.model, "".join(block.text for block in message.content if block.type == "text")
        out.thoughts = "".join(block.thinking for block in message.content if block.type == "thinking")
        out.calls = [CallSeen(one.id, one.name, one.input) for one in message.content if one.type == "tool_use"]
        out.stop = STOPS.get(message.stop_reason, str(message.stop_reason))
        usage, cached = message.usage, message.usage.cache_read_input_tokens or 0
        written = usage.cache_creation_input_tokens or 0
        out.usage = Usages(usage.input_tokens + cached + written, usage.output_tokens, cached)
        parsed = getattr(message, "parsed_output", None)
        if parsed is not None:
            out.parsed = parsed.model_dump()
        elif self.ask.schema and out.text:
            out.parsed = json.loads(out.text)
        drop = {"parsed_output"}
        content = [block.model_dump(exclude_none=True, exclude=drop) for block in message.content]
        self.messages.append({"role": "assistant", "content": content})
        return out

    def give(self, results: list[tuple[str, str]]) -> None:
        blocks = [{"type": "tool_result", "tool_use_id": call, "content": text} for call, text in results]
        self.messages.append({"role": "user", "content": blocks})

    def leave(self) -> None:
        with self.sdk.messages.create(**self.settings(), stream=True) as stream:
            for event in stream:
                if event.type == "content_block_delta" and event.delta.type == "text_delta":
                    return

    def count(self) -> int:
        settings = self.settings()
        settings.pop("max_tokens")
        return self.sdk.messages.count_tokens(**settings).input_tokens

    def models(self) -> list[str]:
        return [model.id for model in self.sdk.models.list()]

    def trouble(self, error: Exception) -> Trouble | None:
        if isinstance(error, anthropic.APIStatusError):
            retry = error.response.headers.get("retry-after")
            return Trouble(error.status_code, type(error).__name__, str(error), retry)
        if isinstance(error, (anthropic.AnthropicError, StreamOrder)):
            return Trouble(None, type(error).__name__, str(error))
        if type(error).__module__.split(".")[0] in ("httpx", "httpx2", "httpcore", "httpcore2"):
            return Trouble(None, "connection", str(error))
        return None

    def close(self) -> None:
        self.sdk.close()


class StreamOrder(Exception):
    """A stream that ended before its last event."""


class Fold:
    """Folds the events of a Messages stream into the answer, complaining of what is out of order."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.message: dict[str, Any] = {}
        self.open: int | None = None
        self.source = ""
        self.ended = False

    def wrong(self, what: str) -> None:
        self.client.partial.complaints.append(what)

    def take(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if self.ended or (not self.message and kind not in ("message_start", "ping")):
            self.wrong(f"{kind} outside of a message")
        if kind == "message_start":
            if self.message:
                self.wrong("a second message_start")
            self.message = {**event["message"], "content": []}
        elif kind == "content_block_start":
            if self.open is not None or event["index"] != len(self.message["content"]):
                self.wrong(f"block {event['index']} starts with block {self.open} open")
            self.open, self.source = event["index"], ""
            self.message["content"].append(dict(event["content_block"]))
        elif kind == "content_block_delta":
            if event["index"] != self.open:
                self.wrong(f"a delta of block {event['index']} with block {self.open} open")
            self._delta(self.message["content"][event["index"]], event["delta"])
        elif kind == "content_block_stop":
            if event["index"] != self.open:
                self.wrong(f"block {event['index']} stops with block {self.open} open")
            if self.source:
                self.message["content"][event["index"]]["input"] = json.loads(self.source)
            self.open = None
        elif kind == "message_delta":
            self.message |= {name: event["delta"].get(name) for name in ("stop_reason", "stop_sequence")}
            self.message["usage"] |= {name: n for name, n in event["usage"].items() if n is not None}
        elif kind == "message_stop":
            if self.open is not None:
                self.wrong("the message stops with a block open")
            self.ended = True

    def _delta(self, block: dict[str, Any], delta: dict[str, Any]) -> None:
        fits = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "thinking"}
        wanted = fits.get(delta["type"], "tool_use")
        if block["type"] != wanted:
            self.wrong(f"{delta['type']} in a {block['type']} block")
        if delta["type"] == "text_delta":
            block["text"] += delta["text"]
            self.client.arrived(delta["text"])
        elif delta["type"] == "thinking_delta":
            block["thinking"] += delta["thinking"]
        elif delta["type"] == "signature_delta":
            block["signature"] = delta["signature"]
        else:
            self.source += delta["partial_json"]

    def end(self) -> dict[str, Any]:
        if not self.ended:
            raise StreamOrder("no message_stop")
        return self.message


def _named(tool: str) -> dict[str, str]:
    return {"type": "tool", "name": tool}
