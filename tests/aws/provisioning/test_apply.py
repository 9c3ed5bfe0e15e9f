"""Bring an empty account in the emulator to what is wished for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.documents.bucket_policy import says_the_same
from cfsigned_django.aws.provisioning.desired_state import DesiredState, OriginAccess
from cfsigned_django.signing import PrivateKey
from tests.aws.provisioning.accounts import (
    planned,
    provisioner,
    site_key,
    states,
)
from tests.aws.provisioning.changes import APP
from tests.aws.provisioning.strict import strict


class TestFromNothing:
    """An empty account becomes a private site."""

    def test_end_state(self, clients: Clients, desired: DesiredState, aws_account: str) -> None:
        """Make what AWS documents, read back with boto3."""
        provisioner(strict(clients), desired).apply()

        cloudfront, s3 = clients.cloudfront, clients.s3
        (key,) = cloudfront.list_public_keys()["PublicKeyList"]["Items"]
        (group,) = cloudfront.list_key_groups()["KeyGroupList"]["Items"]
        (control,) = cloudfront.list_origin_access_controls()["OriginAccessControlList"]["Items"]
        (summary,) = cloudfront.list_distributions()["DistributionList"]["Items"]
        distribution = cloudfront.get_distribution(Id=summary["Id"])["Distribution"]
        config = distribution["DistributionConfig"]
        (origin,) = config["Origins"]["Items"]
        behavior = config["DefaultCacheBehavior"]
        policy = json.loads(s3.get_bucket_policy(Bucket=desired.bucket)["Policy"])
        cors = s3.get_bucket_cors(Bucket=desired.bucket)["CORSRules"]
        block = s3.get_public_access_block(Bucket=desired.bucket)

        assert group["KeyGroup"]["KeyGroupConfig"]["Items"] == [key["Id"]]
        assert control["SigningProtocol"] == "sigv4"
        assert control["SigningBehavior"] == "always"
        assert control["OriginAccessControlOriginType"] == "s3"
        assert origin["DomainName"] == f"{desired.bucket}.s3.us-east-1.amazonaws.com"
        assert origin["OriginAccessControlId"] == control["Id"]
        assert origin["S3OriginConfig"]["OriginAccessIdentity"] == ""
        assert behavior["TrustedKeyGroups"] == {
            "Enabled": True,
            "Quantity": 1,
            "Items": [group["KeyGroup"]["Id"]],
        }
        assert behavior["ViewerProtocolPolicy"] == "redirect-to-https"
        assert behavior["CachePolicyId"] == "658327ea-f89d-4fab-a63d-7e88639e58f6"
        assert behavior["OriginRequestPolicyId"] == "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf"
        assert behavior["ResponseHeadersPolicyId"] == "60669652-455b-4ae9-85a4-c4c02393f86c"
        (statement,) = policy["Statement"]
        assert says_the_same(
            statement,
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudfront.amazonaws.com"},
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{desired.bucket}/*",
                "Condition": {
                    "StringEquals": {
                        "AWS:SourceArn": f"arn:aws:cloudfront::{aws_account}:distribution/"
                        f"{distribution['Id']}"
                    }
                },
            },
        )
        assert cors == [
            {
                "ID": "cfsigned",
                "AllowedHeaders": ["*"],
                "AllowedMethods": ["GET", "HEAD"],
                "AllowedOrigins": [APP],
                "ExposeHeaders": ["ETag"],
                "MaxAgeSeconds": 3000,
            }
        ]
        assert set(block["PublicAccessBlockConfiguration"].values()) == {True}

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"downloads": True},
            {"path_pattern": "media/*"},
            {"origin_access": OriginAccess.OAI},
            {"region": "ap-northeast-2", "cors_origins": ()},
            {"cors_origins": (APP, "https://b.example.com")},
        ],
        ids=["plain", "downloads", "pattern", "identity", "region", "origins"],
    )
    def test_second_plan_is_empty(
        self, clients: Clients, desired: DesiredState, changes: dict[str, Any]
    ) -> None:
        """Plan everything first, and nothing after it was done."""
        desired = replace(desired, **changes)
        strictly = strict(clients)
        before = states(planned(strictly, desired))

        after = states(provisioner(strictly, desired).apply())

        assert set(before.values()) - {"done"} == {"todo"}
        assert set(after.values()) == {"done"}
        assert states(planned(strictly, desired)) == after

    def test_second_run_sends_nothing(self, clients: Clients, desired: DesiredState) -> None:
        """Call nothing that changes anything in a second run."""
        provisioner(clients, desired).apply()
        sent: list[str] = []
        for client in (clients.cloudfront, clients.s3):
            client.meta.events.register(
                "before-call", lambda model, **event: sent.append(model.name)
            )

        provisioner(clients, desired).apply()

        assert sent
        assert {each for each in sent if not each.startswith(("Get", "List", "Head"))} == set()

    def test_each_call_was_in_the_plan(self, clients: Clients, desired: DesiredState) -> None:
        """Do nothing that the plan did not show."""
        shown = [step.name for step in planned(clients, desired) if step.call is not None]
        did: list[str] = []

        provisioner(clients, desired, on_step=lambda step: did.append(step.name)).apply()

        assert did == shown


class TestKeyGroups:
    """The key goes into a group, beside the keys of others."""

    def test_joins_a_group(
        self, clients: Clients, desired: DesiredState, rsa_key: PrivateKey
    ) -> None:
        """Add the key to the group of the settings, and leave the other keys in it."""
        other = site_key(rsa_key)
        cloudfront = clients.cloudfront
        made = cloudfront.create_public_key(
            PublicKeyConfig={
                "CallerReference": "other",
                "Name": "other",
                "EncodedKey": other.public_key_pem,
            }
        )
        other_id = made["PublicKey"]["Id"]
        group = cloudfront.create_key_group(KeyGroupConfig={"Name": "g", "Items": [other_id]})
        group_id = group["KeyGroup"]["Id"]

        provisioner(strict(clients), replace(desired, key_group_id=group_id)).apply()

        config = cloudfront.get_key_group(Id=group_id)["KeyGroup"]["KeyGroupConfig"]
        assert config["Items"][0] == other_id
        assert len(config["Items"]) == 2
        assert config["Name"] == "g"
