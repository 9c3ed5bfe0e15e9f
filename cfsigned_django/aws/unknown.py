"""Keep elements of AWS's answers that the installed boto3 does not know.

boto3 drops them. An update replaces a whole configuration, so what was dropped would be switched
off without a word. Here, an unknown element stays in its place in the answer, with
:data:`UNKNOWN` as its value. A change that would send it back is refused, in the end by boto3
itself, which sends no parameter that it does not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from cfsigned_django.phrase import Phrase as _

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

#: Stands in a document for the content of an element that boto3 does not know.
UNKNOWN: Final = "(not known to this version of boto3)"
UPDATE_BOTO3: Final = _(
    "Update boto3 (python -m pip install --upgrade boto3) and try again. If its newest version "
    "does not know it either, make this change by hand in the AWS console."
)


def mark_unknown(http_response: Any, parsed: Any, model: Any, **event: object) -> None:
    """Add what boto3 dropped to an answer in XML: a handler of botocore's ``after-call``."""
    from xml.etree import ElementTree  # only a process that calls AWS needs it

    shape = model.output_shape
    if shape is None or model.has_streaming_output or http_response.status_code >= 300:
        return
    if payload := shape.serialization.get("payload"):
        shape, parsed = shape.members[payload], parsed.get(payload)
    if http_response.content and shape.type_name == "structure":
        # botocore has parsed the same text.
        _mark(ElementTree.fromstring(http_response.content), shape, parsed)  # noqa: S314


def unknown_elements(document: Any, path: str = "") -> Iterator[str]:
    """Yield where a document has elements that boto3 does not know, as ``Items[0].Name``."""
    if isinstance(document, Mapping):
        for name, value in document.items():
            yield from unknown_elements(value, f"{path}.{name}" if path else name)
    elif isinstance(document, list | tuple):
        for index, value in enumerate(document):
            yield from unknown_elements(value, f"{path}[{index}]")
    elif document == UNKNOWN:
        yield path


def without_unknown(document: Any) -> Any:
    """Return a document without the elements that boto3 does not know."""
    if isinstance(document, Mapping):
        return {k: without_unknown(each) for k, each in document.items() if each != UNKNOWN}
    if isinstance(document, list | tuple):
        return [without_unknown(each) for each in document]
    return document


def _mark(node: Element, shape: Any, parsed: Any) -> None:
    """Add the elements of a node that its shape does not have, at any depth."""
    if shape.type_name == "list" and isinstance(parsed, list):
        for child, item in zip(node, parsed, strict=False):
            _mark(child, shape.member, item)
    elif shape.type_name == "structure" and isinstance(parsed, dict):
        children: dict[str, list[Element]] = {}
        for child in node:
            children.setdefault(child.tag.rpartition("}")[2], []).append(child)
        for name, member in shape.members.items():
            found = children.pop(_element_name(member, name), [])
            if _is_flattened(member):  # its items have no element around them
                for child, item in zip(found, parsed.get(name, []), strict=False):
                    _mark(child, member.member, item)
            elif found:
                _mark(found[0], member, parsed.get(name))
        parsed.update(dict.fromkeys(children, UNKNOWN))


def _element_name(shape: Any, name: str) -> str:
    item = shape.member.serialization.get("name") if _is_flattened(shape) else None
    return str(item or shape.serialization.get("name", name))


def _is_flattened(shape: Any) -> bool:
    return shape.type_name == "list" and bool(shape.serialization.get("flattened"))
