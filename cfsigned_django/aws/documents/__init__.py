"""Build and merge the JSON documents that AWS takes. Pure: no boto3, no network.

What is merged keeps everything that it does not need to change, fields that
this code does not know among it, and merging twice changes nothing more.
"""

from __future__ import annotations

from typing import Any, TypeAlias

#: A document as boto3 takes and returns it.
Document: TypeAlias = dict[str, Any]
