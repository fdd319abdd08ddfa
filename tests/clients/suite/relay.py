"""A relay between client and mock of one dialect, faithful but for one fault: the suite has to notice each."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from .mock.server import Mocks
from .sdks.base import Endpoint
from .target import Keys, Target


class Relay(Target):
    """Replaces the key, and does what its fault says."""

    name = "relay"

    def __init__(self, mocks: Mocks, keys: Keys, fault: str) -> None:
        super().__init__(mocks, keys)
        self.servers = {}
        for dialect, server in mocks.servers.items():
            relay = _Server(dialect, server.url, keys, fault)
            self.servers[dialect] = relay

    def endpoint(
        self, client: str, upstream: str, model: str = "", signed: bool = True, newer: bool = False
    ) -> Endpoint:
        port = self.servers[upstream].server_address[1]
        name = self.upstream_model(client, upstream, model, newer)
        return Endpoint(f"http://127.0.0.1:{port}", name, self.keys.client)

    def upstream_key(self) -> str:
        return self.keys.upstream

    def hidden(self) -> tuple[str, ...]:
        return (self.keys.client,)

    def close(self) -> list[str]:
        for server in self.servers.values():
            server.shutdown()
            server.server_close()
        return []


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, dialect: str, upstream: str, keys: Keys, fault: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.dialect, self.upstream, self.keys, self.fault = dialect, urlsplit(upstream), keys, fault
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients leave."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        fault = self.server.fault
        if fault in REQUESTS:
            raw = json.dumps(REQUESTS[fault](json.loads(raw))).encode()
        answer = self._ask(raw)
        if fault == "asks twice":
            answer.read()
            answer = self._ask(raw)
        self._answer(answer)

    def _ask(self, raw: bytes) -> http.client.HTTPResponse:
        keys, bare = self.server.keys, self.server.dialect == "claude"
        headers = {"content-type": "application/json", "anthropic-version": self.headers.get("anthropic-version", "")}
        headers |= {"x-api-key": keys.upstream} if bare else {"authorization": f"Bearer {keys.upstream}"}
        if self.server.dialect != "claude":
            headers.pop("anthropic-version")
        if self.server.fault == "passes the client's key on":
            headers["x-was"] = keys.client
        upstream = http.client.HTTPConnection(self.server.upstream.hostname or "", self.server.upstream.port or 0)
        upstream.request("POST", self.path, raw, headers)
        return upstream.getresponse()

    def _answer(self, answer: http.client.HTTPResponse) -> None:
        fault = self.server.fault
        self.send_response(500 if fault == "has one status for all errors" and answer.status > 399 else answer.status)
        for name in ("content-type", "retry-after", "x-amzn-errortype"):
            if answer.headers.get(name) and (name, fault) != ("retry-after", "loses retry-after"):
                self.send_header(name, answer.headers[name])
        self.send_header("transfer-encoding", "chunked")
        self.send_header("connection", "close")
        self.end_headers()
        kept, whole = b"", True
        try:
            while piece := answer.read1():
                kept += piece
                if fault in BYTES or fault == "collects streams":
                    continue
                self._chunk(piece)
        except (http.client.IncompleteRead, ConnectionError):
            whole = fault == "ends broken streams well"
            kept += _good_end(self.server.dialect)
        except OSError:
            whole = False
        if fault in BYTES:
            kept = BYTES[fault](kept)
        if kept and (fault in BYTES or fault == "collects streams"):
            self._chunk(kept)
        if whole:
            self._chunk(b"")
        self.close_connection = True

    def _chunk(self, data: bytes) -> None:
        try:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()
        except OSError:
            if self.server.fault != "reads on for nobody":
                raise


def _good_end(dialect: str) -> bytes:
    ends = {"claude": 'event: message_stop\ndata: {"type":"message_stop"}\n\n', "openai-chat": "data: [DONE]\n\n"}
    return ends.get(dialect, "").encode()


def _lose_tool(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "tools": body["tools"][:-1]} if body.get("tools") else body


def _swap_results(body: dict[str, Any]) -> dict[str, Any]:
    """Results under each other's calls."""
    items = body.get("messages") or body.get("input") or []
    results = [item for item in items if item.get("role") == "tool" or item.get("type") == "function_call_output"]
    results += [
        block
        for item in items
        if isinstance(item.get("content"), list)
        for block in item["content"]
        if block.get("type") == "tool_result"
    ]
    if len(results) > 1:
        for name in ("content", "output"):
            if name in results[0]:
                results[0][name], results[1][name] = results[1][name], results[0][name]
    return body


REQUESTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "loses a tool": _lose_tool,
    "swaps results": _swap_results,
    "adds a member": lambda body: {**body, "made_up": 1},
}


def _on_text(pattern: str, into: str) -> Callable[[bytes], bytes]:
    return lambda data: re.sub(pattern.encode(), into.encode(), data)


BYTES: dict[str, Callable[[bytes], bytes]] = {
    "drops signatures": _on_text(r'"(signature|encrypted_content)": "EqQB[^"]*"', r'"\1": "gone"'),
    "renumbers events": _on_text(r'"sequence_number": \d+', '"sequence_number": 3'),
    "counts wrongly": _on_text(r'"(input_tokens|prompt_tokens)": \d', r'"\1": 9'),
    "loses the last event": _on_text(
        r"(event: message_stop\ndata: .*\n\n|event: response.completed\ndata: .*\n\n)$", ""
    ),
    "splits at U+2028": lambda data: data.replace("\u2028".encode(), b"\n").replace(rb"\u2028", b" "),
    "ends broken streams well": lambda data: data,
    "breaks checksums": lambda data: data[:-1] + bytes([data[-1] ^ 1]) if data else data,
    "puts all calls under one index": _on_text(r'"index": [12], "(id|function)"', r'"index": 0, "\1"'),
}
