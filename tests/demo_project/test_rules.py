"""Read what a distribution asks of viewers, and which headers it sets."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.signing import PublicKey
from cfsigned_django.tools.account.documents.cache_behavior import list_of
from cfsigned_django.tools.edge.behavior import READ_AND_PREFLIGHT_METHODS
from cfsigned_django.tools.model.forwarding import Forwarding
from demo_project.rules import DistributionReader, Rules
from tests.aws import Account, new_pem
from tests.simulation.answers import refusal
from tests.simulation.strict_cloudfront import StrictCloudFront
from tests.tools.account.by_hand import (
    new_behavior,
    new_distribution_config,
    new_origin,
)

BUCKET = "media"
KINDS = ("CachePolicy", "OriginRequestPolicy", "ResponseHeadersPolicy")


class Api:
    """One distribution beside the keys and key groups of an account."""

    def __init__(self, account: Account, config: dict[str, Any]) -> None:
        self.config = config
        self.get_key_group = account.api.get_key_group
        self.get_public_key = account.api.get_public_key

    def __getattr__(self, name: str) -> Any:
        """Return a method such as get_cache_policy, which knows every policy by its ID."""
        kind = "".join(word.title() for word in name.removeprefix("get_").split("_"))

        def get(*, Id: str) -> dict[str, Any]:
            return {kind: {"Id": Id, f"{kind}Config": {"Name": f"{kind} {Id}"}}}

        return get

    def get_distribution(self, *, Id: str) -> dict[str, Any]:
        """Return the distribution E1 as GetDistribution does, and no other."""
        if Id != "E1":
            raise ClientError({"Error": {"Code": "NoSuchDistribution"}}, "GetDistribution")
        return {
            "ETag": "1",
            "Distribution": {
                "Id": Id,
                "ARN": f"arn:aws:cloudfront::111122223333:distribution/{Id}",
                "Status": "Deployed",
                "DomainName": "d111111abcdef8.cloudfront.net",
                "DistributionConfig": self.config,
            },
        }


def plain_config(*key_groups: str) -> dict[str, Any]:
    """Return a distribution with nothing but a default behavior over the bucket."""
    behavior = new_behavior(f"S3-{BUCKET}") | {
        "TrustedKeyGroups": {"Enabled": bool(key_groups), **list_of(list(key_groups))},
        "ViewerProtocolPolicy": "allow-all",
    }
    return new_distribution_config(BUCKET, new_origin(BUCKET, "eu-west-1"), behavior)


@pytest.fixture
def account() -> Account:
    """Return an AWS account."""
    return Account(api=StrictCloudFront())


def read(config: dict[str, Any]) -> Rules:
    """Return what is read of a distribution in an account without keys."""
    api = Api(Account(api=StrictCloudFront()), config)
    return DistributionReader(api, "E1").read()


def test_keys_of_the_groups(account: Account) -> None:
    """Return the keys of each trusted group, and follow them and the behaviors."""
    pem = new_pem()
    ours = account.upload("ours", pem)
    group = account.make_group(ours)
    api = Api(account, plain_config(group))
    reader = DistributionReader(api, "E1")

    found = reader.read()
    newer = account.upload("newer")
    account.key_groups.add(group, newer)
    both = reader.read()
    account.key_groups.remove(group, ours)
    then = reader.read()
    api.config = plain_config()
    opened = reader.read()

    assert found.key_groups == {group: {ours: PublicKey.load(pem)}}
    assert [each.trusted_key_groups for each in found.behaviors] == [(group,)]
    assert set(both.key_groups[group]) == {ours, newer}
    assert set(then.key_groups[group]) == {newer}
    assert opened.key_groups == {}
    assert [each.is_restricted for each in opened.behaviors] == [False]


def test_a_behavior_with_signers() -> None:
    """Require a signature that no key can make, and know the default one by its place."""
    config = plain_config()
    signers = {"Enabled": True, **list_of(["self"])}
    first = {**config["DefaultCacheBehavior"], "PathPattern": "*", "TrustedSigners": signers}
    first["AllowedMethods"] = list_of(["GET", "HEAD", "OPTIONS"])
    config["CacheBehaviors"] = list_of([first])

    found = read(config)

    signed, default = found.behaviors
    [group] = signed.trusted_key_groups
    assert found.key_groups == {group: {}}
    assert (signed.path_pattern, signed.allowed_methods) == ("*", READ_AND_PREFLIGHT_METHODS)
    assert not default.is_restricted


def test_policies() -> None:
    """Read the policies of each behavior, and the fields that are older than policies."""
    config = plain_config()
    values = {"QueryString": True}
    old = {"PathPattern": "old/*", "TargetOriginId": "o", "ForwardedValues": values}
    config["CacheBehaviors"] = list_of([old])
    policies = {f"{kind}Id": "P1" for kind in KINDS}
    config["DefaultCacheBehavior"].update(policies)

    first, default = read(config).behaviors

    assert first.forwarding == Forwarding(forwarded_values=values)
    assert first.response_headers_policy == {}
    assert default.forwarding.name == (
        "the cache policy CachePolicy P1 and the origin request policy OriginRequestPolicy P1"
    )
    assert default.response_headers_policy["Name"] == "ResponseHeadersPolicy P1"


def test_a_group_that_is_not_there(account: Account) -> None:
    """Raise with the id of the group, so that it can be corrected."""
    reader = DistributionReader(Api(account, plain_config("gone")), "E1")

    with pytest.raises(AwsError) as caught:
        reader.read()

    assert "gone" in caught.value.what
    assert caught.value.permission == "cloudfront:GetKeyGroup"


class Replies(Api):
    """Answer as CloudFront does if it holds something odd; count what is asked."""

    def __init__(self, **public_keys: str | Exception) -> None:
        self.config = plain_config("group")
        self.asked: list[str] = []
        group = {"ETag": "1", "KeyGroup": {"KeyGroupConfig": {"Items": list(public_keys)}}}

        def get_public_key(*, Id: str) -> dict[str, Any]:
            self.asked.append(Id)
            pem = public_keys[Id]
            if isinstance(pem, Exception):
                raise pem
            return {"PublicKey": {"Id": Id, "PublicKeyConfig": {"Name": Id, "EncodedKey": pem}}}

        self.get_key_group = lambda *, Id: group
        self.get_public_key = get_public_key


def test_odd_keys(caplog: pytest.LogCaptureFixture) -> None:
    """Ask for each key once, leave out what cannot verify or is gone by now, and log it once."""
    caplog.set_level(logging.WARNING, "demo_project")
    api = Replies(K1=new_pem(), K2="nonsense", K3=refusal("NoSuchPublicKey", "GetPublicKey"))
    reader = DistributionReader(api, "E1")

    assert (
        set(reader.read().key_groups["group"]) == set(reader.read().key_groups["group"]) == {"K1"}
    )
    assert api.asked == ["K1", "K2", "K3", "K3"]
    (message,) = caplog.messages
    assert "K2" in message


def test_a_key_that_cannot_be_read() -> None:
    """Raise what is another failure."""
    api = Replies(K1=refusal("AccessDenied", "GetPublicKey"))

    with pytest.raises(AwsError) as caught:
        DistributionReader(api, "E1").read()

    assert caught.value.code == "AccessDenied"
