"""The matrix: client, upstream, scenario and mode; and how one cell is played."""

from __future__ import annotations

import fnmatch
import json
import secrets
import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from . import judge
from .mock.stage import Facts, Seen, Stage
from .scenarios import SCENARIOS
from .sdks import Client
from .story import Call, Failure, Outcome, Scenario, Turn
from .target import Target


@dataclass
class Cell:
    client: str
    dialect: str
    upstream: str
    scenario: str
    mode: str
    wrong: list[str] = field(default_factory=list)
    skipped: str = ""
    seconds: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.client}@{self.upstream}/{self.scenario}:{self.mode}"

    @property
    def pair(self) -> str:
        return f"{self.dialect} on {self.upstream}"

    def record(self) -> dict[str, Any]:
        return {"name": self.name, **asdict(self)}


def plan(clients: list[type[Client]], target: type[Target]) -> list[Cell]:
    """Every cell, with the reason where one is skipped."""
    cells = []
    for client in clients:
        for dialect, upstream in target.pairs():
            if dialect != client.dialect:
                continue
            for scenario in SCENARIOS.values():
                for mode in scenario.modes:
                    if mode not in client.modes:
                        continue
                    cell = Cell(client.name, dialect, upstream, scenario.name, mode)
                    cell.skipped = _reason(client, upstream, scenario, mode, target)
                    cells.append(cell)
    return cells


def _reason(client: type[Client], upstream: str, scenario: Scenario, mode: str, target: type[Target]) -> str:
    if scenario.act == "count" and not client.counts:
        return "the SDK has no way to count tokens here"
    if scenario.act == "models" and not client.lists:
        return "the SDK has no way to list models here"
    if scenario.act in ("models",) and target.name == "direct":
        return "the mocks have no list of models"
    if scenario.skip and (reason := scenario.skip(client.dialect, upstream)):
        return reason
    name = f"{scenario.name}:{mode}@{upstream}"
    return next((reason for pattern, reason in client.lacks.items() if fnmatch.fnmatch(name, pattern)), "")


def run(cell: Cell, client_class: type[Client], target: Target) -> None:
    """Plays a cell and notes what is wrong."""
    started = time.monotonic()
    scenario = SCENARIOS[cell.scenario]
    model = target.upstream_model(cell.dialect, cell.upstream, newer=scenario.newer)
    facts = Facts(model, target.upstream_key(), target.hidden(), verbatim=cell.dialect == cell.upstream, fit=_formed)
    stage = Stage(scenario.script, facts, secrets.token_hex(6))
    target.mocks.play(cell.upstream, stage)
    try:
        client = client_class(
            target.endpoint(cell.dialect, cell.upstream, newer=scenario.newer), scenario.ask, cell.mode
        )
        try:
            cell.wrong = ACTS[scenario.act](client, scenario, stage, cell)
        finally:
            client.close()
    except Exception as error:
        cell.wrong = [f"{type(error).__name__}: {error}"]
    cell.wrong += target.mocks.stray()
    cell.seconds = round(time.monotonic() - started, 3)


def _formed(turn: Turn, seen: Seen) -> Turn:
    """An answer in a form, as a call where the form is played with a tool of that name."""
    form = seen.reading.tools.get("json")
    if form is None or not turn.text.startswith("{"):
        return turn
    seen.reading.schema = form
    return replace(turn, blocks=(Call("json", json.loads(turn.text)),), stop="tool")


def _talk(client: Client, scenario: Scenario, stage: Stage, cell: Cell) -> list[str]:
    wrong: list[str] = []
    for number, step in enumerate(scenario.script):
        out = client.say()
        turns = stage.turns()
        seen = turns[number] if number < len(turns) else None
        if isinstance(step, Failure):
            wrong += judge.failure(client, cell.upstream, step, out)
        else:
            wrong += [f"answer {number + 1}: {what}" for what in judge.answer(client, cell.upstream, step, out, seen)]
            if wrong:
                break  # a conversation that went astray tells nothing more
            _give(client, scenario, step, out, number)
    return wrong + judge.asked(client, scenario, stage, cell.upstream)


def _give(client: Client, scenario: Scenario, step: Turn, out: Outcome, number: int) -> None:
    if out.calls and number + 1 < len(scenario.script):
        client.give([(call.id, scenario.results[call.name]) for call in out.calls])


def _leave(client: Client, scenario: Scenario, stage: Stage, cell: Cell) -> list[str]:
    client.leave()
    client.close()
    turns = stage.turns()
    if not turns:
        return ["no request came"]
    if not turns[0].done.wait(3):
        return ["the upstream's answer goes on, though nobody listens"]
    return [] if turns[0].dropped else ["the upstream's answer was read to its end"]


def _count(client: Client, scenario: Scenario, stage: Stage, cell: Cell) -> list[str]:
    count = client.count()
    wrong = [f"request: {what}" for seen in stage.seen for what in seen.wrong]
    if stage.seen:
        return wrong + judge.same("tokens", count, 4321)
    # An estimate; the text has some eight tokens, and none of the dialects' counts is far from that.
    return wrong if 3 <= count <= 60 else [f"{count} tokens"]


def _models(client: Client, scenario: Scenario, stage: Stage, cell: Cell) -> list[str]:
    names = client.models()
    return [] if client.endpoint.model in names else [f"models: {names}"]


ACTS = {"talk": _talk, "leave": _leave, "count": _count, "models": _models}
