"""OpenAI's Python SDK on Responses."""

from __future__ import annotations

import base64
import json
from typing import Any, ClassVar

import openai

from ..story import Ask, CallSeen, Outcome, Trouble, Usages
from . import openai_errors
from .base import TIMEOUT, Client, Endpoint
from .openai_chat import City

TERMINAL = ("response.completed", "response.incomplete", "response.failed")


class OpenAIResponses(Client):
    name = "openai-responses"
    dialect = "openai-responses"
    counts = True
    lists = True
    mute = ("helper",)
    lacks: ClassVar = {
        "stop-length:helper@*": "the SDK's stream helper raises on a truncated answer",
        "refusal:helper@claude": "the SDK's stream helper raises on a filtered answer",
        "refusal:helper@bedrock": "the SDK's stream helper raises on a filtered answer",
    }

    def __init__(self, endpoint: Endpoint, ask: Ask, mode: str) -> None:
        super().__init__(endpoint, ask, mode)
        self.sdk = openai.OpenAI(base_url=f"{endpoint.root}/v1", api_key=endpoint.key, max_retries=0, timeout=TIMEOUT)
        content: Any = ask.prompt
        if ask.image:
            url = "data:image/png;base64," + base64.b64encode(ask.image).decode()
            picture = {"type": "input_image", "image_url": url, "detail": "auto"}
            content = [{"type": "input_text", "text": ask.prompt}, picture]
        self.input: list[Any] = [{"role": "user", "content": content}]

    def settings(self) -> dict[str, Any]:
        ask = self.ask
        settings: dict[str, Any] = {"model": self.endpoint.model, "input": self.input, "store": False}
        settings["max_output_tokens"] = ask.max_tokens
        if ask.system:
            settings["instructions"] = ask.system
        if ask.tools:
            strict = self.mode == "helper"
            settings["tools"] = [
                {"type": "function", "name": t.name, "description": t.description, "parameters": t.schema}
                | {"strict": strict}
                for t in ask.tools
            ]
        if ask.choice:
            named = {"type": "function", "name": ask.choice}
            settings["tool_choice"] = {"any": "required", "auto": "auto"}.get(ask.choice, named)
        if ask.think:
            settings["reasoning"] = {"effort": "medium", "summary": "auto"}
            settings["include"] = ["reasoning.encrypted_content"]
        if ask.schema and self.mode != "helper":
            settings["text"] = {"format": {"type": "json_schema", "name": "city", "schema": ask.schema, "strict": True}}
        return settings

    def answer(self) -> Outcome:
        settings = self.settings()
        if self.mode == "create":
            return self._take(self.sdk.responses.create(**settings))
        if self.mode == "helper":
            return self._take(self._helped(settings))
        return self._take(self._streamed(self.sdk.responses.create(**settings, stream=True)))

    def _helped(self, settings: dict[str, Any]) -> Any:
        if self.ask.schema:
            return self.sdk.responses.parse(**settings, text_format=City)
        with self.sdk.responses.stream(**settings) as stream:
            for event in stream:
                if event.type == "response.output_text.delta":
                    self.arrived(event.delta)
            return stream.get_final_response()

    def _streamed(self, stream: Any) -> Any:
        """Reads the events, and judges their order, which the SDK leaves to its users."""
        out, last, items, deltas = self.partial, None, [], {}
        for place, event in enumerate(stream):
            if event.sequence_number != place:
                out.complaints.append(f"event {place} ({event.type}) has sequence number {event.sequence_number}")
            if last is not None:
                out.complaints.append(f"{event.type} after the last event")
            kind = event.type
            if kind == "response.output_item.added":
                if event.output_index != len(items):
                    out.complaints.append(f"item {event.output_index} opens as number {len(items)}")
                items.append(event.item)
            elif kind == "response.output_item.done":
                added = items[event.output_index]
                if (added.type, added.id) != (event.item.type, event.item.id):
                    out.complaints.append(f"item {added.id} ends as {event.item.id}")
                items[event.output_index] = event.item
            elif kind.endswith(".delta"):
                if event.item_id != items[event.output_index].id:
                    out.complaints.append(f"{kind} of {event.item_id} inside of another item")
                deltas[event.item_id] = deltas.get(event.item_id, "") + event.delta
                if kind == "response.output_text.delta":
                    self.arrived(event.delta)
            elif kind in TERMINAL:
                last = event.response
            elif kind == "error":
                raise openai.APIError(event.message, request=stream.response.request, body=None)
        if last is None:
            raise openai.APIConnectionError(message="no last event", request=stream.response.request)
        if last.status != "failed":
            if [plain.model_dump() for plain in last.output] != [plain.model_dump() for plain in items]:
                out.complaints.append("the last event's items are not those that were streamed")
            for item in last.output:
                if deltas.get(item.id, "") != _content(item):
                    out.complaints.append(f"the fragments of {item.type} are not its content")
        return last

    def _take(self, response: Any) -> Outcome:
        out = self.partial
        if response.status == "failed":
            raise openai.APIError(response.error.message, request=None, body=None)  # type: ignore[arg-type]
        out.text, out.model = response.output_text, response.model
        for item in response.output:
            if item.type == "function_call":
                out.calls.append(CallSeen(item.call_id, item.name, json.loads(item.arguments)))
            elif item.type == "reasoning":
                out.thoughts += "".join(part.text for part in item.summary or item.content or [])
            elif item.type == "message":
                out.refusal += "".join(part.refusal for part in item.content if part.type == "refusal")
        if response.usage:
            cached = response.usage.input_tokens_details.cached_tokens
            out.usage = Usages(response.usage.input_tokens, response.usage.output_tokens, cached)
        reason = response.incomplete_details and response.incomplete_details.reason
        stops = {"max_output_tokens": "length", "content_filter": "refusal"}
        out.stop = stops.get(reason or "", "tool" if out.calls else "end")
        if out.refusal:
            out.stop = "refusal"
        parsed = getattr(response, "output_parsed", None)
        if parsed is not None:
            out.parsed = parsed.model_dump()
        elif self.ask.schema and out.text:
            out.parsed = json.loads(out.text)
        drop = {"parsed", "parsed_arguments"}
        self.input += [_without(item.model_dump(exclude_none=True), drop) for item in response.output]
        return out

    def give(self, results: list[tuple[str, str]]) -> None:
        self.input += [{"type": "function_call_output", "call_id": call, "output": text} for call, text in results]

    def leave(self) -> None:
        with self.sdk.responses.create(**self.settings(), stream=True) as stream:
            for event in stream:
                if event.type == "response.output_text.delta":
                    return

    def count(self) -> int:
        settings = self.settings()
        allowed = {name: settings[name] for name in ("model", "input", "instructions", "tools") if name in settings}
        return self.sdk.responses.input_tokens.count(**allowed).input_tokens

    def models(self) -> list[str]:
        return [model.id for model in self.sdk.models.list()]

    def trouble(self, error: Exception) -> Trouble | None:
        if isinstance(error, RuntimeError) and "response.completed" in str(error):
            return Trouble(None, "RuntimeError", str(error))
        return openai_errors.trouble(error)

    def close(self) -> None:
        self.sdk.close()


def _content(item: Any) -> str:
    if item.type == "function_call":
        return item.arguments
    if item.type == "reasoning":
        return "".join(part.text for part in item.summary or item.content or [])
    return "".join(getattr(part, "text", None) or getattr(part, "refusal", "") for part in item.content)


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(inner, names) for name, inner in value.items() if name not in names}
    return [_without(inner, names) for inner in value] if isinstance(value, list) else value
