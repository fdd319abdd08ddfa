"""Agents on every upstream: planning, playing and judging."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from pathlib import Path

from ..cells import Cell
from ..mock.stage import Facts, Seen, Stage
from ..story import CLAUDE_FAMILY, Failure, Step
from ..target import Target
from . import tasks
from .fit import fit
from .kinds import AGENTS, Agent
from .run import Ended, Place, execute

# How each vendor says that a conversation is too long.
OVERFLOW = {
    "claude": "prompt is too long: 214033 tokens > 200000 maximum",
    "bedrock": "Input is too long for requested model.",
    "openai-chat": "This model's maximum context length is 128000 tokens. However, your messages resulted in 214033.",
    "openai-responses": "Your input exceeds the context window of this model. Please adjust your input and try again.",
}


def plan(target: type[Target]) -> list[Cell]:
    """Every agent and task on every upstream."""
    return [
        Cell(agent.name, agent.dialect, upstream, task, "agent")
        for agent in AGENTS
        for dialect, upstream in target.pairs()
        if dialect == agent.dialect
        for task in agent.tasks
    ]


def run(cell: Cell, target: Target, cache: Path) -> None:
    """Plays a cell and notes what is wrong."""
    started = time.monotonic()
    agent = next(agent for agent in AGENTS if agent.name == cell.client)
    place, answer = Place(), f"kq{secrets.token_hex(4)}"
    try:
        tasks.prepare(place.work, answer)
        task = tasks.make(cell.scenario, agent.name, place.work, answer)
        script = tuple(_worded(step, cell.upstream) for step in task.script)
        stage = Stage(script, _facts(cell, agent, target), secrets.token_hex(6))
        target.mocks.play(cell.upstream, stage)
        endpoint = target.endpoint(cell.dialect, cell.upstream, agent.model, agent.signed)
        binaries = cache.resolve() / "node-agents/node_modules/.bin"
        start = agent.start(endpoint, place, binaries, tasks.PROMPT)
        ended = execute(start, place)
        if task.ends_with:
            first, ended = ended, execute(replace(start, argv=[*start.resume, "Go on, please."]), place)
            if first.code == 0 or task.ends_with not in first.out:
                cell.wrong.append(f"it does not tell of the overflow: {first.out[-300:]!r}")
        cell.wrong += _judge(task, stage, ended, place, answer)
    except Exception as error:
        cell.wrong += [f"{type(error).__name__}: {error}"]
    finally:
        place.close()
    cell.wrong += target.mocks.stray()
    cell.seconds = round(time.monotonic() - started, 3)


def _worded(step: Step, upstream: str) -> Step:
    if isinstance(step, Failure) and step.kind == "overflow":
        return replace(step, message=OVERFLOW[upstream])
    return step


def _facts(cell: Cell, agent: Agent, target: Target) -> Facts:
    # Where bytes pass as they are, agents send their own vendor more than its SDK's types have.
    family = {cell.dialect, cell.upstream} <= set(CLAUDE_FAMILY) or cell.dialect == cell.upstream
    model = target.upstream_model(cell.dialect, cell.upstream, agent.model)
    verbatim = cell.dialect == cell.upstream
    return Facts(model, target.upstream_key(), target.hidden(), verbatim, strict=not family, fit=fit)


def _judge(task: tasks.Task, stage: Stage, ended: Ended, place: Place, answer: str) -> list[str]:
    wrong = []
    if ended.code != 0:
        wrong.append(f"it ended with code {ended.code}: {(ended.err or ended.out)[-400:]!r}")
    if f"The answer is {answer}." not in ended.out:
        wrong.append(f"the answer is not in its output: {ended.out[-300:]!r}")
    for name, wanted in task.files.items():
        file = place.work / name
        got = file.read_text() if file.exists() else None
        if got != wanted:
            wrong.append(f"{name} holds {got!r}")
    turns = stage.turns()
    if len(turns) != len(task.script):
        wrong.append(f"{len(turns)} requests for a script of {len(task.script)}")
    for seen in stage.seen:
        wrong += [f"request {seen.index + 1}: {what}" for what in dict.fromkeys(seen.wrong)]
    results = [text for seen in turns for _, text in seen.reading.results()]
    wrong += [f"no result told the upstream {part!r}" for part in task.results if not any(part in r for r in results)]
    if task.compacts is not None and len(turns) > task.compacts:
        wrong += _compacted(turns[task.compacts])
    return wrong + _thoughts(stage, turns)


def _compacted(seen: Seen) -> list[str]:
    """Whether a request asks for a summary."""
    last = " ".join(text for said in seen.reading.said[-2:] for text in said.texts).lower()
    return [] if "summar" in last or "handoff" in last else [f"no request for a summary: …{last[-200:]!r}"]


def _thoughts(stage: Stage, turns: list[Seen]) -> list[str]:
    """Sealed reasoning of the turns that called tools, back at the vendor that sealed it."""
    if not stage.seals or not turns:
        return []
    last = set(turns[-1].reading.seals())
    wanted = [text for turn in stage.earlier(turns[-1].index) for text in turn.thoughts if turn.calls]
    got = [stage.seals.get(seal) for seal in last]
    return [f"the thought {text!r} did not come back" for text in wanted if text not in got]


__all__ = ["plan", "run"]
