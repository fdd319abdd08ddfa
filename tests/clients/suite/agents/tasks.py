"""What agents are made to do: scripts of turns for the upstream, and how the work folder has to look afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ..story import Call, Failure, Step, Text, Thinking, Turn, Usage

PROMPT = "Read note.txt, put the shop in order as it says, and tell me the answer that it holds."


@dataclass(frozen=True)
class Task:
    script: tuple[Step, ...]
    files: dict[str, str]  # what has to lie in the work folder at the end
    results: tuple[str, ...]  # what tools' results have to have told the upstream
    compacts: int | None = None  # the step that answers the request for a summary
    ends_with: str = ""  # words with which the agent gives up; its user then asks it to go on


def prepare(work: Path, answer: str) -> None:
    """The folder as the agent finds it."""
    (work / "note.txt").write_text(f"answer: {answer}\nstate: closed\n")


def _final(answer: str) -> Turn:
    return Turn((Text(f"The answer is {answer}."),), usage=Usage(900, 12))


def _call(*blocks: Text | Thinking | Call) -> Turn:
    return Turn(blocks, "tool", Usage(800, 40, reasoning=8 if isinstance(blocks[0], Thinking) else 0))


class Claude:
    """Tools of Claude Code."""

    @staticmethod
    def shell(command: str) -> Call:
        return Call("Bash", {"command": command, "description": "Do what the note says"})

    @classmethod
    def steps(cls, work: Path) -> list[Turn]:
        note = str(work / "note.txt")
        edit = {"file_path": note, "old_string": "state: closed", "new_string": "state: open"}
        return [
            _call(Text("I read the note."), Call("Read", {"file_path": note})),
            _call(Call("Edit", edit)),
            _call(cls.shell("tr a-z A-Z < note.txt > loud.txt && cat loud.txt")),
        ]


class Codex:
    """Tools of Codex with a model that it does not know."""

    @staticmethod
    def shell(command: str) -> Call:
        return Call("exec_command", {"cmd": command})

    @classmethod
    def steps(cls, work: Path) -> list[Turn]:
        return [
            _call(Text("I read the note."), cls.shell("cat note.txt")),
            _call(cls.shell("sed -i 's/state: closed/state: open/' note.txt && echo edited")),
            _call(cls.shell("tr a-z A-Z < note.txt > loud.txt && cat loud.txt")),
        ]


def make(name: str, agent: str, work: Path, answer: str) -> Task:
    """The task of that name for an agent."""
    tools = Codex if agent.startswith("codex") else Claude
    opened = f"answer: {answer}\nstate: open\n"
    whole = {"note.txt": opened, "loud.txt": opened.upper()}
    steps, final = tools.steps(work), _final(answer)
    results = (answer, f"ANSWER: {answer.upper()}")
    if name == "work":
        return Task((*steps, final), whole, results)
    if name == "thinking":
        thoughts = ("The note comes first.", "Now change it.", "A copy is wanted, too.")
        thinking = [_call(Thinking(thought), *step.calls) for thought, step in zip(thoughts, steps, strict=True)]
        return Task((*thinking, replace(final, blocks=(Thinking("All done."), *final.blocks))), whole, results)
    if name == "rate":
        return Task(
            (steps[0], Failure("rate", "Please try again in 1s.", retry_after=1), *steps[1:], final), whole, results
        )
    if name == "broken":
        return Task((steps[0], replace(steps[1], broken="error", intact=2), *steps[1:], final), whole, results)
    return SPECIAL[name](tools, work, answer, final)


def _parallel(tools: type[Claude | Codex], work: Path, answer: str, final: Turn) -> Task:
    both = _call(tools.shell("cat note.txt"), tools.shell("echo one > one.txt; echo first"), tools.shell("echo second"))
    return Task((both, final), {"one.txt": "one\n"}, (answer, "first", "second"))


def _overflow(tools: type[Claude | Codex], work: Path, answer: str, final: Turn) -> Task:
    """The upstream says that the conversation is too long: a summary is asked for, and work goes on. Claude Code does
    so by itself; Codex tells its user, and summarises before it goes on."""
    steps = tools.steps(work)
    summary = Turn((Text(f"<summary>The note was read; its answer is {answer}.</summary>"),))
    # The mock's own vendor words this, see `matrix.overflow`.
    gives_up = "ran out of room in the model's context window" if tools is Codex else ""
    script = (steps[0], Failure("overflow", ""), summary, final)
    return Task(script, {}, (answer,), compacts=2, ends_with=gives_up)


def _full(tools: type[Claude | Codex], work: Path, answer: str, final: Turn) -> Task:
    """The upstream counts so many tokens that the agent summarises by itself."""
    steps = tools.steps(work)
    summary = Turn((Text(f"The note was read; its answer is {answer}."),))
    return Task((replace(steps[0], usage=Usage(99_000, 50)), summary, final), {}, (), compacts=1)


def _patch(tools: type[Claude | Codex], work: Path, answer: str, final: Turn) -> Task:
    patch = "*** Begin Patch\n*** Update File: note.txt\n@@\n-state: closed\n+state: open\n*** End Patch\n"
    steps = tools.steps(work)
    script = (steps[0], _call(Text("I change it."), Call("apply_patch", freeform=patch)), steps[2], final)
    opened = f"answer: {answer}\nstate: open\n"
    return Task(script, {"note.txt": opened, "loud.txt": opened.upper()}, (answer, f"ANSWER: {answer.upper()}"))


def _script(tools: type[Claude | Codex], work: Path, answer: str, final: Turn) -> Task:
    def run(command: str) -> Turn:
        source = f'const done = await tools.exec_command({{cmd: "{command}"}});\ntext(done.output);'
        return _call(Text("I run it."), Call("exec", freeform=source))

    script = (
        run("cat note.txt"),
        run("sed -i 's/state: closed/state: open/' note.txt && echo edited"),
        run("tr a-z A-Z < note.txt > loud.txt && cat loud.txt"),
        final,
    )
    opened = f"answer: {answer}\nstate: open\n"
    return Task(script, {"note.txt": opened, "loud.txt": opened.upper()}, (answer, f"ANSWER: {answer.upper()}"))


SPECIAL: dict[str, Callable[[type[Claude | Codex], Path, str, Turn], Task]] = {
    "parallel": _parallel,
    "overflow": _overflow,
    "full": _full,
    "patch": _patch,
    "script": _script,
}
