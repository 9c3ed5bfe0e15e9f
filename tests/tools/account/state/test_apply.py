"""Bring accounts in the emulator to the desired state, also while others change them."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from botocore import xform_name

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.tools.account.documents.bucket_policy import says_the_same
from cfsigned_django.tools.account.state.steps import SetupStep
from cfsigned_django.tools.account.state.wanted import OriginAccess, Wanted
from tests.ministack_server import Ministack, MinistackHere
from tests.tools.account.state.accounts import (
    APP,
    CERTIFICATE,
    HOST,
    KMS_POLICY,
    THEIR_RULES,
    make_key_group,
    make_kms_key,
    planned,
    provisioner,
    reader,
    states,
    their_policy,
)
from tests.tools.account.state.strict import strict
from tests.tools.setup.viewers import DataPlane

PUBLIC = {"Sid": "PublicRead", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}


def config_of(clients: Clients, desired: Wanted) -> dict[str, Any]:
    """Return the configuration of the distribution as boto3 reads it."""
    answer = clients.cloudfront.get_distribution_config(Id=desired.distribution_id)
    config: dict[str, Any] = answer["DistributionConfig"]
    return config


def policy_of(clients: Clients, desired: Wanted) -> dict[str, Any]:
    """Return the bucket policy as boto3 reads it."""
    policy: dict[str, Any] = json.loads(
        clients.s3.get_bucket_policy(Bucket=desired.bucket)["Policy"]
    )
    return policy


def changed(before: Any, after: Any, path: str = "") -> set[str]:
    """Return the paths of the fields in which two documents differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        return {
            found
            for name in before.keys() | after.keys()
            for found in changed(before.get(name), after.get(name), f"{path}/{name}")
        }
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return {
            found
            for number, (one, other) in enumerate(zip(before, after, strict=True))
            for found in changed(one, other, f"{path}/{number}")
        }
    return set() if before == after else {path}


def test_end_state(clients: Clients, set_up: Wanted, aws_account: str) -> None:
    """Make of an empty account what AWS documents, read back with boto3."""
    cloudfront, s3 = clients.cloudfront, clients.s3
    (key,) = cloudfront.list_public_keys()["PublicKeyList"]["Items"]
    (group,) = cloudfront.list_key_groups()["KeyGroupList"]["Items"]
    (control,) = cloudfront.list_origin_access_controls()["OriginAccessControlList"]["Items"]
    (summary,) = cloudfront.list_distributions()["DistributionList"]["Items"]
    distribution = cloudfront.get_distribution(Id=summary["Id"])["Distribution"]
    config = distribution["DistributionConfig"]
    (origin,) = config["Origins"]["Items"]
    behavior = config["DefaultCacheBehavior"]
    block = s3.get_public_access_block(Bucket=set_up.bucket)["PublicAccessBlockConfiguration"]
    (statement,) = policy_of(clients, set_up)["Statement"]
    group_id, arn = group["KeyGroup"]["Id"], distribution["ARN"]

    assert group["KeyGroup"]["KeyGroupConfig"]["Items"] == [key["Id"]]
    assert (control["SigningProtocol"], control["SigningBehavior"]) == ("sigv4", "always")
    assert origin["DomainName"] == f"{set_up.bucket}.s3.us-east-1.amazonaws.com"
    assert origin["OriginAccessControlId"] == control["Id"]
    assert origin["S3OriginConfig"]["OriginAccessIdentity"] == ""
    trusted = {"Enabled": True, "Quantity": 1, "Items": [group_id]}
    assert behavior["TrustedKeyGroups"] == trusted
    assert behavior["ViewerProtocolPolicy"] == "redirect-to-https"
    assert behavior["CachePolicyId"] == "658327ea-f89d-4fab-a63d-7e88639e58f6"
    assert behavior["OriginRequestPolicyId"] == "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf"
    assert cloudfront.get_response_headers_policy(Id=behavior["ResponseHeadersPolicyId"])
    assert arn == f"arn:aws:cloudfront::{aws_account}:distribution/{distribution['Id']}"
    assert says_the_same(
        statement,
        {
            "Effect": "Allow",
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{set_up.bucket}/*",
            "Condition": {"StringEquals": {"AWS:SourceArn": arn}},
        },
    )
    (rule,) = s3.get_bucket_cors(Bucket=set_up.bucket)["CORSRules"]
    assert (rule["AllowedMethods"], rule["AllowedOrigins"]) == (["GET", "HEAD"], [APP])
    assert set(block.values()) == {True}


@pytest.mark.parametrize(
    "changes",
    [
        {
            "downloads": True,
            "path_pattern": "media/*",
            "region": "eu-west-1",
            "cors_origins": (),
        },
        {
            "cookies": True,
            "origin_access": OriginAccess.OAI,
            "cors_origins": (APP, "https://b.example.com"),
            "domain": HOST,
            "certificate": CERTIFICATE,
        },
    ],
    ids=["downloads", "cookies, identity and domain"],
)
def test_second_run_changes_nothing(
    ministack: MinistackHere, clients: Clients, desired: Wanted, changes: dict[str, Any]
) -> None:
    """Plan everything first, do what was planned and no more, and change nothing after it."""
    desired, strictly = replace(desired, **changes), strict(clients)
    before = planned(strictly, desired)
    did: list[str] = []

    after = states(
        provisioner(strictly, desired, on_step=lambda step: did.append(step.name)).apply()
    )
    so_far = ministack.changes.copy()
    again = states(provisioner(strictly, desired).apply())

    assert set(states(before).values()) - {"done"} == {"todo"}
    assert did == [each.name for each in before if each.call is not None]
    assert set(after.values()) == {"done"}
    assert again == after
    assert ministack.changes == so_far


def test_bucket_that_a_key_encrypts(clients: Clients, set_up: Wanted) -> None:
    """Encrypt the new bucket; let CloudFront decrypt for this distribution, and no more."""
    kms, arn = clients.kms("us-east-1"), make_kms_key(clients)
    clients.s3.delete_bucket(Bucket=set_up.bucket)

    after = provisioner(clients, replace(set_up, kms_key=arn)).apply()

    encryption = clients.s3.get_bucket_encryption(Bucket=set_up.bucket)
    (rule,) = encryption["ServerSideEncryptionConfiguration"]["Rules"]
    found = reader(clients, set_up)().distribution
    assert found is not None
    policy = json.loads(kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"])
    assert {each.state for each in after} == {"done"}
    assert rule["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": arn,
    }
    assert policy["Statement"][:-1] == KMS_POLICY["Statement"]
    assert says_the_same(
        policy["Statement"][-1],
        {
            "Effect": "Allow",
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": {"StringEquals": {"AWS:SourceArn": found.arn}},
        },
    )


def test_what_people_have_set_up_stays(clients: Clients, grown: Wanted) -> None:
    """Keep every other setting of a distribution that has twenty, each statement, rule and key."""
    group_id, theirs = make_key_group(clients, grown.bucket)
    policy = their_policy(grown.bucket)
    policy["Statement"].append({**PUBLIC, "Resource": f"arn:aws:s3:::{grown.bucket}/*"})
    clients.s3.put_bucket_policy(Bucket=grown.bucket, Policy=json.dumps(policy))
    before = config_of(clients, grown)
    desired = replace(
        grown, domain=HOST, certificate=CERTIFICATE, key_group_id=group_id, closes_public=True
    )
    did: list[str] = []

    provisioner(
        strict(clients, looks=5),
        desired,
        on_step=lambda step: did.append(step.name),
    ).apply()

    media = "/CacheBehaviors/Items/0"
    assert changed(before, config_of(clients, grown)) == {
        "/Aliases/Quantity",
        "/Aliases/Items",
        "/ViewerCertificate/ACMCertificateArn",
        "/Origins/Items/1/OriginAccessControlId",
        f"{media}/TrustedKeyGroups",
        f"{media}/ViewerProtocolPolicy",
        f"{media}/CachePolicyId",
        f"{media}/OriginRequestPolicyId",
        f"{media}/ResponseHeadersPolicyId",
        f"{media}/ForwardedValues",
        f"{media}/MinTTL",
        f"{media}/DefaultTTL",
        f"{media}/MaxTTL",
    }
    assert config_of(clients, grown)["Aliases"]["Items"] == ["media.example.com", HOST]
    # Public access ends after every edge has the new origin.
    assert did[-3:] == ["deployed", "public-statements", "block-public-access"]
    found = policy_of(clients, grown)
    *statements, ours = found.pop("Statement")
    assert {**found, "Statement": statements} == their_policy(grown.bucket)
    assert ours["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    rules = clients.s3.get_bucket_cors(Bucket=grown.bucket)["CORSRules"]
    assert rules[0] == THEIR_RULES[0]
    assert rules[1]["AllowedOrigins"] == [APP]
    group = clients.cloudfront.get_key_group(Id=group_id)["KeyGroup"]["KeyGroupConfig"]
    assert (group["Name"], group["Items"][0]) == (grown.bucket, theirs)
    assert len(group["Items"]) == 2


def test_waits_for_every_edge(clients: Clients, set_up: Wanted) -> None:
    """Report the time waited; give up after 45 minutes, with an error that passes."""
    slow, waited = strict(clients, looks=10), list[int]()
    distribution = reader(clients, set_up)().distribution
    assert distribution is not None
    slow.cloudfront.update_distribution(
        Id=distribution.id, IfMatch=distribution.etag, DistributionConfig=distribution.config
    )

    def apply(seconds: float) -> list[SetupStep]:
        clock = itertools.count(0, seconds)
        return provisioner(
            slow, set_up, on_wait=waited.append, monotonic=lambda: next(clock)
        ).apply()

    with pytest.raises(AwsError) as caught:
        apply(1000.0)
    given_up = waited.copy()
    waited.clear()
    after = apply(15.0)

    assert (caught.value.code, caught.value.is_temporary) == ("NotDeployed", True)
    assert given_up == [1000, 2000]
    assert states(after)["deployed"] == "done"
    assert len(waited) > 1
    assert waited == [15 * (number + 1) for number in range(len(waited))]


def test_others_work_here_meanwhile(clients: Clients, grown: Wanted) -> None:
    """Take over what another run has made in the same second; keep what others change.

    Read again if the distribution was changed between the read and the call.
    """
    made: list[str] = []

    def change(step: SetupStep) -> None:
        # The emulator lets a public key be made twice.
        if step.call and step.call.operation in ("CreateKeyGroup", "CreateOriginAccessControl"):
            made.append(step.call.operation)
            getattr(clients.cloudfront, xform_name(step.call.operation))(**step.call.arguments)
        elif step.name == "origin":
            answer = clients.cloudfront.get_distribution_config(Id=grown.distribution_id)
            clients.cloudfront.update_distribution(
                Id=grown.distribution_id,
                IfMatch=answer["ETag"],
                DistributionConfig={**answer["DistributionConfig"], "Comment": "theirs"},
            )

    after = states(provisioner(clients, grown, on_step=change).apply())

    account = reader(clients, grown)()
    assert len(made) == 2
    assert len(account.key_groups or ()) == len(account.access_controls or ()) == 1
    assert after["origin"] == after["behavior"] == "done"
    assert config_of(clients, grown)["Comment"] == "theirs"


def test_something_undoes_it(clients: Clients, desired: Wanted) -> None:
    """Give up on a step that never shows any effect."""
    stuck = reader(clients, desired)()

    with pytest.raises(AwsError) as caught:
        provisioner(clients, desired, read=lambda: stuck).apply()

    assert caught.value.code == "NoEffect"


def test_bucket_that_was_taken_meanwhile(
    clients: Clients, desired: Wanted, ministack: Ministack
) -> None:
    """Raise if another account has taken the name of the bucket meanwhile."""
    read = reader(clients, desired)
    missing = read().bucket
    ministack.client("s3", account="999999999998").create_bucket(Bucket=desired.bucket)

    with pytest.raises(AwsError) as caught:
        provisioner(clients, desired, read=lambda: replace(read(), bucket=missing)).apply()

    assert caught.value.code == "BucketAlreadyExists"


def test_file_is_served_through_its_own_access_control_only(
    ministack: Ministack, clients: Clients, set_up: Wanted
) -> None:
    """Serve a file with statement and access control of this distribution, not with one alone."""
    clients.s3.put_object(Bucket=set_up.bucket, Key="a.txt", Body=b"private")
    distribution = reader(clients, set_up)().distribution
    assert distribution is not None
    data_plane = DataPlane(ministack, distribution)

    opened = data_plane.get("/a.txt")
    policy = policy_of(clients, set_up)
    policy["Statement"][0]["Condition"]["StringEquals"]["AWS:SourceArn"] += "X"
    clients.s3.put_bucket_policy(Bucket=set_up.bucket, Policy=json.dumps(policy))
    of_another_distribution = data_plane.get("/a.txt")
    clients.s3.delete_bucket_policy(Bucket=set_up.bucket)
    without_statement = data_plane.get("/a.txt")
    provisioner(clients, set_up).apply()
    opened_again = data_plane.get("/a.txt")
    distribution.config["Origins"]["Items"][0]["OriginAccessControlId"] = ""
    clients.cloudfront.update_distribution(
        Id=distribution.id, IfMatch=distribution.etag, DistributionConfig=distribution.config
    )
    without_control = data_plane.get("/a.txt")

    assert opened == opened_again == (200, b"private")
    assert {of_another_distribution[0], without_statement[0], without_control[0]} == {403}
