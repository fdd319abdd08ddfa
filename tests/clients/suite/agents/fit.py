"""Calls of agents' tools as an upstream would make them, given the tools that it was offered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..mock.stage import Seen
from ..story import Call, Turn


def fit(turn: Turn, seen: Seen) -> Turn:
    """The turn with its calls spelled for this request."""
    blocks = tuple(_fit(block, seen) if isinstance(block, Call) else block for block in turn.blocks)
    return replace(turn, blocks=blocks)


def _fit(call: Call, seen: Seen) -> Call:
    offered = _offered(seen.body)
    for name, namespace, schema in offered:
        if name != call.tool and not name.endswith(f"_{call.tool}"):
            continue
        if call.freeform is None or schema is None:
            return replace(call, tool=name, namespace=namespace)
        properties = list(schema.get("properties", {}))
        if len(properties) != 1:
            seen.wrong.append(f"the freeform tool {name} has the parameters {properties}")
            break
        return Call(name, {properties[0]: call.freeform}, namespace=namespace)
    else:
        seen.wrong.append(f"no tool {call.tool} is on offer: {[name for name, _, _ in offered]}")
    return call


def _offered(body: dict[str, Any]) -> list[tuple[str, str | None, dict[str, Any] | None]]:
    """Name, namespace and schema of every tool; no schema for a freeform one."""
    items = body.get("input")
    lists = [body.get("tools") or []]
    if isinstance(items, list):
        lists += [item["tools"] for item in items if item.get("type") == "additional_tools"]
    found = []
    for tool in (tool for tools in lists for tool in tools):
        if tool.get("type") == "namespace":
            found += [(one["name"], tool["name"], _schema(one)) for one in tool["tools"] if "name" in one]
        elif "function" in tool:
            found.append((tool["function"]["name"], None, tool["function"].get("parameters", {})))
        elif "name" in tool:
            found.append((tool["name"], None, _schema(tool)))
    return found


def _schema(tool: dict[str, Any]) -> dict[str, Any] | None:
    if tool.get("type") == "custom" and "input_schema" not in tool:
        return None
    return tool.get("parameters") or tool.get("input_schema") or {}
