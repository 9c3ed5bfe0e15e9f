"""The one model of CloudFront and S3: the local edge plays it, and the doctor asks it.

What AWS does with a request is written here once, from AWS's pages: which behavior serves a path,
what a policy allows. Pure: no network, no Django, no boto3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

#: A configuration as the API shows it.
Document: TypeAlias = Mapping[str, Any]


def listed(block: Document | None) -> list[Any]:
    """Return the items of a list in CloudFront's API, which has no "Items" if it is empty."""
    return list((block or {}).get("Items") or [])
