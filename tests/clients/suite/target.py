"""What stands between client and upstream: nothing, a relay, or the proxy."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .mock.server import Mocks
from .sdks.base import Endpoint
from .story import DIALECTS

# The upstream's names of models. What a model is known to take decides what is sent to it.
UPSTREAM_MODELS = {
    "openai-chat": "gpt-oss-120b",
    "openai-responses": "gpt-5.2",
    "claude": "claude-sonnet-4-5",
    "bedrock": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
}
# Newer ones, which take less and want other words.
NEWER_MODELS = {
    "openai-chat": "gpt-5.2",
    "openai-responses": "gpt-6-sol",
    "claude": "claude-opus-4-8",
    "bedrock": "us.anthropic.claude-opus-4-8-v1:0",
}
# Names by which Codex knows a model, and the tools that it then has.
KNOWN_TO_CODEX = ("gpt-5.5", "gpt-5.6-sol")


@dataclass(frozen=True)
class Keys:
    """Made for each run, so that a leak cannot be mistaken for anything else."""

    upstream: str
    client: str

    @classmethod
    def fresh(cls) -> Keys:
        return cls(f"upstream{secrets.token_hex(8)}", f"client{secrets.token_hex(8)}")


class Target:
    """Nothing: a client speaks to the mock of its own dialect."""

    name = "direct"

    def __init__(self, mocks: Mocks, keys: Keys) -> None:
        self.mocks, self.keys = mocks, keys

    @classmethod
    def pairs(cls) -> list[tuple[str, str]]:
        """Dialects of client and upstream that it can bring together."""
        return [(dialect, dialect) for dialect in DIALECTS]

    def endpoint(
        self, client: str, upstream: str, model: str = "", signed: bool = True, newer: bool = False
    ) -> Endpoint:
        """Where a client of a dialect finds an upstream. `model`: a name that the client has to know."""
        name = self.upstream_model(client, upstream, model, newer)
        return Endpoint(self.mocks.servers[upstream].url, name, self.keys.upstream)

    def upstream_model(self, client: str, upstream: str, model: str = "", newer: bool = False) -> str:
        """The model that the upstream is asked for."""
        return model or (NEWER_MODELS if newer else UPSTREAM_MODELS)[upstream]

    def upstream_key(self) -> str:
        """The key that the upstream wants; empty where clients show whatever their SDK does."""
        return ""

    def hidden(self) -> tuple[str, ...]:
        """What of the client must not reach the upstream."""
        return ()

    def close(self) -> list[str]:
        """Ends what was started; says what went wrong besides the cells."""
        return []


class Proxy(Target):
    """llm-proxy, started with a route for every pair: once where Bedrock's clients sign, once where they need not."""

    name = "llm-proxy"

    def __init__(self, mocks: Mocks, keys: Keys, binary: Path) -> None:
        super().__init__(mocks, keys)
        self.folder = tempfile.TemporaryDirectory(prefix="llm-proxy-clients-")
        self.runs = {signed: self._start(binary, signed) for signed in (True, False)}

    @classmethod
    def pairs(cls) -> list[tuple[str, str]]:
        return [(client, upstream) for client in DIALECTS for upstream in DIALECTS]

    def endpoint(
        self, client: str, upstream: str, model: str = "", signed: bool = True, newer: bool = False
    ) -> Endpoint:
        _, port = self.runs[signed]
        root = f"http://127.0.0.1:{port}/{client}/{upstream}"
        return Endpoint(root, model or self._client_model(client, upstream, newer), self.keys.client)

    def upstream_model(self, client: str, upstream: str, model: str = "", newer: bool = False) -> str:
        return super().upstream_model(client, upstream, newer=newer)

    def upstream_key(self) -> str:
        return self.keys.upstream

    def hidden(self) -> tuple[str, ...]:
        return (self.keys.client,)

    def _client_model(self, client: str, upstream: str, newer: bool = False) -> str:
        name = f"by-{upstream}" + ("-newer" if newer else "")
        # The colon of Bedrock's names is escaped in paths.
        return f"eu.anthropic.{name}-v1:0" if client == "bedrock" else name

    def _routes(self, client: str, upstream: str) -> list[dict[str, Any]]:
        bare = upstream == "claude"
        route = {
            "frontend_base_url": f"/{client}/{upstream}",
            "frontend_dialect": client,
            "backend_base_url": self.mocks.servers[upstream].url,
            "backend_api_key": self.keys.upstream,
            "backend_auth_header": "x-api-key" if bare else "Authorization",
            "backend_auth_schema": "" if bare else "Bearer",
            "backend_dialect": upstream,
        }
        names = [self._client_model(client, upstream)]
        names += KNOWN_TO_CODEX if client == "openai-responses" else []
        models = {name: UPSTREAM_MODELS[upstream] for name in names}
        models[self._client_model(client, upstream, newer=True)] = NEWER_MODELS[upstream]
        return [{"frontend_model_name": name, "backend_model_name": model, **route} for name, model in models.items()]

    def _start(self, binary: Path, signed: bool) -> tuple[subprocess.Popen[bytes], int]:
        port = _free_port()
        routes = [route for pair in self.pairs() for route in self._routes(*pair)]
        server: dict[str, Any] = {"port": port, "response_store": {"kind": "memory"}}
        config: dict[str, Any] = {"server": server, "models": routes}
        if signed:
            keys = Endpoint("", "", self.keys.client)
            pair = {"access_key_id": keys.access_key, "secret_access_key": keys.secret_key}
            config["server"]["aws_credentials"] = [pair]
        file = Path(self.folder.name) / f"{port}.yaml"
        file.write_text(json.dumps(config))  # JSON is YAML
        with file.with_suffix(".log").open("wb") as log:
            process = subprocess.Popen(
                [binary, "--config", file],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PATH": os.environ.get("PATH", "")},
            )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
                    return process, port
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"the proxy does not come up:\n{file.with_suffix('.log').read_text()[-3000:]}")

    def close(self) -> list[str]:
        wrong = []
        for process, port in self.runs.values():
            if process.poll() is not None:
                wrong.append(f"the proxy ended by itself with code {process.returncode}")
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                wrong.append("the proxy does not end when it is told to")
                process.kill()
                process.wait()
            log = (Path(self.folder.name) / f"{port}.log").read_text(errors="replace")
            if "panicked" in log:
                wrong.append(f"the proxy panicked: {log[log.index('panicked') :][:500]}")
            wrong += ["a key stands in the log" for key in (self.keys.client, self.keys.upstream) if key in log]
        self.folder.cleanup()
        return wrong


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
