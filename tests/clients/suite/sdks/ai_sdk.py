"""Vercel's AI SDK. A Node process for each lane takes commands line by line; see `node/ai_sdk.mjs`."""

from __future__ import annotations

import atexit
import base64
import json
import subprocess
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from ..story import Ask, CallSeen, Outcome, Trouble, Usages
from .anthropic_bedrock import REGION
from .base import Client, Endpoint

STOPS = {"stop": "end", "tool-calls": "tool", "length": "length", "content-filter": "refusal"}
SCRIPT = Path(__file__).resolve().parents[2] / "node" / "ai_sdk.mjs"
PACKAGES = Path()
_local = threading.local()


def use(folder: Path) -> None:
    """Says where the packages are installed."""
    global PACKAGES
    PACKAGES = folder


class Worker:
    """The Node process of a lane."""

    def __init__(self) -> None:
        argv = ["node", str(SCRIPT), str(PACKAGES.resolve())]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)

    def ask(self, **command: Any) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the Node process ended with code {self.process.wait()}")
        said = json.loads(line)
        if "broke" in said:
            raise RuntimeError(f"the Node process: {said['broke']}")
        return said


def _worker() -> Worker:
    if not hasattr(_local, "worker"):
        _local.worker = Worker()
    return _local.worker


class AiSdk(Client):
    modes = ("create", "stream")

    def __init__(self, endpoint: Endpoint, ask: Ask, mode: str) -> None:
        super().__init__(endpoint, ask, mode)
        self.calls: dict[str, str] = {}
        where = {"root": endpoint.root, "model": endpoint.model, "key": endpoint.key, "region": REGION}
        where |= {"accessKey": endpoint.access_key, "secretKey": endpoint.secret_key}
        asked = {**asdict(ask), "image": base64.b64encode(ask.image).decode() if ask.image else None}
        _worker().ask(do="begin", dialect=self.dialect, endpoint=where, ask=asked)

    def answer(self) -> Outcome:
        said = _worker().ask(do="say", mode=self.mode)
        out = self.partial
        out.text = said["text"]
        out.arrivals = [(at, text) for at, text in said["arrivals"]]
        if "trouble" in said:
            out.trouble = Trouble(**said["trouble"])
            return out
        out.thoughts, out.parsed, out.model = said["thoughts"], said["parsed"], said["model"]
        out.calls = [CallSeen(**call) for call in said["calls"]]
        out.stop = STOPS.get(said["finish"], said["finish"])
        out.usage = Usages(*said["usage"])
        self.calls |= {call.id: call.name for call in out.calls}
        return out

    def give(self, results: list[tuple[str, str]]) -> None:
        named = [{"id": call, "name": self.calls[call], "text": text} for call, text in results]
        _worker().ask(do="give", results=named)

    def leave(self) -> None:
        _worker().ask(do="leave")

    def trouble(self, error: Exception) -> Trouble | None:
        return None


class AiSdkChat(AiSdk):
    name = "ai-sdk-chat"
    dialect = "openai-chat"
    shows_thoughts = False
    lacks: ClassVar = {
        "thinking-loop:*@openai-chat": "the SDK neither shows reasoning here nor hands it back",
        "structured-newer:*@openai-chat": "the SDK sends max_tokens to models whose names it does not know",
    }


class AiSdkResponses(AiSdk):
    name = "ai-sdk-responses"
    dialect = "openai-responses"


class AiSdkClaude(AiSdk):
    name = "ai-sdk-claude"
    dialect = "claude"
    tells_stop_sequences = False

    def limit(self) -> int:
        """What is thought comes on top."""
        return self.ask.max_tokens + (2048 if self.ask.think and not self.ask.adaptive else 0)


class AiSdkBedrock(AiSdkClaude):
    name = "ai-sdk-bedrock"
    dialect = "bedrock"


AI_SDK: tuple[type[AiSdk], ...] = (AiSdkChat, AiSdkResponses, AiSdkClaude, AiSdkBedrock)
