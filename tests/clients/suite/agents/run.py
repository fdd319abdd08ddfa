"""An agent's process: a home and a folder of its own, no settings of the caller, no way out of the machine."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

LIMIT = 150.0  # seconds
# Whatever an agent wants from elsewhere is refused at once.
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Start:
    """How an agent is started."""

    argv: list[str]
    env: dict[str, str]
    resume: list[str] = field(default_factory=list)  # what a further prompt of the same session begins with


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


class Place:
    """A home and a work folder, gone at the end."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="agent-", ignore_cleanup_errors=True)
        self.home = Path(self._folder.name) / "home"
        self.work = Path(self._folder.name) / "work"
        self.home.mkdir()
        self.work.mkdir()

    def close(self) -> None:
        self._folder.cleanup()


def execute(start: Start, place: Place) -> Ended:
    """Runs an agent to its end, or ends it with all its children when it takes too long."""
    env = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    env |= {"HOME": str(place.home), "TERM": "dumb", "NO_PROXY": "127.0.0.1,localhost"}
    env |= {name: NOWHERE for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")}
    process = subprocess.Popen(
        start.argv,
        env=env | start.env,
        cwd=place.work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=LIMIT)
        return Ended(process.returncode, out, err)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        return Ended(-1, out, f"no end after {LIMIT:.0f} s; {err}")
