"""Bring accounts in the emulator to what is wished for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.aws.client import AwsError
from cfsigned_django.aws.documents.bucket_policy import says_the_same
from cfsigned_django.aws.provisioning.wish import OriginAccess, Wish
from cfsigned_django.aws.stack import Clients
from cfsigned_django.signing import PrivateKey
from tests.setup.accounts import (
    LEGACY_ORIGIN,
    THEIR_RULES,
    make_grown_account,
    planned,
    provisioner,
    reader,
    site_key,
    states,
    their_policy,
)
from tests.setup.strict import strict
from tests.simulation.answers import refusal

APP = "https://www.example.com"


@pytest.fixture
def wish(bucket_name: str, ec_key: PrivateKey) -> Wish:
    """Return the wish for a new distribution with CORS."""
    return Wish(
        bucket=bucket_name,
        creates_distribution=True,
        cors_origins=(APP,),
        key=site_key(ec_key),
    )


@pytest.fixture
def grown(clients: Clients, bucket_name: str, ec_key: PrivateKey) -> Wish:
    """Return the wish for media/* of a distribution that somebody has made by hand."""
    return Wish(
        bucket=bucket_name,
        distribution_id=make_grown_account(clients, bucket_name),
        path_pattern="media/*",
        cors_origins=(APP,),
        key=site_key(ec_key),
    )


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


class TestFromNothing:
    """An empty account becomes a private site."""

    def test_end_state(self, clients: Clients, wish: Wish, aws_account: str) -> None:
        """Make what AWS documents, read back with boto3."""
        provisioner(strict(clients), wish).apply()

        cloudfront, s3 = clients.cloudfront, clients.s3
        (key,) = cloudfront.list_public_keys()["PublicKeyList"]["Items"]
        (group,) = cloudfront.list_key_groups()["KeyGroupList"]["Items"]
        (control,) = cloudfront.list_origin_access_controls()["OriginAccessControlList"]["Items"]
        (summary,) = cloudfront.list_distributions()["DistributionList"]["Items"]
        distribution = cloudfront.get_distribution(Id=summary["Id"])["Distribution"]
        config = distribution["DistributionConfig"]
        (origin,) = config["Origins"]["Items"]
        behavior = config["DefaultCacheBehavior"]
        policy = json.loads(s3.get_bucket_policy(Bucket=wish.bucket)["Policy"])
        cors = s3.get_bucket_cors(Bucket=wish.bucket)["CORSRules"]
        block = s3.get_public_access_block(Bucket=wish.bucket)

        assert group["KeyGroup"]["KeyGroupConfig"]["Items"] == [key["Id"]]
        assert control["SigningProtocol"] == "sigv4"
        assert control["SigningBehavior"] == "always"
        assert control["OriginAccessControlOriginType"] == "s3"
        assert origin["DomainName"] == f"{wish.bucket}.s3.us-east-1.amazonaws.com"
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
                "Resource": f"arn:aws:s3:::{wish.bucket}/*",
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
        ],
        ids=["plain", "downloads", "pattern", "identity", "region"],
    )
    def test_second_plan_is_empty(
        self, clients: Clients, wish: Wish, changes: dict[str, Any]
    ) -> None:
        """Plan everything first, and nothing after it was done."""
        wish = replace(wish, **changes)
        strictly = strict(clients)
        before = states(planned(strictly, wish))

        after = states(provisioner(strictly, wish).apply())

        assert set(before.values()) - {"done"} == {"todo"}
        assert set(after.values()) == {"done"}
        assert states(planned(strictly, wish)) == after

    def test_second_run_sends_nothing(self, clients: Clients, wish: Wish) -> None:
        """Call nothing that changes anything in a second run."""
        provisioner(clients, wish).apply()
        sent: list[str] = []
        for client in (clients.cloudfront, clients.s3):
            client.meta.events.register(
                "before-call", lambda model, **event: sent.append(model.name)
            )

        provisioner(clients, wish).apply()

        assert sent
        assert {each for each in sent if not each.startswith(("Get", "List", "Head"))} == set()

    def test_each_call_was_in_the_plan(self, clients: Clients, wish: Wish) -> None:
        """Do nothing that the plan did not show."""
        shown = [step.name for step in planned(clients, wish) if step.call is not None]
        did: list[str] = []

        provisioner(clients, wish, on_step=lambda step: did.append(step.name)).apply()

        assert did == shown


class TestGrownAccount:
    """What people have set up already stays."""

    def test_only_what_is_needed_changes(self, clients: Clients, grown: Wish) -> None:
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

    def test_policy_and_cors_are_merged(self, clients: Clients, grown: Wish) -> None:
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

    def test_without_cors_the_cache_stays_as_it_is(self, clients: Clients, grown: Wish) -> None:
        """Leave forwarded values alone where nothing asks for a policy."""
        provisioner(strict(clients), replace(grown, cors_origins=())).apply()

        config = clients.cloudfront.get_distribution_config(Id=grown.distribution_id)
        (behavior,) = config["DistributionConfig"]["CacheBehaviors"]["Items"]
        assert behavior["DefaultTTL"] == 333
        assert "CachePolicyId" not in behavior

    def test_new_pattern_takes_the_bucket_as_its_origin(
        self, clients: Clients, grown: Wish
    ) -> None:
        """Put a new behavior before the others, on the origin that is the bucket already."""
        wish = replace(grown, path_pattern="private/*")

        provisioner(strict(clients), wish).apply()

        config = clients.cloudfront.get_distribution_config(Id=grown.distribution_id)
        items = config["DistributionConfig"]["CacheBehaviors"]["Items"]
        assert [each["PathPattern"] for each in items] == ["private/*", "media/*"]
        assert items[0]["TargetOriginId"] == LEGACY_ORIGIN
        assert states(planned(clients, wish))["behavior"] == "done"

    def test_trusted_signers_go_last_and_only_on_request(
        self, clients: Clients, grown: Wish
    ) -> None:
        """Trust the key group beside the signers first; drop the signers with the flag alone."""
        get = clients.cloudfront.get_distribution_config

        def media() -> dict[str, Any]:
            config = get(Id=grown.distribution_id)["DistributionConfig"]
            found: dict[str, Any] = config["CacheBehaviors"]["Items"][0]
            return found

        first = states(provisioner(strict(clients), grown).apply())
        both = media()
        wish = replace(grown, drops_trusted_signers=True)
        second = states(provisioner(strict(clients), wish).apply())

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
    def public(self, clients: Clients, grown: Wish) -> Wish:
        """Open the bucket to everybody."""
        policy = their_policy(grown.bucket)
        policy["Statement"].append({**PUBLIC, "Resource": f"arn:aws:s3:::{grown.bucket}/*"})
        clients.s3.put_bucket_policy(Bucket=grown.bucket, Policy=json.dumps(policy))
        return grown

    def test_reported(self, clients: Clients, public: Wish) -> None:
        """Leave it, and Block Public Access with it, to a decision."""
        steps = provisioner(clients, public).apply()

        found = states(steps)
        assert found["public-statements"] == found["block-public-access"] == "conflict"
        assert any("PublicRead" in each.why and "--close-public" in each.why for each in steps)
        policy = json.loads(clients.s3.get_bucket_policy(Bucket=public.bucket)["Policy"])
        assert PUBLIC["Sid"] in [each.get("Sid") for each in policy["Statement"]]

    def test_closed_at_the_end(self, clients: Clients, public: Wish) -> None:
        """Remove that statement alone, after every edge has the new origin."""
        wish = replace(public, closes_public=True)
        did: list[str] = []

        provisioner(
            strict(clients, looks=5), wish, on_step=lambda step: did.append(step.name)
        ).apply()

        assert did[-3:] == ["deployed", "public-statements", "block-public-access"]
        policy = json.loads(clients.s3.get_bucket_policy(Bucket=public.bucket)["Policy"])
        assert policy["Statement"][:3] == their_policy(public.bucket)["Statement"]
        assert len(policy["Statement"]) == 4

    def test_policy_that_nobody_may_change(self, clients: Clients, public: Wish) -> None:
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

    def test_policy_that_was_only_public(self, clients: Clients, grown: Wish) -> None:
        """Keep CloudFront's statement where the public one was the only other."""
        only = {"Version": "2012-10-17", "Statement": {**PUBLIC, "Resource": "arn:aws:s3:::x/*"}}
        clients.s3.put_bucket_policy(Bucket=grown.bucket, Policy=json.dumps(only))

        provisioner(clients, replace(grown, closes_public=True)).apply()

        policy = json.loads(clients.s3.get_bucket_policy(Bucket=grown.bucket)["Policy"])
        assert [each["Principal"] for each in policy["Statement"]] == [
            {"Service": "cloudfront.amazonaws.com"}
        ]


class TestMeanwhile:
    """Others change things, and CloudFront takes its time."""

    def test_waits_for_every_edge(self, clients: Clients, wish: Wish) -> None:
        """Look until the status is Deployed, and tell how long it has been."""
        waited: list[int] = []
        clock = iter(range(0, 10_000, 15))

        after = provisioner(
            strict(clients, looks=6),
            wish,
            on_wait=waited.append,
            monotonic=lambda: float(next(clock)),
        ).apply()

        assert states(after)["deployed"] == "done"
        assert len(waited) > 1
        assert waited == sorted(waited)

    def test_waits_no_longer_than_that(self, clients: Clients, wish: Wish) -> None:
        """Give up after 45 minutes, and say that a second run goes on."""
        clock = iter(range(0, 10_000_000, 1000))

        with pytest.raises(AwsError, match="run this again") as caught:
            provisioner(
                strict(clients, looks=10_000), wish, monotonic=lambda: float(next(clock))
            ).apply()

        assert caught.value.code == "NotDeployed"
        assert caught.value.is_temporary

    def test_change_of_somebody_else(self, clients: Clients, grown: Wish) -> None:
        """Look anew where the distribution was changed between the look and the call."""
        cloudfront = clients.cloudfront
        read = reader(clients, grown)
        looks = 0

        def read_and_be_late() -> Any:
            nonlocal looks
            stack = read()
            looks += 1
            if looks < 8:
                answer = cloudfront.get_distribution_config(Id=grown.distribution_id)
                config = {**answer["DistributionConfig"], "Comment": f"change {looks}"}
                cloudfront.update_distribution(
                    Id=grown.distribution_id, IfMatch=answer["ETag"], DistributionConfig=config
                )
            return stack

        after = provisioner(clients, grown, read=read_and_be_late).apply()

        config = cloudfront.get_distribution_config(Id=grown.distribution_id)
        assert states(after)["behavior"] == "done"
        assert config["DistributionConfig"]["Comment"] == "change 7"

    def test_something_undoes_it(self, clients: Clients, wish: Wish) -> None:
        """Give up on a step that never shows any effect."""
        stuck = reader(clients, wish)()

        with pytest.raises(AwsError, match="shows no change"):
            provisioner(clients, wish, read=lambda: stuck).apply()

    @pytest.mark.parametrize(
        ("code", "said"),
        [
            ("AccessDenied", "do not allow s3:PutBucketPolicy"),
            ("Throttling", "fewer calls per second"),
            ("AuthorizationHeaderMalformed", "AWS_S3_REGION_NAME"),
        ],
    )
    def test_refused_in_the_middle(
        self, clients: Clients, wish: Wish, code: str, said: str
    ) -> None:
        """Say in one sentence what AWS refused; the next run goes on from there."""

        def refuse(**event: Any) -> None:
            raise refusal(code, "PutBucketPolicy")

        events = clients.s3.meta.events
        events.register("provide-client-params.s3.PutBucketPolicy", refuse)
        with pytest.raises(AwsError, match=said):
            provisioner(clients, wish).apply()
        events.unregister("provide-client-params.s3.PutBucketPolicy", refuse)

        assert set(states(provisioner(clients, wish).apply()).values()) == {"done"}

    def test_made_by_somebody_else(self, clients: Clients, wish: Wish) -> None:
        """Take over what another run has made in the same second."""
        read = reader(clients, wish)
        stale: list[Any] = [read()] * 2

        def read_late() -> Any:
            return stale.pop() if stale else read()

        provisioner(clients, wish, read=read_late).apply()

        listed = clients.cloudfront.list_key_groups()["KeyGroupList"]["Items"]
        assert len(listed) == 1

    def test_bucket_that_was_taken_meanwhile(
        self, clients: Clients, wish: Wish, ministack: Any
    ) -> None:
        """Say that the name is somebody else's."""
        read = reader(clients, wish)
        taken: Callable[..., Any] = ministack.client("s3", account="999999999998").create_bucket

        def read_before() -> Any:
            return replace(read(), bucket=missing)

        missing = read().bucket
        taken(Bucket=wish.bucket)

        with pytest.raises(AwsError, match="another AWS account has a bucket of that name"):
            provisioner(clients, wish, read=read_before).apply()


class TestKeyGroups:
    """The key goes into a group, beside the keys of others."""

    def test_joins_a_group(self, clients: Clients, wish: Wish, rsa_key: PrivateKey) -> None:
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

        provisioner(strict(clients), replace(wish, key_group_id=group_id)).apply()

        config = cloudfront.get_key_group(Id=group_id)["KeyGroup"]["KeyGroupConfig"]
        assert config["Items"][0] == other_id
        assert len(config["Items"]) == 2
        assert config["Name"] == "g"
