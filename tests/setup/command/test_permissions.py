"""Compare what is called with the policies that --iam prints."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cfsigned_django import site_setup
from cfsigned_django.aws.stack import Clients
from cfsigned_django.management.commands import cfsigned_setup
from tests.setup.command import run


def test_every_call_has_its_permission(
    clients: Clients, bucket_name: str, unmigrated: None
) -> None:
    """Call nothing that the policy of --iam does not allow."""
    called: set[str] = set()

    def note(model: Any, **event: Any) -> None:
        called.add(f"{model.service_model.signing_name}:{model.name}")

    original: Callable[[str], Clients] = site_setup.make_clients

    def make_and_listen(region: str) -> Clients:
        made = original(region)
        for client in (made.cloudfront, made.s3, made.sts):
            client.meta.events.register("before-call", note)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cfsigned_setup, "make_clients", make_and_listen)
        run("--create", "--apply", "--yes", "--downloads", "--cors-origin", "https://a.example.com")

    # Operations of S3 whose action has another name (Service Authorization Reference).
    renamed = {
        "s3:HeadBucket": "s3:ListBucket",
        "s3:ListObjectsV2": "s3:ListBucket",
        "s3:GetBucketCors": "s3:GetBucketCORS",
        "s3:PutBucketCors": "s3:PutBucketCORS",
        "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
        "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    }
    allowed = {
        action
        for statement in json.loads(run("--iam"))["setup"]["Statement"]
        for action in statement["Action"]
    }
    assert {renamed.get(each, each) for each in called} <= allowed
    assert len(called) > 20
