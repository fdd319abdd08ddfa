"""`python -m suite`: what `cargo xtask clients` starts."""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
import time
from pathlib import Path

from . import cells, lanes, report, selftest
from .agents import matrix
from .mock import schema
from .mock.server import Mocks
from .sdks import AI_SDK, CLIENTS, CORE, ai_sdk
from .target import Keys, Proxy, Target


def main() -> int:
    parser = argparse.ArgumentParser(prog="suite", description=__doc__)
    parser.add_argument("--proxy", type=Path, help="the program under test; without it clients speak to the mocks")
    parser.add_argument("--cache", type=Path, required=True, help="where clients and schemas are installed")
    parser.add_argument("--all", action="store_true", help="the AI SDK too")
    parser.add_argument("--agents", action="store_true", help="the coding agents too")
    parser.add_argument("--self-test", action="store_true", help="does the suite notice what is wrong?")
    parser.add_argument("--only", action="append", metavar="PATTERN", help="CLIENT@UPSTREAM/SCENARIO:MODE")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every cell there")
    parser.add_argument("--lanes", type=int, default=min(4, 1 + (os.cpu_count() or 1)))
    options = parser.parse_args()
    schema.use(options.cache / "schemas")
    ai_sdk.use(options.cache / "node-sdk")
    _forget_settings()
    started = time.monotonic()

    def make(mocks: Mocks, keys: Keys) -> Target:
        return Proxy(mocks, keys, options.proxy.resolve()) if options.proxy else Target(mocks, keys)

    if options.self_test:
        return selftest.run(options.lanes)
    target = Proxy if options.proxy else Target
    todo = cells.plan([*CORE, *(AI_SDK if options.all else ())], target)
    if options.agents:
        todo += matrix.plan(target)
    if options.only:
        wanted = [pattern if "@" in pattern else f"*{pattern}*" for pattern in options.only]
        todo = [cell for cell in todo if any(fnmatch.fnmatch(cell.name, pattern) for pattern in wanted)]

    def one(cell: cells.Cell, target: Target) -> None:
        if cell.mode == "agent":
            matrix.run(cell, target, options.cache)
        else:
            cells.run(cell, CLIENTS[cell.client], target)

    besides = lanes.play(todo, options.lanes, make, one)
    if options.json:
        report.write(todo, besides, options.json)
    return 0 if report.show(todo, besides, time.monotonic() - started) else 1


def _forget_settings() -> None:
    """No key, profile or proxy of the caller reaches a client."""
    kept = {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH"}
    for name in set(os.environ) - kept:
        del os.environ[name]
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


if __name__ == "__main__":
    sys.exit(main())
