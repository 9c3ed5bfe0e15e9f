"""Read what a distribution asks of viewers, and what of it an edge for development leaves out."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.unknown import UNKNOWN
from cfsigned_django.signing import PublicKey
from cfsigned_django.tools.account.documents.behavior import list_of
from cfsigned_django.tools.account.documents.distribution_config import (
    new_behavior,
    new_distribution_config,
    new_origin,
)
from cfsigned_django.tools.edge.behavior import READ_AND_PREFLIGHT_METHODS, Behavior
from demo_project.follow import Rules
from demo_project.rules import DistributionReader
from tests.aws.api import Account, new_pem
from tests.simulation.answers import refusal
from tests.simulation.strict_cloudfront import StrictCloudFront
from tests.tools.account.state.accounts import grown_distribution

BUCKET = "media"


class Api:
    """One distribution beside the keys and key groups of an account."""

    def __init__(self, account: Account, config: dict[str, Any]) -> None:
        self.config = config
        self.get_key_group = account.api.get_key_group
        self.get_public_key = account.api.get_public_key

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


def read(config: dict[str, Any], *, bucket: str | None = BUCKET) -> Rules:
    """Return what is read of a distribution in an account without keys."""
    api = Api(Account(api=StrictCloudFront()), config)
    return DistributionReader(api, "E1", bucket=bucket).read()


def test_keys_of_the_groups(account: Account) -> None:
    """Return the keys of each trusted group, and follow them and the behaviors."""
    pem = new_pem()
    ours = account.upload("ours", pem)
    group = account.make_group(ours)
    api = Api(account, plain_config(group))
    reader = DistributionReader(api, "E1", bucket=BUCKET)

    found = reader.read()
    newer = account.upload("newer")
    account.key_groups.add(group, newer)
    both = reader.read()
    account.key_groups.remove(group, ours)
    then = reader.read()
    api.config = plain_config()
    opened = reader.read()

    assert found.key_groups == {group: {ours: PublicKey.load(pem)}}
    assert found.behaviors == (Behavior(trusted_key_groups=(group,)),)
    assert found.left_out == ()
    assert set(both.key_groups[group]) == {ours, newer}
    assert set(then.key_groups[group]) == {newer}
    assert opened.key_groups == {}
    assert opened.behaviors == (Behavior(),)


def test_a_grown_distribution() -> None:
    """Return what reads another origin or has signers, and name all that changes an answer."""
    config = grown_distribution(BUCKET)
    config["CacheBehaviors"]["Items"][0]["FunctionAssociations"] = list_of([{"EventType": "x"}])

    found = read(config)
    media, default = found.behaviors
    anywhere = read(config, bucket=None)

    assert (media.path_pattern, media.foreign_origin) == ("/media/*", "")
    (signers,) = media.trusted_key_groups
    assert "self" in signers
    assert found.key_groups[signers] == {}
    assert (default.path_pattern, default.foreign_origin) == ("*", "app.example.com")
    assert default.allowed_methods == READ_AND_PREFLIGHT_METHODS
    assert [each.partition(" (")[0] for each in found.left_out] == [
        "DefaultRootObject",
        "CustomErrorResponses",
        "WebACLId",
        "GeoRestriction",
        "OriginPath /files",
        "FunctionAssociations of media/*",
        "TrustedSigners of media/*",
        "ViewerProtocolPolicy of Default",
        "ResponseHeadersPolicyId of Default",
    ]
    # Files that are in no bucket: each origin stands for them.
    assert {each.foreign_origin for each in anywhere.behaviors} == {""}


def test_a_field_that_nobody_knows_yet() -> None:
    """Name what CloudFront may have one day, if it says something, and what boto3 lacks."""
    config = plain_config() | {
        "Enabled": False,
        "NewThing": "on",
        "NewList": {"Quantity": 0},
        "NewBlock": {"Mode": "strict"},
        "Novelty": UNKNOWN,
        "Staging": False,
    }

    names = [each.partition(":")[0] for each in read(config).left_out]

    assert names == ["Enabled", "NewThing", "NewBlock", "Novelty"]


@pytest.mark.parametrize(
    ("target", "foreign", "left_out"),
    [
        ("nothing", "no origin", 0),
        ("with the bucket", "", 1),
        ("without it", "app.example.com and spare.example.com", 1),
    ],
)
def test_other_origins(target: str, foreign: str, left_out: int) -> None:
    """Serve the bucket of an origin group as if nothing failed over; else name the hosts."""
    config = plain_config()
    members = {"with the bucket": ["app", f"S3-{BUCKET}"], "without it": ["app", "spare"]}
    others = [{"Id": each, "DomainName": f"{each}.example.com"} for each in ("app", "spare")]
    config["Origins"] = list_of([*config["Origins"]["Items"], *others])
    config["OriginGroups"] = list_of(
        [
            {"Id": name, "Members": list_of([{"OriginId": each} for each in origins])}
            for name, origins in members.items()
            if name == target
        ]
    )
    config["DefaultCacheBehavior"]["TargetOriginId"] = target

    found = read(config)

    assert found.behaviors[0].foreign_origin == foreign
    assert len(found.left_out) == left_out
    assert all(each.startswith(f"OriginGroup {target}") for each in found.left_out)


def test_a_group_that_is_not_there(account: Account) -> None:
    """Raise with the id of the group, so that it can be corrected."""
    reader = DistributionReader(Api(account, plain_config("gone")), "E1", bucket=BUCKET)

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
    caplog.set_level(logging.WARNING, "cfsigned_django.tools.edge")
    api = Replies(K1=new_pem(), K2="nonsense", K3=refusal("NoSuchPublicKey", "GetPublicKey"))
    reader = DistributionReader(api, "E1", bucket=BUCKET)

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
        DistributionReader(api, "E1", bucket=BUCKET).read()

    assert caught.value.code == "AccessDenied"


def test_access_point() -> None:
    """Take an access point for the bucket, since its bucket does not show, and say so."""
    config = grown_distribution(BUCKET)
    host = "media-111122223333.s3-accesspoint.us-east-1.amazonaws.com"
    config["Origins"]["Items"][1]["DomainName"] = host

    found = read(config)

    assert found.behaviors[0].foreign_origin == ""
    assert [each for each in found.left_out if host in each]
