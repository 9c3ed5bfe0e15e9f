"""Read the cache behaviors in the configuration of a distribution.

API reference: DistributionConfig, CacheBehavior, DefaultCacheBehavior. A list
there is ``{"Quantity": n, "Items": [...]}``, without "Items" if n is 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.model import listed


def list_of(items: list[Any]) -> Document:
    """Return items as a CloudFront list."""
    return {"Quantity": len(items), "Items": items} if items else {"Quantity": 0}


def behaviors(config: Mapping[str, Any]) -> Iterator[Document]:
    """Return the behaviors in the order in which CloudFront tries them; the default is last.

    Only the default one has no PathPattern: another may have the pattern ``*`` as well.
    """
    yield from listed(config.get("CacheBehaviors"))
    yield config["DefaultCacheBehavior"]


def pattern_of(behavior: Mapping[str, Any]) -> str:
    """Return the path pattern of a behavior; that of the default one matches every path."""
    pattern: str = behavior.get("PathPattern", "*")
    return pattern


def trusted_key_groups(behavior: Mapping[str, Any]) -> list[str]:
    """Return the IDs of the key groups whose keys may sign; empty if no signature is required."""
    block = behavior.get("TrustedKeyGroups") or {}
    return listed(block) if block.get("Enabled") else []


def trusted_signers(behavior: Mapping[str, Any]) -> list[str]:
    """Return the AWS accounts ("self" or numbers) whose keys may sign: the older way."""
    block = behavior.get("TrustedSigners") or {}
    return listed(block) if block.get("Enabled") else []


def is_open(behavior: Mapping[str, Any]) -> bool:
    """Return whether a behavior serves files without a signature."""
    return not trusted_key_groups(behavior) and not trusted_signers(behavior)
