"""Read what a distribution asks of viewers, and what of it an edge for development leaves out."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.documents.distribution import (
    new_behavior,
    new_distribution_config,
    new_origin,
)
from cfsigned_django.aws.edge_rules import DistributionReader, ReadBehavior
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.signing import PublicKey
from tests.aws.api import Account, new_pem
from tests.aws.provisioning.accounts import grown_distribution

BUCKET = "media"


class Api:
    """Hold one distribution beside the keys and key groups of an account."""

    def __init__(self, account: Account, config: dict[str, Any]) -> None:
        self.config = config
        self.get_key_group = account.api.get_key_group
        self.get_public_key = account.api.get_public_key

    def get_distribution(self, *, Id: str) -> dict[str, Any]:
        """Return the distribution as GetDistribution does."""
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
    then = reader.read()
    api.config = plain_config()
    opened = reader.read()

    assert found.keys == {group: {ours: PublicKey.load(pem)}}
    assert found.behaviors == (
        ReadBehavior(
            path_pattern="*",
            key_group_ids=(group,),
            signers=(),
            methods=frozenset({"GET", "HEAD"}),
            foreign_origin="",
        ),
    )
    assert found.left_out == ()
    assert set(then.keys[group]) == {ours, newer}
    assert opened.keys == {}
    assert opened.behaviors[0].key_group_ids == ()


def test_a_grown_distribution(account: Account) -> None:
    """Tell what reads another origin or has signers, and name all that changes an answer."""
    config = grown_distribution(BUCKET)
    config["CacheBehaviors"]["Items"][0]["FunctionAssociations"] = list_of([{"EventType": "x"}])
    found = DistributionReader(Api(account, config), "E1", bucket=BUCKET).read()
    media, default = found.behaviors
    assert (media.path_pattern, media.signers, media.foreign_origin) == ("media/*", ("self",), "")
    assert (default.path_pattern, default.foreign_origin) == ("*", "app.example.com")
    assert default.methods >= {"GET", "POST", "OPTIONS"}
    assert found.left_out == (
        "DefaultRootObject",
        "CustomErrorResponses",
        "WebACLId",
        "GeoRestriction",
        "OriginPath /files",
        "FunctionAssociations of media/*",
        "TrustedSigners of media/* (the API does not tell their keys)",
        "ViewerProtocolPolicy of Default (*)",
    )


def test_a_field_that_nobody_knows_yet(account: Account) -> None:
    """Name what CloudFront may have one day, where it says something."""
    config = plain_config() | {
        "Enabled": False,
        "NewThing": "on",
        "NewList": {"Quantity": 0},
        "NewBlock": {"Mode": "strict"},
        "Staging": False,
    }
    found = DistributionReader(Api(account, config), "E1", bucket=BUCKET).read()
    assert found.left_out == (
        "Enabled: false (CloudFront answers nobody)",
        "NewThing",
        "NewBlock",
    )


def test_files_that_are_in_no_bucket(account: Account) -> None:
    """Let every origin stand for the files where they lie in no bucket."""
    reader = DistributionReader(Api(account, grown_distribution(BUCKET)), "E1")
    assert {each.foreign_origin for each in reader.read().behaviors} == {""}


def test_an_origin_that_is_not_there(account: Account) -> None:
    """Serve nothing by a behavior that names no origin and no origin group."""
    config = plain_config()
    config["DefaultCacheBehavior"]["TargetOriginId"] = "nothing"
    found = DistributionReader(Api(account, config), "E1", bucket=BUCKET).read()
    assert found.behaviors[0].foreign_origin == "no origin"


@pytest.mark.parametrize(
    ("members", "foreign"),
    [
        (["app", f"S3-{BUCKET}"], ""),
        (["app", "spare"], "app.example.com and spare.example.com"),
    ],
)
def test_a_group_of_origins(members: list[str], foreign: str, account: Account) -> None:
    """Serve the bucket out of an origin group, and say that nothing fails over."""
    config = plain_config()
    others = [{"Id": each, "DomainName": f"{each}.example.com"} for each in ("app", "spare")]
    config["Origins"] = list_of([*config["Origins"]["Items"], *others])
    config["OriginGroups"] = list_of(
        [{"Id": "both", "Members": list_of([{"OriginId": each} for each in members])}]
    )
    config["DefaultCacheBehavior"]["TargetOriginId"] = "both"

    found = DistributionReader(Api(account, config), "E1", bucket=BUCKET).read()

    assert found.behaviors[0].foreign_origin == foreign
    assert found.left_out == ("OriginGroup both (nothing fails over)",)


def test_a_group_that_is_not_there(account: Account) -> None:
    """Raise with the id of the group."""
    reader = DistributionReader(Api(account, plain_config("gone")), "E1", bucket=BUCKET)
    with pytest.raises(AwsError, match="Could not read the key group gone"):
        reader.read()
