"""OpenAI's Python SDK on Chat Completions."""

from __future__ import annotations

import base64
import json
from typing import Any, ClassVar

import openai
import pydantic

from ..story import Ask, CallSeen, Outcome, Trouble, Usages
from . import openai_errors
from .base import TIMEOUT, Client, Endpoint

STOPS = {"stop": "end", "tool_calls": "tool", "length": "length", "content_filter": "refusal"}


class City(pydantic.BaseModel):
    """The form of the scenario about structured output."""

    model_config = pydantic.ConfigDict(extra="forbid")
    name: str
    population: int


class OpenAIChat(Client):
    name = "openai-chat"
    dialect = "openai-chat"
    lists = True
    lacks: ClassVar = {
        "stop-length:helper@*": "the SDK's stream helper raises on a truncated answer",
        # Claude's refusals are filtered content here.
        "refusal:helper@claude": "the SDK's stream helper raises on a filtered answer",
        "refusal:helper@bedrock": "the SDK's stream helper raises on a filtered answer",
    }

    def __init__(self, endpoint: Endpoint, ask: Ask, mode: str) -> None:
        super().__init__(endpoint, ask, mode)
        self.sdk = openai.OpenAI(base_url=f"{endpoint.root}/v1", api_key=endpoint.key, max_retries=0, timeout=TIMEOUT)
        self.messages: list[Any] = [{"role": "system", "content": ask.system}] if ask.system else []
        content: Any = ask.prompt
        if ask.image:
            url = "data:image/png;base64," + base64.b64encode(ask.image).decode()
            content = [{"type": "text", "text": ask.prompt}, {"type": "image_url", "image_url": {"url": url}}]
        self.messages.append({"role": "user", "content": content})

    def settings(self) -> dict[str, Any]:
        ask = self.ask
        settings: dict[str, Any] = {"model": self.endpoint.model, "messages": self.messages}
        settings["max_completion_tokens"] = ask.max_tokens
        if ask.tools:
            strict = {"strict": True} if self.mode == "helper" else {}
            settings["tools"] = [
                {
                    "type": "function",
                    "function": {"name": t.name, "description": t.description, "parameters": t.schema, **strict},
                }
                for t in ask.tools
            ]
        if ask.choice:
            named = {"type": "function", "function": {"name": ask.choice}}
            settings["tool_choice"] = {"any": "required", "auto": "auto"}.get(ask.choice, named)
        if ask.think:
            settings["reasoning_effort"] = "medium"
        if ask.stop:
            settings["stop"] = list(ask.stop)
        if ask.schema and self.mode != "helper":
            form = {"name": "city", "schema": ask.schema, "strict": True}
            settings["response_format"] = {"type": "json_schema", "json_schema": form}
        return settings

    def answer(self) -> Outcome:
        settings = self.settings()
        if self.mode == "create":
            return self._take(self.sdk.chat.completions.create(**settings))
        if self.mode == "helper":
            return self._take(self._helped(settings))
        return self._folded(settings)

    def _helped(self, settings: dict[str, Any]) -> Any:
        if self.ask.schema:
            return self.sdk.chat.completions.parse(**settings, response_format=City)
        with self.sdk.chat.completions.stream(**settings, stream_options={"include_usage": True}) as stream:
            for event in stream:
                if event.type == "content.delta":
                    self.arrived(event.delta)
            return stream.get_final_completion()

    def _folded(self, settings: dict[str, Any]) -> Outcome:
        """Folds a stream by hand, as most users do."""
        out, calls = self.partial, {}
        message: dict[str, Any] = {"role": "assistant", "content": None}
        stream = self.sdk.chat.completions.create(**settings, stream=True, stream_options={"include_usage": True})
        identifiers = set()
        for chunk in stream:
            identifiers.add(chunk.id)
            out.model = chunk.model
            if chunk.usage:
                out.usage = _usages(chunk.usage)
            for choice in chunk.choices:
                delta = choice.delta
                self.arrived(delta.content or "")
                out.refusal += delta.refusal or ""
                extra = delta.model_extra or {}
                out.thoughts += extra.get("reasoning_content") or ""
                for name in ("reasoning_details",):
                    if extra.get(name):
                        message.setdefault(name, []).extend(extra[name])
                for call in delta.tool_calls or []:
                    kept = calls.setdefault(call.index, {"id": "", "name": "", "arguments": ""})
                    kept["id"] += call.id or ""
                    kept["name"] += (call.function and call.function.name) or ""
                    kept["arguments"] += (call.function and call.function.arguments) or ""
                out.stop = STOPS.get(choice.finish_reason or "", out.stop)
        if len(identifiers) != 1:
            out.complaints.append(f"chunks of one answer have identifiers {identifiers}")
        out.calls = [_call(one["id"], one["name"], one["arguments"]) for _, one in sorted(calls.items())]
        message["content"] = out.text or None
        if out.thoughts:
            message["reasoning_content"] = out.thoughts
        if calls:
            message["tool_calls"] = [
                {"id": one["id"], "type": "function", "function": {k: one[k] for k in ("name", "arguments")}}
                for _, one in sorted(calls.items())
            ]
        self.messages.append(message)
        return self._finish(out)

    def _take(self, completion: Any) -> Outcome:
        choice = completion.choices[0]
        message, out = choice.message, self.partial
        out.text, out.refusal, out.model = message.content or "", message.refusal or "", completion.model
        out.thoughts = (message.model_extra or {}).get("reasoning_content") or ""
        out.calls = [_call(one.id, one.function.name, one.function.arguments) for one in message.tool_calls or []]
        out.stop = STOPS.get(choice.finish_reason, choice.finish_reason)
        out.usage = _usages(completion.usage) if completion.usage else out.usage
        parsed = getattr(message, "parsed", None)
        out.parsed = parsed.model_dump() if parsed is not None else None
        if completion.object != "chat.completion":
            out.complaints.append(f"object {completion.object}")
        self.messages.append(message.model_dump(exclude_none=True, exclude={"parsed": True}))
        for call in self.messages[-1].get("tool_calls", []):
            # Additions of the stream helper that the API does not take back.
            call.pop("index", None)
            call["function"].pop("parsed_arguments", None)
        return self._finish(out)

    def _finish(self, out: Outcome) -> Outcome:
        if out.refusal:
            out.stop = "refusal"
        if self.ask.schema and out.parsed is None and out.text:
            out.parsed = json.loads(out.text)
        return out

    def give(self, results: list[tuple[str, str]]) -> None:
        self.messages += [{"role": "tool", "tool_call_id": call, "content": text} for call, text in results]

    def leave(self) -> None:
        with self.sdk.chat.completions.create(**self.settings(), stream=True) as stream:
            for chunk in stream:
                if chunk.choices and chunk.choices[0].delta.content:
                    return

    def models(self) -> list[str]:
        return [model.id for model in self.sdk.models.list()]

    def trouble(self, error: Exception) -> Trouble | None:
        return openai_errors.trouble(error)

    def close(self) -> None:
        self.sdk.close()


def _call(identifier: str, name: str, arguments: str) -> CallSeen:
    return CallSeen(identifier, name, json.loads(arguments))


def _usages(usage: Any) -> Usages:
    details = usage.prompt_tokens_details
    return Usages(usage.prompt_tokens, usage.completion_tokens, (details and details.cached_tokens) or 0)
