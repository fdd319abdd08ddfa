"""Scores by client and by pair, what failed, and what was skipped."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from .cells import Cell


def show(cells: list[Cell], besides: list[str], seconds: float) -> bool:
    """Prints everything; tells whether all is well."""
    played = [cell for cell in cells if not cell.skipped]
    failed = [cell for cell in played if cell.wrong]
    for cell in failed:
        print(f"FAILED {cell.name}")
        for what in cell.wrong[:8]:
            print(f"    {what}")
    skipped = defaultdict(list)
    for cell in cells:
        if cell.skipped:
            skipped[cell.skipped].append(cell.name)
    for reason, names in skipped.items():
        print(f"skipped, {reason}:")
        print(f"    {' '.join(names)}")
    _table("client", played, lambda cell: cell.client)
    _table("pair", played, lambda cell: cell.pair)
    for what in besides:
        print(f"FAILED {what}")
    good = len(played) - len(failed)
    print(f"\n{good} of {len(played)} cells passed, {len(cells) - len(played)} skipped, {seconds:.0f} s")
    return bool(played) and not failed and not besides


def _table(title: str, cells: list[Cell], key: Callable[[Cell], str]) -> None:
    groups: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[key(cell)].append(cell)
    print(f"\nby {title}")
    for name, group in groups.items():
        good = sum(not cell.wrong for cell in group)
        print(f"    {name:<40} {good:>4} of {len(group):<4}{'' if good == len(group) else '  <-'}")


def write(cells: list[Cell], besides: list[str], file: Path) -> None:
    """Everything as JSON."""
    file.write_text(json.dumps({"cells": [cell.record() for cell in cells], "besides": besides}, indent=1) + "\n")
