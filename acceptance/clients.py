"""The boto3 clients of a run: of one account, and of the region of its stack."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cfsigned_django.core.aws.client import make_client


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """One client for each service that a run calls."""

    cloudformation: Any = field(repr=False)
    cloudfront: Any = field(repr=False)
    s3: Any = field(repr=False)
    sts: Any = field(repr=False)

    def all(self) -> tuple[Any, ...]:
        """Return all of them."""
        return self.cloudformation, self.cloudfront, self.s3, self.sts


def connect(region: str) -> Clients:
    """Return new clients, with boto3's own configuration and its credentials as they are now."""
    return Clients(
        cloudformation=make_client("cloudformation", region_name=region),
        cloudfront=make_client("cloudfront"),
        s3=make_client("s3", region_name=region),
        sts=make_client("sts", region_name=region),
    )
