"""OpenAI's Python SDK on Responses, with the conversation left at the server."""

from __future__ import annotations

from typing import Any, ClassVar

from ..story import Ask, Outcome
from .base import Endpoint
from .openai_responses import OpenAIResponses


class OpenAIResponsesKept(OpenAIResponses):
    """Sends what is new, and names the answer before it."""

    name = "openai-responses-kept"
    counts = False
    lists = False
    lacks: ClassVar = {
        **OpenAIResponses.lacks,
        "*@openai-responses": "an upstream of the client's own dialect keeps answers itself",
    }

    def __init__(self, endpoint: Endpoint, ask: Ask, mode: str) -> None:
        super().__init__(endpoint, ask, mode)
        self.previous: str | None = None

    def settings(self) -> dict[str, Any]:
        settings = super().settings() | {"store": True}
        settings.pop("include", None)
        return settings | ({"previous_response_id": self.previous} if self.previous else {})

    def _take(self, response: Any) -> Outcome:
        out = super()._take(response)
        if not response.store or response.previous_response_id != self.previous:
            out.complaints.append("the answer does not say that it is kept, and after which one")
        if self.sdk.responses.retrieve(response.id).output != response.output and self.mode != "helper":
            out.complaints.append("what was kept is not what was answered")
        self.previous, self.input = response.id, []
        return out
