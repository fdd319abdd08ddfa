"""AWS's Python SDK: `invoke_model` and `invoke_model_with_response_stream`."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import boto3
import botocore.config
import botocore.exceptions

from ..story import Outcome, Trouble
from .anthropic_bedrock import REGION
from .anthropic_messages import AnthropicMessages, Fold, StreamOrder
from .base import TIMEOUT


class Boto3Invoke(AnthropicMessages):
    name = "boto3"
    dialect = "bedrock"
    modes = ("create", "stream")
    lists = False

    def connect(self) -> Any:
        return boto3.client(
            "bedrock-runtime",
            region_name=REGION,
            endpoint_url=self.endpoint.root,
            aws_access_key_id=self.endpoint.access_key,
            aws_secret_access_key=self.endpoint.secret_key,
            config=botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=TIMEOUT, proxies={}),
        )

    def _call(self) -> dict[str, Any]:
        body = {**self.settings(), "anthropic_version": "bedrock-2023-05-31"}
        model = body.pop("model")
        return {"modelId": model, "contentType": "application/json", "body": json.dumps(body)}

    def answer(self) -> Outcome:
        if self.mode == "create":
            raw = json.loads(self.sdk.invoke_model(**self._call())["body"].read())
            return self._take(anthropic.types.Message.model_validate(raw))
        fold, last = Fold(self), {}
        for event in self.sdk.invoke_model_with_response_stream(**self._call())["body"]:
            last = json.loads(event["chunk"]["bytes"])
            fold.take(last)
        message = anthropic.types.Message.model_validate(fold.end())
        metrics = last.get("amazon-bedrock-invocationMetrics")
        if not metrics or metrics.get("outputTokenCount") != message.usage.output_tokens:
            self.partial.complaints.append(f"the last event's metrics are {metrics}")
        return self._take(message)

    def leave(self) -> None:
        body = self.sdk.invoke_model_with_response_stream(**self._call())["body"]
        for event in body:
            if json.loads(event["chunk"]["bytes"])["type"] == "content_block_delta":
                body.close()
                return

    def count(self) -> int:
        body = {**self.settings(), "anthropic_version": "bedrock-2023-05-31"}
        model = body.pop("model")
        answer = self.sdk.count_tokens(modelId=model, input={"invokeModel": {"body": json.dumps(body).encode()}})
        return answer["inputTokens"]

    def trouble(self, error: Exception) -> Trouble | None:
        if isinstance(error, botocore.exceptions.ClientError):
            said = error.response
            meta = said.get("ResponseMetadata", {})
            retry = meta.get("HTTPHeaders", {}).get("retry-after")
            return Trouble(meta.get("HTTPStatusCode"), said["Error"]["Code"], said["Error"]["Message"], retry)
        if type(error).__module__.startswith("urllib3"):
            return Trouble(None, "connection", str(error))
        known = (botocore.exceptions.BotoCoreError, botocore.exceptions.HTTPClientError, StreamOrder)
        return Trouble(None, type(error).__name__, str(error)) if isinstance(error, known) else None
