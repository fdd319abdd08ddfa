"""The HTTP side of the mocks: a server on a free port of the loopback for each dialect."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from ..story import Failure, Turn
from .base import Reply, Upstream
from .bedrock import Bedrock
from .chat import Chat
from .claude import Claude
from .responses import Responses
from .stage import Reading, Seen, Stage

KINDS: tuple[type[Upstream], ...] = (Chat, Responses, Claude, Bedrock)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, kind: type[Upstream]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.kind = kind
        self.stage: Stage | None = None
        self.stray: list[str] = []  # what came while nothing was played
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that leaves is what some scenarios are about."""


class Mocks:
    """The four upstreams, of which one at a time plays."""

    def __init__(self) -> None:
        self.servers = {kind.dialect: Server(kind) for kind in KINDS}

    def play(self, dialect: str, stage: Stage) -> None:
        for server in self.servers.values():
            server.stage, server.stray = None, []
        self.servers[dialect].stage = stage

    def stray(self) -> list[str]:
        """Requests to upstreams that nobody had to ask."""
        return [line for server in self.servers.values() for line in server.stray]

    def close(self) -> None:
        for server in self.servers.values():
            server.shutdown()
            server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        self._handle()

    def do_GET(self) -> None:
        self._handle()

    do_HEAD = do_DELETE = do_PUT = do_GET

    def _handle(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        upstream, stage = self.server.kind(), self.server.stage
        path = self.path.partition("?")[0]
        route = upstream.route(self.command, path)
        if stage is None:
            self.server.stray.append(f"{upstream.dialect} was asked {self.command} {path}")
            return self._reply(upstream.failure(Failure("missing", "Nothing is played here.")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(path, headers, None, Reading(), -1)
        try:
            self._play(upstream, stage, seen, raw, route)
        except (BrokenPipeError, ConnectionResetError):
            seen.dropped = True
            self.close_connection = True
        finally:
            seen.done.set()

    def _play(self, upstream: Upstream, stage: Stage, seen: Seen, raw: bytes, route: str) -> None:
        seen.wrong += _leaks(self.path, self.headers.as_string(), raw, stage)
        if not route:
            seen.wrong.append(f"the vendor has no {self.command} {self.path}")
            stage.seen.append(seen)
            return self._reply(upstream.failure(Failure("missing", "No such path.")))
        if seen.headers.get("content-type", "").partition(";")[0] != "application/json":
            seen.wrong.append(f"content-type is {seen.headers.get('content-type')}")
        try:
            seen.body = json.loads(raw)
            seen.reading = upstream.read(seen.path, seen.body)
            seen.wrong += upstream.rules(seen, stage)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            seen.wrong.append(f"a body that cannot be read: {error!r}: {raw[:200]!r}")
            stage.seen.append(seen)
            return self._reply(upstream.failure(Failure("invalid", "The body cannot be read.")))
        names = {stage.facts.model}
        if route == "count":  # Bedrock counts for foundation models, not for profiles of a region
            names.add(stage.facts.model.removeprefix("us."))
        if seen.reading.model not in names:
            seen.wrong.append(f"model {seen.reading.model!r} in place of {stage.facts.model!r}")
        if route == "count":
            stage.seen.append(seen)
            return self._reply(Reply(200, upstream.count(), {}))
        step = stage.step(seen)
        if isinstance(step, Failure):
            reply = upstream.failure(step)
            if step.retry_after is not None:
                reply.headers["retry-after"] = str(step.retry_after)
            return self._reply(reply)
        if stage.facts.fit:
            step = stage.facts.fit(step, seen)
        if seen.reading.stream:
            return self._stream(upstream, stage, seen, step)
        if step.pause:
            time.sleep(step.pause)
        if step.broken == "cut":
            return self._hang_up()
        if step.broken == "error":
            return self._reply(upstream.failure(Failure("server", "The upstream ran into trouble halfway.")))
        self._reply(Reply(200, upstream.complete(step, seen, stage), {}))

    def _stream(self, upstream: Upstream, stage: Stage, seen: Seen, turn: Turn) -> None:
        self.send_response(200)
        self.send_header("content-type", upstream.stream_type)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        fragments = 0
        for piece in upstream.stream(turn, seen, stage):
            if turn.broken and fragments >= turn.intact:
                if turn.broken == "cut":
                    return self._hang_up()
                self._chunk(upstream.broken())
                break
            if piece.delta:
                fragments += 1
                time.sleep(turn.pause)
            if piece.text:
                seen.sent.append((time.time(), piece.text))
            self._chunk(piece.data)
        self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _hang_up(self) -> None:
        """Breaks the connection as a crash does, once what was sent has arrived: a reset overtakes it."""
        time.sleep(0.1)
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.shutdown(socket.SHUT_RDWR)

    def _reply(self, reply: Reply) -> None:
        data = json.dumps(reply.body).encode()
        self.send_response(reply.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        self.wfile.flush()


def _leaks(path: str, headers: str, raw: bytes, stage: Stage) -> list[str]:
    """Whatever of the client's credentials came through."""
    everything = unquote(path) + headers + raw.decode(errors="replace")
    return ["the client's own key came through" for text in stage.facts.hidden if text in everything][:1]
