"""End incomplete multipart uploads: the lifecycle rules of a bucket (S3 User Guide)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cfsigned_django.tools.account.documents import Document

RULE_ID: Final = "cfsigned-upload"


def upload_rule(prefix: str) -> Document:
    """Return the rule that ends incomplete multipart uploads under a prefix."""
    return {
        "ID": f"{RULE_ID} {prefix}".strip()[:255],  # the longest that S3 takes
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }


def ends_uploads(rules: Iterable[Document], prefix: str) -> bool:
    """Return whether a rule does that under the prefix, or anywhere if the prefix is empty."""
    return any(
        rule["Status"] == "Enabled"
        and "AbortIncompleteMultipartUpload" in rule
        and (not prefix or prefix.startswith((rule.get("Filter") or rule).get("Prefix") or ""))
        for rule in rules
    )
