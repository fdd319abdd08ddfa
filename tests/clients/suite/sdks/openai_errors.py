"""Errors of the OpenAI SDK."""

from __future__ import annotations

import openai

from ..story import Trouble


def trouble(error: Exception) -> Trouble | None:
    if isinstance(error, openai.APIStatusError):
        return Trouble(
            error.status_code, type(error).__name__, error.message, error.response.headers.get("retry-after")
        )
    if isinstance(error, openai.OpenAIError):
        return Trouble(None, type(error).__name__, str(error))
    if type(error).__module__.split(".")[0] in ("httpx", "httpx2", "httpcore", "httpcore2"):
        return Trouble(None, "connection", str(error))
    return None
