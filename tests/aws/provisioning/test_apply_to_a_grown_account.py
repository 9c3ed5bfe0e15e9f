"""Set up in an account in which somebody has made things by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.documents.distribution import find_origin
from cfsigned_django.aws.provisioning.desired_state import DesiredState
from tests.aws.provisioning.accounts import (
    LEGACY_ORIGIN,
    THEIR_RULES,
    planned,
    provisioner,
    states,
    their_policy,
)
from tests.aws.provisioning.changes import APP, changed
from tests.aws.provisioning.strict import strict


class TestGrownAccount:
    """What people have set up already stays."""

    def test_only_what_is_needed_changes(self, clients: Clients, grown: DesiredState) -> None:
        """Keep every other setting of a distribution that has twenty of them."""
        get = clients.cloudfront.get_distribution_config
        before = get(Id=grown.distribution_id)["DistributionConfig"]

        provisioner(strict(clients), grown).apply()

        after = get(Id=grown.distribution_id)["DistributionConfig"]
        media, origin = "/CacheBehaviors/Items/0", "/Origins/Items/1"
        assert changed(before, after) == {
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

        policy = json.loads(clients.s3.get_bucket_policy(Bucket=grown.bucket)["Policy"])
        rules = clients.s3.get_bucket_cors(Bucket=grown.bucket)["CORSRules"]
        theirs = their_policy(grown.bucket)
        assert policy["Statement"][:3] == theirs["Statement"]
        assert (policy["Id"], policy["Version"]) == (theirs["Id"], theirs["Version"])
        assert len(policy["Statement"]) == 4
        assert rules[0] == THEIR_RULES[0]
        assert rules[1]["AllowedOrigins"] == [APP]

    def test_without_cors_the_cache_stays_as_it_is(
        self, clients: Clients, grown: DesiredState
    ) -> None:
        """Leave forwarded values alone where nothing asks for a policy."""
        provisioner(strict(clients), replace(grown, cors_origins=())).apply()

        config = clients.cloudfront.get_distribution_config(Id=grown.distribution_id)
        (behavior,) = config["DistributionConfig"]["CacheBehaviors"]["Items"]
        assert behavior["DefaultTTL"] == 333
        assert "CachePolicyId" not in behavior

    def test_new_pattern_gets_an_origin_without_a_path(
        self, clients: Clients, grown: DesiredState
    ) -> None:
        """Put a new behavior before the others, on an origin that looks where the site saves."""
        desired = replace(grown, path_pattern="private/*")

        provisioner(strict(clients), desired).apply()

        answer = clients.cloudfront.get_distribution_config(Id=grown.distribution_id)
        config = answer["DistributionConfig"]
        items = config["CacheBehaviors"]["Items"]
        assert [each["PathPattern"] for each in items] == ["private/*", "media/*"]
        assert (find_origin(config, items[0]["TargetOriginId"]) or {})["OriginPath"] == ""
        assert items[1]["TargetOriginId"] == LEGACY_ORIGIN
        assert states(planned(clients, desired))["behavior"] == "done"

    def test_trusted_signers_go_last_and_only_on_request(
        self, clients: Clients, grown: DesiredState
    ) -> None:
        """Trust the key group beside the signers first; drop the signers with the flag alone."""
        get = clients.cloudfront.get_distribution_config

        def media() -> dict[str, Any]:
            config = get(Id=grown.distribution_id)["DistributionConfig"]
            found: dict[str, Any] = config["CacheBehaviors"]["Items"][0]
            return found

        first = states(provisioner(strict(clients), grown).apply())
        both = media()
        desired = replace(grown, drops_trusted_signers=True)
        second = states(provisioner(strict(clients), desired).apply())

        assert first["trusted-signers"] == "conflict"
        assert both["TrustedSigners"]["Items"] == ["self"]
        assert both["TrustedKeyGroups"]["Enabled"]
        assert "trusted-signers" not in second
        assert not media()["TrustedSigners"]["Enabled"]
        assert media()["TrustedKeyGroups"] == both["TrustedKeyGroups"]


PUBLIC = {
    "Sid": "PublicRead",
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:GetObject",
}


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
        assert any("PublicRead" in each.why and "--close-public" in each.why for each in steps)
        policy = json.loads(clients.s3.get_bucket_policy(Bucket=public.bucket)["Policy"])
        assert PUBLIC["Sid"] in [each.get("Sid") for each in policy["Statement"]]

    def test_closed_at_the_end(self, clients: Clients, public: DesiredState) -> None:
        """Remove that statement alone, after every edge has the new origin."""
        desired = replace(public, closes_public=True)
        did: list[str] = []

        provisioner(
            strict(clients, looks=5), desired, on_step=lambda step: did.append(step.name)
        ).apply()

        assert did[-3:] == ["deployed", "public-statements", "block-public-access"]
        policy = json.loads(clients.s3.get_bucket_policy(Bucket=public.bucket)["Policy"])
        assert policy["Statement"][:3] == their_policy(public.bucket)["Statement"]
        assert len(policy["Statement"]) == 4

    def test_policy_that_nobody_may_change(self, clients: Clients, public: DesiredState) -> None:
        """Say so where S3 would refuse any policy with a public statement; close both at once."""
        clients.s3.put_public_access_block(
            Bucket=public.bucket,
            PublicAccessBlockConfiguration={"BlockPublicPolicy": True},
        )

        blocked = next(each for each in planned(clients, public) if each.name == "bucket-policy")
        after = states(provisioner(clients, replace(public, closes_public=True)).apply())

        assert blocked.blocks
        assert "--close-public" in blocked.why
        assert after["bucket-policy"] == after["block-public-access"] == "done"

    def test_policy_that_was_only_public(self, clients: Clients, grown: DesiredState) -> None:
        """Keep CloudFront's statement where the public one was the only other."""
        only = {"Version": "2012-10-17", "Statement": {**PUBLIC, "Resource": "arn:aws:s3:::x/*"}}
        clients.s3.put_bucket_policy(Bucket=grown.bucket, Policy=json.dumps(only))

        provisioner(clients, replace(grown, closes_public=True)).apply()

        policy = json.loads(clients.s3.get_bucket_policy(Bucket=grown.bucket)["Policy"])
        assert [each["Principal"] for each in policy["Statement"]] == [
            {"Service": "cloudfront.amazonaws.com"}
        ]
