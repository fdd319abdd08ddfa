"""Bodies held to the vendors' schemas.

The files are the schemas of `specs/` with their overlays applied, written by `cargo xtask clients`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators

FOLDER = Path()


def use(folder: Path) -> None:
    """Says where the schemas lie."""
    global FOLDER
    FOLDER = folder


def problems(dialect: str, root: str, document: Any) -> list[str]:
    """What is wrong with a document, members that the vendor does not know included."""
    found = []
    for error in _validator(dialect, root).iter_errors(document):
        place = "/".join(str(part) for part in error.absolute_path)
        found.append(f"schema: {place or 'body'}: {error.message[:200]}")
    return found


@functools.cache
def _validator(dialect: str, root: str) -> Any:
    spec = json.loads((FOLDER / f"{dialect}.json").read_text())
    _close(spec["$defs"])
    schema = {"$ref": f"#/$defs/{spec['roots'][root]}", "$defs": spec["$defs"]}
    kind = validators.extend(Draft202012Validator, {"anyOf": _any_of, "oneOf": _any_of})
    return kind(schema)


def _close(schema: Any) -> None:
    """Lets an object have no members but those that are described, unless the vendor says otherwise."""
    if isinstance(schema, list):
        for item in schema:
            _close(item)
    elif isinstance(schema, dict):
        described = isinstance(schema.get("properties"), dict) and not isinstance(schema.get("type"), dict)
        if described:
            schema.setdefault("additionalProperties", False)
        for item in schema.values():
            _close(item)


def _any_of(validator: Any, variants: list[Any], instance: Any, schema: Any) -> Iterator[ValidationError]:
    """A union, of which only the variants with the instance's own tag are looked at: quick, and errors that tell."""
    fitting = [variant for variant in variants if _fits(validator, variant, instance)]
    failures = []
    for variant in fitting:
        errors = list(validator.descend(instance, variant))
        if not errors:
            return
        failures.append(errors)
    if not failures:
        yield ValidationError(f"no variant fits {json.dumps(instance)[:120]}")
        return
    yield from min(failures, key=lambda errors: (-max(len(error.path) for error in errors), len(errors)))


def _fits(validator: Any, variant: Any, instance: Any) -> bool:
    while isinstance(variant, dict) and "$ref" in variant:
        variant = validator._resolver.lookup(variant["$ref"]).contents
    if not isinstance(variant, dict):
        return True
    kind = variant.get("type")
    names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    if isinstance(kind, str) and type(instance) in names and kind != names[type(instance)]:
        return False
    if not isinstance(instance, dict):
        return True
    for tag in ("type", "role"):
        rule = variant.get("properties", {}).get(tag)
        if not isinstance(rule, dict) or tag not in instance:
            continue
        allowed = [rule["const"]] if "const" in rule else rule.get("enum")
        if allowed is not None and instance[tag] not in allowed:
            return False
    return True
