"""Close a bucket to everybody: Block Public Access (S3 User Guide)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: All four switches; CloudFront's own access is not public and goes on.
PUBLIC_ACCESS_BLOCK: Final[Mapping[str, bool]] = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


def open_switches(block: Mapping[str, bool] | None) -> list[str]:
    """Return the switches that are not on."""
    return [name for name in PUBLIC_ACCESS_BLOCK if not (block or {}).get(name)]
