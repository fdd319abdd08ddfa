"""One module for each client. `CLIENTS` lists them by name."""

from __future__ import annotations

from .ai_sdk import AI_SDK
from .anthropic_bedrock import AnthropicBedrock
from .anthropic_messages import AnthropicMessages
from .base import Client, Endpoint
from .boto3_invoke import Boto3Invoke
from .openai_chat import OpenAIChat
from .openai_kept import OpenAIResponsesKept
from .openai_responses import OpenAIResponses

CORE: tuple[type[Client], ...] = (
    OpenAIChat,
    OpenAIResponses,
    OpenAIResponsesKept,
    AnthropicMessages,
    AnthropicBedrock,
    Boto3Invoke,
)
CLIENTS: dict[str, type[Client]] = {client.name: client for client in (*CORE, *AI_SDK)}

__all__ = ["AI_SDK", "CLIENTS", "CORE", "Client", "Endpoint"]
