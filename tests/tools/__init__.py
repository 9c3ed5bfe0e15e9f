"""Test the tools for AWS, which ask CloudFront and S3 as viewers do."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

from cfsigned_django.core.viewer import Answer
from cfsigned_django.tools.edge.client import EdgeResponse


def as_answer(response: EdgeResponse, now: float | None = None) -> Answer:
    """Return the answer of an edge at a time, as a viewer gets it."""
    fields = {name.lower(): value for name, value in response.headers.items()}
    dated = {**fields, "date": formatdate(now, usegmt=True)}
    return Answer(status=response.status, headers=dated, body=response.body)


def error_of_s3(code: str, status: int = 403) -> Answer:
    """Return an error of S3, which has a RequestId."""
    body = f"<Error><Code>{code}</Code><Message>-</Message><RequestId>4442587F</RequestId></Error>"
    return Answer(status=status, body=body.encode())


def list_of(items: list[Any]) -> dict[str, Any]:
    """Return items as a CloudFront list."""
    return {"Quantity": len(items), "Items": items} if items else {"Quantity": 0}
