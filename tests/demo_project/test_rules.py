"""Read what a distribution asks of viewers, and which keys it trusts.

tests/tools/stack/test_edge.py compares what is read of a stack with what the edge plays.
"""

from __future__ import annotations

import logging
from typing import Any

import pytest

from cfsigned_django.core.aws.client import Clients
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.signing import PublicKey
from cfsigned_django.tools.edge.behavior import READ_AND_PREFLIGHT_METHODS
from demo_project.rules import DistributionReader
from tests.core.aws import Account, new_pem
from tests.plugins_aws import (
    aws_account as aws_account,
    clients as clients,
    ministack as ministack,
)
from tests.simulation.answers import refusal
from tests.tools import list_of
from tests.tools.account.by_hand import (
    CORS_S3_ORIGIN,
    new_behavior,
    new_distribution_config,
    new_origin,
)


def distribution(cloudfront: Any, *key_groups: str, **behavior: Any) -> str:
    """Make a distribution with nothing but a default behavior over a bucket; return its ID."""
    default = new_behavior("S3-media") | {
        "TrustedKeyGroups": {"Enabled": bool(key_groups), **list_of(list(key_groups))},
        **behavior,
    }
    config = new_distribution_config("media", new_origin("media"), default)
    config["CallerReference"] = repr(key_groups)
    made = cloudfront.create_distribution(DistributionConfig=config)
    return str(made["Distribution"]["Id"])


def test_keys_of_the_groups(
    clients: Clients, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Follow the keys of a group; ask for each once, and leave out what verifies nothing.

    That is a key of another kind, which is logged once, and one that is deleted just then.
    """
    caplog.set_level(logging.WARNING, "demo_project")
    cloudfront: Any = clients.cloudfront
    account, pem = Account(api=cloudfront), new_pem()
    ours, odd = account.upload("ours", pem), account.upload("odd", "nonsense")
    gone = account.upload("gone")
    group = account.make_group(ours, odd, gone)
    reader = DistributionReader(cloudfront, distribution(cloudfront, group))
    asked, get = list[str](), cloudfront.get_public_key

    def get_public_key(*, Id: str) -> Any:
        asked.append(Id)
        if Id == gone:
            raise refusal("NoSuchPublicKey", "GetPublicKey")
        return get(Id=Id)

    monkeypatch.setattr(cloudfront, "get_public_key", get_public_key)
    first = reader.read()
    newer = account.upload("newer")
    account.set_members(group, newer, ours, odd)
    both = reader.read()
    account.set_members(group, newer)
    then = reader.read()

    assert first.key_groups == {group: {ours: PublicKey.load(pem)}}
    assert [each.trusted_key_groups for each in first.behaviors] == [(group,)]
    assert set(both.key_groups[group]) == {ours, newer}
    assert set(then.key_groups[group]) == {newer}
    assert asked == [ours, odd, gone, newer]
    (message,) = caplog.messages
    assert odd in message


def test_a_behavior_with_signers(clients: Clients) -> None:
    """Require a signature that no key can make; take its methods, and what its policies forward."""
    signers = {"Enabled": True, **list_of(["self"])}
    methods = list_of(["GET", "HEAD", "OPTIONS"])
    methods["CachedMethods"] = list_of(["GET", "HEAD"])
    fields = {"AllowedMethods": methods, "OriginRequestPolicyId": CORS_S3_ORIGIN}
    made = distribution(clients.cloudfront, TrustedSigners=signers, **fields)

    found = DistributionReader(clients.cloudfront, made).read()

    [signed] = found.behaviors
    assert found.key_groups == {group: {} for group in signed.trusted_key_groups}
    assert signed.is_restricted
    assert signed.allowed_methods == READ_AND_PREFLIGHT_METHODS
    assert signed.forwarding.forwards_header("Origin")


def test_what_cannot_be_read(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise with the ID of a group that is not there; and what is another failure."""
    account = Account(api=clients.cloudfront)
    group = account.make_group(account.upload("ours"))
    readers = [
        DistributionReader(clients.cloudfront, distribution(clients.cloudfront, each))
        for each in ("gone", group)
    ]

    def get_public_key(*, Id: str) -> Any:
        raise refusal("AccessDenied", "GetPublicKey")

    monkeypatch.setattr(clients.cloudfront, "get_public_key", get_public_key)
    with pytest.raises(AwsError, match="gone") as missing:
        readers[0].read()
    with pytest.raises(AwsError) as refused:
        readers[1].read()

    assert missing.value.permission == "cloudfront:GetKeyGroup"
    assert refused.value.code == "AccessDenied"
