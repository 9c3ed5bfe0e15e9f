"""Bring accounts in the emulator, empty and grown, to the desired state."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.documents.bucket_policy import says_the_same
from cfsigned_django.aws.documents.distribution import find_origin
from cfsigned_django.aws.provisioning.desired_state import DesiredState, OriginAccess
from cfsigned_django.aws.provisioning.resolved_state import ResolvedState
from cfsigned_django.setup.keys import KeyFile
from cfsigned_django.setup.site import SiteSetup
from cfsigned_django.signing import PrivateKey
from tests.aws.provisioning.accounts import (
    APP,
    LEGACY_ORIGIN,
    THEIR_RULES,
    changed,
    planned,
    provisioner,
    reader,
    states,
    their_policy,
)
from tests.aws.provisioning.plans import find
from tests.aws.provisioning.strict import strict

CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
HOST = "files.example.com"
PUBLIC = {"Sid": "PublicRead", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}


def config_of(clients: Clients, desired: DesiredState) -> dict[str, Any]:
    """Return the configuration of the distribution as boto3 reads it."""
    answer = clients.cloudfront.get_distribution_config(Id=desired.distribution_id)
    config: dict[str, Any] = answer["DistributionConfig"]
    return config


def policy_of(clients: Clients, desired: DesiredState) -> dict[str, Any]:
    """Return the bucket policy as boto3 reads it."""
    policy: dict[str, Any] = json.loads(
        clients.s3.get_bucket_policy(Bucket=desired.bucket)["Policy"]
    )
    return policy


class TestEmptyAccount:
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
        block = s3.get_public_access_block(Bucket=desired.bucket)["PublicAccessBlockConfiguration"]
        (statement,) = policy_of(clients, desired)["Statement"]
        group_id, arn = group["KeyGroup"]["Id"], distribution["ARN"]

        assert group["KeyGroup"]["KeyGroupConfig"]["Items"] == [key["Id"]]
        assert control["SigningProtocol"] == "sigv4"
        assert control["SigningBehavior"] == "always"
        assert control["OriginAccessControlOriginType"] == "s3"
        assert origin["DomainName"] == f"{desired.bucket}.s3.us-east-1.amazonaws.com"
        assert origin["OriginAccessControlId"] == control["Id"]
        assert origin["S3OriginConfig"]["OriginAccessIdentity"] == ""
        trusted = {"Enabled": True, "Quantity": 1, "Items": [group_id]}
        assert behavior["TrustedKeyGroups"] == trusted
        assert behavior["ViewerProtocolPolicy"] == "redirect-to-https"
        assert behavior["CachePolicyId"] == "658327ea-f89d-4fab-a63d-7e88639e58f6"
        assert behavior["OriginRequestPolicyId"] == "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf"
        assert behavior["ResponseHeadersPolicyId"] == "60669652-455b-4ae9-85a4-c4c02393f86c"
        assert arn == f"arn:aws:cloudfront::{aws_account}:distribution/{distribution['Id']}"
        assert says_the_same(
            statement,
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudfront.amazonaws.com"},
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{desired.bucket}/*",
                "Condition": {"StringEquals": {"AWS:SourceArn": arn}},
            },
        )
        assert s3.get_bucket_cors(Bucket=desired.bucket)["CORSRules"] == [
            {
                "ID": "cfsigned",
                "AllowedHeaders": ["*"],
                "AllowedMethods": ["GET", "HEAD"],
                "AllowedOrigins": [APP],
                "ExposeHeaders": ["ETag"],
                "MaxAgeSeconds": 3000,
            }
        ]
        assert set(block.values()) == {True}

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"downloads": True},
            {"path_pattern": "media/*"},
            {"origin_access": OriginAccess.OAI},
            {"region": "ap-northeast-2", "cors_origins": ()},
            {"cors_origins": (APP, "https://b.example.com")},
            {"domain": HOST, "certificate": CERTIFICATE},
        ],
        ids=["plain", "downloads", "pattern", "identity", "region", "origins", "domain"],
    )
    def test_second_plan_is_empty(
        self, clients: Clients, desired: DesiredState, changes: dict[str, Any]
    ) -> None:
        """Plan everything first, do what was planned and no more, and plan nothing after it."""
        desired, strictly = replace(desired, **changes), strict(clients)
        before = planned(strictly, desired)
        did: list[str] = []

        after = states(
            provisioner(strictly, desired, on_step=lambda step: did.append(step.name)).apply()
        )

        assert set(states(before).values()) - {"done"} == {"todo"}
        assert did == [each.name for each in before if each.call is not None]
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

    def test_domain_without_a_certificate(
        self, clients: Clients, desired: DesiredState, tmp_path: Path
    ) -> None:
        """Set all up but the domain, and name CloudFront's own domain, which works."""
        desired = replace(desired, domain=HOST)
        before = planned(clients, desired)
        after = provisioner(clients, desired).apply()

        assert HOST in find(before, "distribution").why
        assert [each.name for each in after if each.state != "done"] == ["domain"]
        state = ResolvedState(account=reader(clients, desired)(), desired=desired)
        assert state.account.distribution is not None
        assert state.account.distribution.aliases == []
        provider = KeyFile(path=tmp_path / "key.pem")
        setup = SiteSetup(desired=desired, clients=clients, provider=provider)
        settings = setup.settings(replace(state, desired=replace(desired, key=None)))
        assert settings["AWS_S3_CUSTOM_DOMAIN"] == state.account.distribution.domain_name

    def test_domain_with_a_certificate(self, clients: Clients, desired: DesiredState) -> None:
        """Make the distribution with its domain and its certificate, in one call."""
        desired = replace(desired, domain=HOST, certificate=CERTIFICATE)
        provisioner(clients, desired).apply()

        found = reader(clients, desired)().distribution
        assert found is not None
        assert found.aliases == [HOST]
        assert found.config["ViewerCertificate"]["ACMCertificateArn"] == CERTIFICATE


class TestGrownAccount:
    """What people have set up already stays."""

    def test_only_what_is_needed_changes(self, clients: Clients, grown: DesiredState) -> None:
        """Keep every other setting of a distribution that has twenty of them."""
        before = config_of(clients, grown)

        provisioner(strict(clients), grown).apply()

        media, origin = "/CacheBehaviors/Items/0", "/Origins/Items/1"
        assert changed(before, config_of(clients, grown)) == {
            f"{media}/{name}"
            for name in (
                "TrustedKeyGroups",
                "ViewerProtocolPolicy",
                "CachePolicyId",
                "OriginRequestPolicyId",
                "ResponseHeadersPolicyId",
                "ForwardedValues",
                "MinTTL",
                "DefaultTTL",
                "MaxTTL",
            )
        } | {f"{origin}/OriginAccessControlId"}

    def test_policy_and_cors_are_merged(self, clients: Clients, grown: DesiredState) -> None:
        """Lose no statement and no rule."""
        provisioner(clients, grown).apply()

        policy, theirs = policy_of(clients, grown), their_policy(grown.bucket)
        rules = clients.s3.get_bucket_cors(Bucket=grown.bucket)["CORSRules"]
        assert policy["Statement"][:3] == theirs["Statement"]
        assert (policy["Id"], policy["Version"]) == (theirs["Id"], theirs["Version"])
        assert len(policy["Statement"]) == 4
        assert rules[0] == THEIR_RULES[0]
        assert rules[1]["AllowedOrigins"] == [APP]

    def test_without_cors_the_cache_stays_as_it_is(
        self, clients: Clients, grown: DesiredState
    ) -> None:
        """Leave forwarded values alone if nothing asks for a policy."""
        provisioner(strict(clients), replace(grown, cors_origins=())).apply()

        (behavior,) = config_of(clients, grown)["CacheBehaviors"]["Items"]
        assert behavior["DefaultTTL"] == 333
        assert "CachePolicyId" not in behavior

    def test_new_pattern_gets_an_origin_without_a_path(
        self, clients: Clients, grown: DesiredState
    ) -> None:
        """Put a new behavior before the others, on an origin that looks where the site saves."""
        desired = replace(grown, path_pattern="private/*")

        provisioner(strict(clients), desired).apply()

        config = config_of(clients, grown)
        items = config["CacheBehaviors"]["Items"]
        assert [each["PathPattern"] for each in items] == ["private/*", "media/*"]
        assert (find_origin(config, items[0]["TargetOriginId"]) or {})["OriginPath"] == ""
        assert items[1]["TargetOriginId"] == LEGACY_ORIGIN
        assert states(planned(clients, desired))["behavior"] == "done"

    def test_trusted_signers_go_last_and_only_on_request(
        self, clients: Clients, grown: DesiredState
    ) -> None:
        """Trust the key group beside the signers first; drop the signers with the flag alone."""
        first = states(provisioner(strict(clients), grown).apply())
        (both,) = config_of(clients, grown)["CacheBehaviors"]["Items"]
        desired = replace(grown, drops_trusted_signers=True)
        second = states(provisioner(strict(clients), desired).apply())
        (media,) = config_of(clients, grown)["CacheBehaviors"]["Items"]

        assert first["trusted-signers"] == "conflict"
        assert both["TrustedSigners"]["Items"] == ["self"]
        assert both["TrustedKeyGroups"]["Enabled"]
        assert "trusted-signers" not in second
        assert not media["TrustedSigners"]["Enabled"]
        assert media["TrustedKeyGroups"] == both["TrustedKeyGroups"]

    def test_domain_is_added(self, clients: Clients, grown: DesiredState) -> None:
        """Add the domain beside those that are there, once; keep every other field."""
        desired = replace(grown, domain=HOST)
        provisioner(clients, desired).apply()
        before = config_of(clients, desired)
        whole = replace(desired, certificate=CERTIFICATE)

        after = provisioner(clients, whole).apply()

        config = config_of(clients, whole)
        assert config["Aliases"]["Items"] == ["media.example.com", HOST]
        assert {name for name in config if config[name] != before.get(name)} == {
            "Aliases",
            "ViewerCertificate",
        }
        assert states(after)["domain"] == states(planned(clients, whole))["domain"] == "done"

    def test_key_joins_a_group(
        self, clients: Clients, desired: DesiredState, rsa_key: PrivateKey
    ) -> None:
        """Add the key to the group of the settings, and leave the other keys in it."""
        cloudfront = clients.cloudfront
        other = {"CallerReference": "o", "Name": "o", "EncodedKey": rsa_key.public_key.to_pem()}
        other_id = cloudfront.create_public_key(PublicKeyConfig=other)["PublicKey"]["Id"]
        group = cloudfront.create_key_group(KeyGroupConfig={"Name": "g", "Items": [other_id]})
        group_id = group["KeyGroup"]["Id"]

        provisioner(strict(clients), replace(desired, key_group_id=group_id)).apply()

        config = cloudfront.get_key_group(Id=group_id)["KeyGroup"]["KeyGroupConfig"]
        assert config["Items"][0] == other_id
        assert len(config["Items"]) == 2
        assert config["Name"] == "g"


class TestPublicBucket:
    """A bucket that is open to everybody is closed when nobody needs that any more."""

    @pytest.fixture
    def public(self, clients: Clients, grown: DesiredState) -> DesiredState:
        """Open the bucket to everybody."""
        policy = their_policy(grown.bucket)
        policy["Statement"].append({**PUBLIC, "Resource": f"arn:aws:s3:::{grown.bucket}/*"})
        clients.s3.put_bucket_policy(Bucket=grown.bucket, Policy=json.dumps(policy))
        return grown

    def test_reported(self, clients: Clients, public: DesiredState) -> None:
        """Leave it, and Block Public Access with it, to a decision."""
        steps = provisioner(clients, public).apply()

        found = states(steps)
        assert found["public-statements"] == found["block-public-access"] == "conflict"
        assert all(name in find(steps, "public-statements").why for name in ("PublicRead", "--"))
        assert "PublicRead" in [each.get("Sid") for each in policy_of(clients, public)["Statement"]]

    def test_closed_at_the_end(self, clients: Clients, public: DesiredState) -> None:
        """Remove that statement alone, after every edge has the new origin."""
        did: list[str] = []

        provisioner(
            strict(clients, looks=5),
            replace(public, closes_public=True),
            on_step=lambda step: did.append(step.name),
        ).apply()

        assert did[-3:] == ["deployed", "public-statements", "block-public-access"]
        statements = policy_of(clients, public)["Statement"]
        assert statements[:3] == their_policy(public.bucket)["Statement"]
        assert len(statements) == 4

    def test_policy_that_nobody_may_change(self, clients: Clients, public: DesiredState) -> None:
        """Block if S3 would refuse any policy with a public statement; close both on request."""
        clients.s3.put_public_access_block(
            Bucket=public.bucket, PublicAccessBlockConfiguration={"BlockPublicPolicy": True}
        )

        blocked = find(planned(clients, public), "bucket-policy")
        after = states(provisioner(clients, replace(public, closes_public=True)).apply())

        assert blocked.blocks
        assert "--close-public" in blocked.why
        assert after["bucket-policy"] == after["block-public-access"] == "done"

    def test_policy_that_was_only_public(self, clients: Clients, grown: DesiredState) -> None:
        """Keep CloudFront's statement if the public one was the only other."""
        only = {"Version": "2012-10-17", "Statement": {**PUBLIC, "Resource": "arn:aws:s3:::x/*"}}
        clients.s3.put_bucket_policy(Bucket=grown.bucket, Policy=json.dumps(only))

        provisioner(clients, replace(grown, closes_public=True)).apply()

        (statement,) = policy_of(clients, grown)["Statement"]
        assert statement["Principal"] == {"Service": "cloudfront.amazonaws.com"}
