"""Cells are played side by side in lanes. A lane has its own upstreams and its own proxy, and plays one cell at a
time, so that whatever its upstreams see belongs to that cell."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable

from .cells import Cell
from .mock.server import Mocks
from .target import Keys, Target

Play = Callable[[Cell, Target], None]


def play(cells: list[Cell], lanes: int, make: Callable[[Mocks, Keys], Target], one: Play) -> list[str]:
    """Plays all cells that are not skipped; gives what went wrong besides them."""
    waiting: queue.SimpleQueue[Cell] = queue.SimpleQueue()
    todo = [cell for cell in cells if not cell.skipped]
    for cell in todo:
        waiting.put(cell)
    besides: list[str] = []

    def lane() -> None:
        mocks = Mocks()
        try:
            target = make(mocks, Keys.fresh())
            try:
                while True:
                    try:
                        cell = waiting.get_nowait()
                    except queue.Empty:
                        break
                    one(cell, target)
                    sys.stderr.write("F" if cell.wrong else ".")
                    sys.stderr.flush()
            finally:
                besides.extend(target.close())
        except Exception as error:
            besides.append(f"a lane broke: {type(error).__name__}: {error}")
        finally:
            mocks.close()

    threads = [threading.Thread(target=lane) for _ in range(min(lanes, len(todo)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stderr.write("\n")
    return besides
