"""Anthropic's Python SDK in front of Bedrock: signed requests, AWS event streams."""

from __future__ import annotations

from typing import Any

import anthropic

from .anthropic_messages import AnthropicMessages
from .base import TIMEOUT

REGION = "us-east-1"


class AnthropicBedrock(AnthropicMessages):
    name = "anthropic-bedrock"
    dialect = "bedrock"
    counts = False
    lists = False

    def connect(self) -> Any:
        return anthropic.AnthropicBedrock(
            base_url=self.endpoint.root,
            aws_region=REGION,
            aws_access_key=self.endpoint.access_key,
            aws_secret_key=self.endpoint.secret_key,
            max_retries=0,
            timeout=TIMEOUT,
        )
