"""Whether the suite can be trusted: clients straight at the mocks pass everything, and every fault of a relay is
noticed by the cells that are about it."""

from __future__ import annotations

import fnmatch
import time

from . import cells, lanes, report
from .relay import Relay
from .sdks import AI_SDK, CLIENTS, CORE
from .target import Target

# Faults, and the cells that have to fail for each; at least one cell fits every pattern.
FAULTS: dict[str, tuple[str, ...]] = {
    "drops signatures": ("anthropic@claude/thinking-loop:*", "openai-responses@*/thinking-loop:*"),
    "renumbers events": ("openai-responses@*/text:stream",),
    "loses retry-after": ("*/error-rate:*",),
    "has one status for all errors": ("*/error-overloaded:*", "*/error-invalid:create"),
    "counts wrongly": ("openai-*/text:create", "anthropic*/text:create", "boto3*/cached-usage:create"),
    "collects streams": ("*/slow-stream:stream",),
    "reads on for nobody": ("*/client-leaves:stream",),
    "ends broken streams well": ("anthropic@*/cut-midway:stream",),
    "loses the last event": ("anthropic@*/text:stream", "openai-responses@*/text:stream"),
    "splits at U+2028": ("openai-chat@*/unicode:stream", "anthropic@*/unicode:create"),
    "breaks checksums": ("boto3@*/text:stream", "anthropic-bedrock@*/tool-call:stream"),
    "puts all calls under one index": ("openai-chat@*/parallel-tools:stream",),
    "loses a tool": ("*/tool-call:create",),
    "swaps results": ("*/parallel-tools:create",),
    "adds a member": ("*/text:create",),
    "passes the client's key on": ("*/text:create",),
    "asks twice": ("*/text:create",),
}


def run(count: int) -> int:
    """Prints what was found; the exit code."""
    started = time.monotonic()
    direct = cells.plan([*CORE, *AI_SDK], Target)
    besides = lanes.play(direct, count, Target, _one)
    good = report.show(direct, besides, time.monotonic() - started)
    print("\nfaults")
    for fault in ("", *FAULTS):
        good &= _fault(fault, count)
    return 0 if good else 1


def _fault(fault: str, count: int) -> bool:
    patterns = FAULTS.get(fault) or tuple({pattern for patterns in FAULTS.values() for pattern in patterns})
    todo = [
        cell
        for cell in cells.plan([*CORE], Relay)
        if not cell.skipped and any(fnmatch.fnmatch(cell.name, pattern) for pattern in patterns)
    ]
    unused = [p for p in patterns if not any(fnmatch.fnmatch(cell.name, p) for cell in todo)]
    besides = lanes.play(todo, count, lambda mocks, keys: Relay(mocks, keys, fault), _one)
    amiss = [cell for cell in todo if bool(cell.wrong) != bool(fault)]
    good = bool(todo) and not amiss and not besides and not unused
    print(
        f"    {fault or 'none':<36} {len(todo) - len(amiss):>3} of {len(todo):<3} cells {'fail' if fault else 'pass'}"
    )
    for cell in amiss:
        print(f"FAILED {cell.name} {cell.wrong if not fault else 'does not notice'}")
    for what in [*besides, *(f"no cell fits {pattern}" for pattern in unused)]:
        print(f"FAILED {what}")
    return good


def _one(cell: cells.Cell, target: Target) -> None:
    cells.run(cell, CLIENTS[cell.client], target)
