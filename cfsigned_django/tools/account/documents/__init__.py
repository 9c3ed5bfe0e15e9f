"""Read the JSON documents of AWS, and write what a person is to paste. Pure: no network."""

from __future__ import annotations

from typing import Any, TypeAlias

#: A document as boto3 takes and returns it.
Document: TypeAlias = dict[str, Any]
