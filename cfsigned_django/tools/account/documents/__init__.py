"""Build and merge the JSON documents that AWS takes. Pure: no boto3, no network.

A merge keeps everything that it need not change, including fields that this code does not
know, and merging twice changes nothing more.
"""

from __future__ import annotations

from typing import Any, TypeAlias

#: A document as boto3 takes and returns it.
Document: TypeAlias = dict[str, Any]
