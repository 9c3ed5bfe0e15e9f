"""Write HCL, the language of Terraform: as much of it as a set-up needs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Expression:
    """A text that is no string but an expression, such as a reference."""

    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """A block inside a block; a list of them repeats it."""

    body: Mapping[str, Any]


def resource(kind: str, label: str, body: Mapping[str, Any]) -> str:
    """Return a resource block."""
    return "\n".join([f"resource {quoted(kind)} {quoted(label)} {{", *_lines(body, 1), "}"])


def jsonencode(document: Mapping[str, Any]) -> Expression:
    """Return the expression that is a document as JSON; it may hold references."""
    return Expression(f"jsonencode({_value(document, 1)})")


def quoted(text: str) -> str:
    """Return a string in which nothing is interpolated."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def _lines(body: Mapping[str, Any], depth: int) -> Iterator[str]:
    indent = "  " * depth
    for name, value in body.items():
        blocks = value if isinstance(value, list) else [value]
        if blocks and all(isinstance(each, Block) for each in blocks):
            for each in blocks:
                yield f"{indent}{name} {{"
                yield from _lines(each.body, depth + 1)
                yield f"{indent}}}"
        elif value is not None and value != []:
            yield f"{indent}{name} = {_value(value, depth)}"


def _value(value: Any, depth: int) -> str:
    indent = "  " * (depth + 1)
    match value:
        case Expression():
            return value.text
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return quoted(value)
        case list():
            items = [f"{indent}{_value(each, depth + 1)}," for each in value]
            return "\n".join(["[", *items, f"{indent[2:]}]"])
        case _:
            entries = [f"{indent}{_key(k)} = {_value(v, depth + 1)}" for k, v in value.items()]
            return "\n".join(["{", *entries, f"{indent[2:]}}}"])


def _key(name: str) -> str:
    return name if name.isidentifier() else quoted(name)
