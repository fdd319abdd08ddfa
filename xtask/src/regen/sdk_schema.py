"""Prints the JSON Schema of the request, response and event types of a Python SDK.

Argument: a JSON object that maps root names to "module:Name". Output: one JSON Schema whose `definitions` contain every
reachable type with its pydantic name, and `Root<name>` for each root.
"""

import importlib
import json
import pkgutil
import sys
import types
import typing

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

PREFIX = "#/definitions/"


class Generator(GenerateJsonSchema):
    """Marks every object as a model (response type) or a TypedDict (request type), and collects the classes."""

    classes = set()

    def typed_dict_schema(self, schema):
        self.classes.add(schema["cls"])
        return super().typed_dict_schema(schema) | {"x-kind": "params"}

    def model_schema(self, schema):
        self.classes.add(schema["cls"])
        return super().model_schema(schema) | {"x-kind": "model"}


def load(path):
    module, name = path.split(":")
    return getattr(importlib.import_module(module), name)


def is_ref(schema):
    return set(schema) == {"$ref"}


def target(schema):
    return schema["$ref"].removeprefix(PREFIX)


def walk(schema, visit):
    """Calls `visit` on every subschema, children first."""
    if isinstance(schema, dict):
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                walk(schema[key], visit)
        for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
            for member in schema.get(key, []):
                walk(member, visit)
        for member in schema.get("properties", {}).values():
            walk(member, visit)
        visit(schema)


def replace(schema, members):
    """Replaces the members of a union. A union of one member becomes this member."""
    if len(members) == 1:
        schema.clear()
        schema.update(members[0])
    else:
        schema["anyOf"] = members


def any_of(schema):
    """Replaces `oneOf`, which pydantic writes for a discriminator, by `anyOf`. The constants of the members suffice."""
    if "oneOf" in schema:
        schema["anyOf"] = schema.pop("oneOf")
        schema.pop("discriminator", None)


def drop_foreign(definitions):
    """Removes response models and local files from requests. The SDK accepts them but never sends them."""

    def visit(schema):
        members = schema.get("anyOf")
        if members is None:
            return
        kinds = [definitions[target(m)].get("x-kind") if is_ref(m) else None for m in members]
        kept = [
            member
            for member, kind in zip(members, kinds)
            if member.get("format") not in ("path", "binary") and not (kind == "model" and "params" in kinds)
        ]
        if len(kept) != len(members):
            replace(schema, kept)

    for definition in definitions.values():
        if definition.get("x-kind") == "params":
            walk(definition, visit)


def bare(annotation):
    while typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    return annotation


def union_classes(annotation):
    """The classes of a union of classes, or None for anything else."""
    annotation = bare(annotation)
    if typing.get_origin(annotation) not in (typing.Union, types.UnionType):
        return None
    classes = set()
    for member in map(bare, typing.get_args(annotation)):
        nested = {member} if isinstance(member, type) else union_classes(member)
        if nested is None:
            return None
        classes |= nested
    return classes


def exported_unions(roots):
    """Yields the unions that the SDK's packages export, with their names. Packages near the roots come first.

    Modules come last, because a module may contain a copy of a union that the package of the roots exports.
    """
    home = roots["Request"].split(":")[0].rpartition(".")[0]
    tree = importlib.import_module(home.split(".")[0] + ".types")
    found = list(pkgutil.walk_packages(tree.__path__, tree.__name__ + "."))
    packages = [tree.__name__] + [module.name for module in found if module.ispkg]
    packages.sort(key=lambda name: (name != home, not home.startswith(name), name))
    exported = set()
    for package in packages:
        for name, value in sorted(vars(importlib.import_module(package)).items()):
            if classes := union_classes(value):
                if package == home:
                    exported.add(name)
                yield name, classes
    for module in sorted({cls.__module__ for cls in Generator.classes}):
        for name, value in sorted(vars(sys.modules[module]).items()):
            if name in exported and (classes := union_classes(value)):
                yield name, classes


def restore_unions(definitions, roots):
    """Returns a visitor that restores union names. pydantic replaces a named union by its members at each use."""
    by_class = {}
    for cls in Generator.classes:
        path = f"{cls.__module__}.{cls.__qualname__}".replace(".", "__")
        by_class[cls] = path if path in definitions else cls.__qualname__
    names = {}
    for name, classes in exported_unions(roots):
        members = frozenset(by_class.get(cls) for cls in classes)
        if None in members:
            continue
        params = frozenset(m for m in members if definitions[m]["x-kind"] == "params")
        members = params or members
        if params and (name in definitions or name in names.values()):
            name += "Param"
        if len(members) > 1 and name not in definitions and name not in names.values():
            names.setdefault(members, name)

    def visit(schema):
        members = schema.get("anyOf", [])
        refs = [member for member in members if is_ref(member)]
        rest = [member for member in members if not is_ref(member)]
        name = names.get(frozenset(map(target, refs)))
        # A union keeps its name if the only other member is null.
        if name and all(member == {"type": "null"} for member in rest):
            definitions[name] = {"anyOf": refs}
            replace(schema, [{"$ref": PREFIX + name}] + rest)

    return visit


def main():
    roots = json.loads(sys.argv[1])
    inputs = [(name, "validation", TypeAdapter(load(path))) for name, path in roots.items()]
    schemas, generated = TypeAdapter.json_schemas(inputs, schema_generator=Generator, ref_template=PREFIX + "{model}")
    definitions = generated["$defs"]
    schemas = {"Root" + name: schema for (name, _), schema in schemas.items()}
    for schema in [*definitions.values(), *schemas.values()]:
        walk(schema, any_of)
    drop_foreign(definitions)
    visit = restore_unions(definitions, roots)
    for schema in [*definitions.values(), *schemas.values()]:
        walk(schema, visit)
    json.dump({"definitions": definitions | schemas}, sys.stdout)


main()
