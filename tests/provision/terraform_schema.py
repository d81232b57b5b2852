"""What a configuration says that Terraform's providers, as they were looked up, do not know."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

_SCHEMA: Final = json.loads(
    (Path(__file__).parents[1] / "vectors" / "terraform" / "schema.json").read_text()
)
# Of every resource, whatever its provider.
_META: Final = frozenset({"depends_on", "lifecycle"})
_EXPRESSION: Final = re.compile(r"(?<!\$)\$\{([^}]*)\}")


def breaches(configuration: Mapping[str, Any]) -> Iterator[str]:
    """Name every argument, block and attribute that is not as the providers have it."""
    for kind, named in configuration["resource"].items():
        if kind not in _SCHEMA:
            yield f"{kind} is no resource"
            continue
        arguments = _SCHEMA[kind]["arguments"]
        for body in named.values():
            own = {name: each for name, each in body.items() if name not in _META}
            yield from _block(kind, arguments, own)
            for name in _ignored(body):
                if name not in {each.rstrip("!") for each in arguments} | {"version_stages"}:
                    yield f"{kind}.{name} cannot be ignored"
    for expression in _EXPRESSION.findall(json.dumps(configuration)):
        yield from _expression(expression)


def _block(where: str, schema: Mapping[str, Any], body: object) -> Iterator[str]:
    if not isinstance(body, Mapping):
        yield f"{where} is a block"
        return
    known = {name.rstrip("!"): each for name, each in schema.items()}
    for name, value in body.items():
        if name in known:
            yield from _argument(f"{where}.{name}", known[name], value)
        else:
            yield f"{where}.{name} is unknown"
    required = {name.rstrip("!") for name in schema if name.endswith("!")}
    yield from (f"{where}.{name} is missing" for name in required - body.keys())


def _argument(where: str, schema: Any, value: Any) -> Iterator[str]:
    if isinstance(schema, str):
        if not _fits(schema, value):
            yield f"{where} is no {schema}"
        return
    blocks = value if isinstance(value, list) else [value]
    if isinstance(schema, Mapping) and len(blocks) != 1:
        yield f"{where} is there {len(blocks)} times"
    inner = schema if isinstance(schema, Mapping) else schema[0]
    for each in blocks:
        yield from _block(where, inner, each)


def _fits(kind: str, value: object) -> bool:
    if kind == "strings":
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    if kind == "map":
        return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "number":
        return type(value) is int or (isinstance(value, str) and "${" in value)
    # Terraform writes a number as text by itself.
    return isinstance(value, str) or type(value) is int


def _ignored(body: Mapping[str, Any]) -> Iterator[str]:
    for each in body.get("lifecycle", ()):
        yield from each["ignore_changes"]


def _expression(expression: str) -> Iterator[str]:
    pieces = expression.split(".")
    if pieces[0] == "var":
        return
    kind = f"data.{pieces[1]}" if pieces[0] == "data" else pieces[0]
    if pieces[-1] not in _SCHEMA.get(kind, {}).get("attributes", ()):
        yield f"${{{expression}}} reads what is unknown"
