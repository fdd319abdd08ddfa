"""Whether a client saw what the upstream said, and the upstream what the client asked."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from .mock.base import OUTAGE
from .mock.stage import Reading, Seen, Stage
from .sdks.base import Client
from .story import CLAUDE_FAMILY, Failure, Outcome, Scenario, Text, Turn

LATENCY = 0.5  # seconds that a fragment may take

# The status that a client of a dialect gets for each kind of failure.
STATUSES = {
    "openai-chat": {"invalid": 400, "auth": 401, "missing": 404, "rate": 429, "server": 500, "overloaded": 503},
    "claude": {"invalid": 400, "auth": 401, "missing": 404, "rate": 429, "server": 500, "overloaded": 529},
    "bedrock": {"invalid": 400, "auth": 403, "missing": 404, "rate": 429, "server": 500, "overloaded": 503},
}
STATUSES["openai-responses"] = STATUSES["openai-chat"]
# What the SDK raises for it.
OPENAI_CLASSES = {
    "invalid": "BadRequestError",
    "auth": "AuthenticationError",
    "missing": "NotFoundError",
    "rate": "RateLimitError",
    "server": "InternalServerError",
    "overloaded": "InternalServerError",
    "overflow": "BadRequestError",
}
CLASSES = {
    "openai-chat": OPENAI_CLASSES,
    "openai-responses": OPENAI_CLASSES,
    "anthropic": {**OPENAI_CLASSES, "overloaded": "OverloadedError"},
    "anthropic-bedrock": {**OPENAI_CLASSES, "auth": "PermissionDeniedError", "overloaded": "ServiceUnavailableError"},
    "boto3": {
        "invalid": "ValidationException",
        "auth": "AccessDeniedException UnrecognizedClientException",
        "missing": "ResourceNotFoundException",
        "rate": "ThrottlingException",
        "server": "InternalServerException",
        "overloaded": "ServiceUnavailableException",
        "overflow": "ValidationException",
    },
}


def same(what: str, got: Any, wanted: Any) -> list[str]:
    return [] if got == wanted else [f"{what}: {_short(got)} in place of {_short(wanted)}"]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 160 else text[:120] + "…" + text[-30:]


def answer(client: Client, upstream: str, turn: Turn, out: Outcome, seen: Seen | None) -> list[str]:
    """One answer against what was played."""
    if turn.broken:
        return broken(turn, out, client)
    if out.trouble:
        return [f"raised {out.trouble}"]
    if turn.until:
        turn = replace(turn, blocks=(Text(turn.text.partition(turn.until)[0]),), stop="stop_sequence")
    wrong = list(out.complaints)
    # Where the bytes of an answer are kept, so is the name that the upstream gave its model.
    family = {client.dialect, upstream} <= set(CLAUDE_FAMILY) or client.dialect == upstream
    wrong += [] if family else same("model", out.model, client.endpoint.model)
    refused = turn.stop == "refusal"
    if refused:
        said = out.refusal or out.text
        wrong += same("refusal", said, turn.blocks[0].text)  # type: ignore[union-attr]
    elif not client.ask.schema:  # else what is parsed of it counts
        wrong += same("text", out.text, turn.text)
    if turn.thoughts and client.shows_thoughts:
        wrong += same("thoughts", out.thoughts, "".join(turn.thoughts))
    calls = [(call.name, call.arguments) for call in out.calls]
    wrong += same("calls", calls, [(call.tool, call.arguments) for call in turn.calls])
    if len({call.id for call in out.calls}) != len(calls) or not all(call.id for call in out.calls):
        wrong.append("identifiers of calls are missing or not unique")
    wrong += same("stop", out.stop, _stop(turn, client, upstream))
    if not turn.until:  # who breaks an answer off is not told what it cost
        wrong += same("tokens", vars(out.usage), {n: getattr(turn.usage, n) for n in vars(out.usage)})
    if client.ask.schema:
        wrong += same("parsed", out.parsed, json.loads(turn.text))
    if client.mode != "create" and out.arrivals and not refused and not client.ask.schema:
        wrong += same("fragments", "".join(text for _, text in out.arrivals), turn.text)
    if turn.pause and seen is not None:
        wrong += late(out, seen)
    return wrong


def _stop(turn: Turn, client: Client, upstream: str) -> str:
    # OpenAI's dialects do not tell.
    known = client.dialect in CLAUDE_FAMILY and (upstream in CLAUDE_FAMILY or turn.until)
    told = client.tells_stop_sequences and known
    return "end" if turn.stop == "stop_sequence" and not told else turn.stop


def late(out: Outcome, seen: Seen) -> list[str]:
    """Fragments that took too long from the upstream to the client."""
    wrong, at, length, received = [], 0, 0, 0
    arrivals = out.arrivals
    for sent, text in seen.sent:
        length += len(text)
        while at < len(arrivals) and received < length:
            received += len(arrivals[at][1])
            at += 1
        if received < length:
            wrong.append(f"{length - received} characters never came")
            break
        delay = arrivals[at - 1][0] - sent
        if delay > LATENCY:
            wrong.append(f"a fragment took {delay:.2f} s")
    return wrong if arrivals else ["no fragments came"]


def broken(turn: Turn, out: Outcome, client: Client) -> list[str]:
    """A stream that breaks is an error, and what came before it is not lost."""
    if out.trouble is None:
        return ["a broken answer passed for a good one"]
    wrong = []
    if turn.broken == "error" and client.mode not in client.mute and OUTAGE not in out.trouble.message:
        wrong.append(f"the upstream's words are lost: {out.trouble}")
    if client.mode == "stream" and turn.calls == [] and not turn.text.startswith(out.text or "\0"):
        wrong.append(f"what came before the break: {out.text!r}")
    return wrong


def failure(client: Client, upstream: str, step: Failure, out: Outcome) -> list[str]:
    """An error status with its class, its words and its retry-after."""
    trouble = out.trouble
    if trouble is None:
        return [f"no error, but {out}"]
    wrong = []
    if step.kind != "overflow":
        wrong += same("status", trouble.status, STATUSES[client.dialect][step.kind])
    else:
        wrong += same("status", trouble.status, 400)
        told = {"openai-chat": "context_length_exceeded", "openai-responses": "context_length_exceeded"}
        if client.dialect in told and told[client.dialect] not in trouble.message + trouble.kind:
            wrong += [] if "too long" in trouble.message else [f"an overflow that none will know: {trouble}"]
        elif client.dialect in CLAUDE_FAMILY and "prompt is too long" not in trouble.message:
            wrong.append(f"an overflow that none will know: {trouble}")
    classes = CLASSES.get(client.name)
    if classes and trouble.kind not in classes[step.kind].split():
        wrong.append(f"class {trouble.kind} in place of {classes[step.kind]}")
    if step.message not in trouble.message and step.kind != "overflow":
        wrong.append(f"the upstream's words are lost: {trouble.message!r}")
    if step.retry_after is not None:
        wrong += same("retry-after", trouble.retry_after, str(step.retry_after))
    return wrong


def asked(client: Client, scenario: Scenario, stage: Stage, upstream: str) -> list[str]:
    """The upstream's requests: sound, and what the client meant."""
    wrong = []
    for number, seen in enumerate(stage.seen, 1):
        wrong += [f"request {number}: {what}" for what in dict.fromkeys(seen.wrong)]
    turns = stage.turns()
    if len(turns) != len(scenario.script):
        wrong.append(f"{len(turns)} requests for a script of {len(scenario.script)}")
    for seen in turns:
        where = f"request {seen.index + 1}: "
        wrong += [where + what for what in _meaning(client, scenario, seen.reading, upstream)]
        wrong += [where + what for what in _history(scenario, stage, seen, upstream)]
    return wrong


def _meaning(client: Client, scenario: Scenario, read: Reading, upstream: str) -> list[str]:
    ask, wrong = scenario.ask, []
    wrong += same("system", "\n".join(read.system), ask.system) if ask.system else []
    users = [said for said in read.said if said.role == "user" and said.texts]
    if not users or users[0].texts != [ask.prompt]:
        wrong.append(f"the prompt arrived as {users and users[0].texts}")
    if ask.image and not any(said.images for said in read.said):
        wrong.append("the picture did not arrive")
    tools = {tool.name: tool.schema for tool in ask.tools}
    if set(tools) != {name for name in read.tools if name != "json" or not ask.schema}:
        wrong.append(f"the tools arrived as {sorted(read.tools)}")
    for name, schema in tools.items():
        got = read.tools.get(name) or {}
        wrong += same(f"parameters of {name}", got.get("properties"), schema["properties"])
    if ask.choice and ask.choice != "auto":
        wrong += same("tool choice", read.choice, ask.choice)
    wrong += same("token limit", read.limit, client.limit())
    if ask.schema:
        properties = (read.schema or {}).get("properties") or {}
        wrong += same("form of the answer", sorted(properties), sorted(ask.schema["properties"]))
    if ask.think:
        wrong += same("thinking", read.thinks, True)
    if ask.stop and upstream != "openai-responses" and not scenario.newer:
        wrong += same("stop sequences", read.stop, list(ask.stop))
    return wrong


def _history(scenario: Scenario, stage: Stage, seen: Seen, upstream: str) -> list[str]:
    """Earlier answers, the results of their tools and their reasoning state, back at the upstream."""
    earlier, wrong = stage.earlier(seen.index), []
    calls = [call for turn in earlier for call in turn.calls]
    got = [(name, arguments) for said in seen.reading.said for _, name, arguments in said.calls]
    wrong += same("calls in the history", got, [(call.tool, call.arguments) for call in calls])
    results = [text for _, text in seen.reading.results()]
    wrong += same("results in the history", results, [scenario.results[call.tool] for call in calls])
    thoughts = [text for turn in earlier for text in turn.thoughts]
    if upstream == "openai-chat":
        wrong += same("reasoning in the history", seen.reading.seals(), thoughts)
    else:
        wrong += same("thoughts in the history", [stage.seals.get(seal) for seal in seen.reading.seals()], thoughts)
    return wrong
