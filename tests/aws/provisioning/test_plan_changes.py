"""Plan what changes, and refuse desired states that no account can fulfil."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.aws.account import Account, NamedConfig
from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.provisioning.desired_state import InvalidDesiredState, OriginAccess
from cfsigned_django.aws.provisioning.plan import next_step, plan
from cfsigned_django.aws.provisioning.steps import Call, conflict, done, todo
from tests.aws.provisioning.accounts import bucket_of, grown_distribution, states
from tests.aws.provisioning.plans import BUCKET, DESIRED, account_with, find


def with_identity() -> Account:
    """Return an account whose origin reads as an identity; the account's were not listed."""
    origins = grown_distribution(BUCKET)["Origins"]["Items"]
    origins[1]["S3OriginConfig"]["OriginAccessIdentity"] = "origin-access-identity/cloudfront/E3"
    return account_with(Origins=list_of(origins))


class TestChanges:
    """What is planned is shown as it would be sent."""

    def test_identity_gives_way_to_control(self) -> None:
        """Take the identity off where a control is asked for; say what ends, keep its statement."""
        desired = replace(DESIRED, origin_access=OriginAccess.OAC)

        found = find(plan(with_identity(), desired), "origin")

        assert "OAI -> OAC, as --origin-access asks" in found.why
        assert "no longer as the identity E3" in found.why
        assert found.after["S3OriginConfig"] == {"OriginAccessIdentity": ""}
        assert '-    "OriginAccessIdentity": "origin-access-identity/cloudfront/E3"' in found.diff

    def test_origin_path_is_told(self) -> None:
        """Say where CloudFront looks, if that is not where a storage saves."""
        with_path = find(plan(account_with(), DESIRED), "origin").why
        origins = grown_distribution(BUCKET)["Origins"]["Items"]
        origins[1]["OriginPath"] = ""
        without = find(plan(account_with(Origins=list_of(origins)), DESIRED), "origin").why

        assert "looks for every file under /files" in with_path
        assert "origin path" not in without

    def test_control_gives_way_to_identity(self) -> None:
        """Say what ends where the older way is asked for."""
        origins = grown_distribution(BUCKET)["Origins"]["Items"]
        origins[1]["OriginAccessControlId"] = "E2"
        desired = replace(DESIRED, origin_access=OriginAccess.OAI)

        found = find(plan(account_with(Origins=list_of(origins)), desired), "origin")

        assert "OAC -> OAI" in found.why
        assert "no longer by the access control E2" in found.why

    @pytest.mark.parametrize("asked", [None, OriginAccess.OAI])
    def test_attached_identity_is_kept(self, asked: OriginAccess | None) -> None:
        """Use the identity that the origin has, unless a control is asked for."""
        steps = plan(with_identity(), replace(DESIRED, origin_access=asked))

        assert states(steps)["origin-access"] == states(steps)["origin"] == "done"
        statement = find(steps, "bucket-policy").after["Statement"][0]
        assert statement["Principal"]["AWS"].endswith("Origin Access Identity E3")

    def test_policies_of_the_owner_are_kept(self) -> None:
        """Leave policies that do what is wished for."""
        items = grown_distribution(BUCKET)["CacheBehaviors"]["Items"]
        own = {"CachePolicyId": "c", "OriginRequestPolicyId": "o", "ResponseHeadersPolicyId": "r"}
        queries = {"QueryStringsConfig": {"QueryStringBehavior": "all"}}
        account = replace(
            account_with(CacheBehaviors=list_of([{**items[0], **own}])),
            cache_policies={
                "c": NamedConfig(
                    id="c",
                    name="c",
                    config={"ParametersInCacheKeyAndForwardedToOrigin": queries},
                )
            },
            origin_request_policies={
                "o": NamedConfig(
                    id="o",
                    name="o",
                    config={**queries, "HeadersConfig": {"HeaderBehavior": "allViewer"}},
                )
            },
        )
        desired = replace(DESIRED, downloads=True, cors_origins=("https://a.example.com",))

        steps = plan(account, desired)

        assert states(steps)["cache-policy"] == states(steps)["origin-request-policy"] == "done"
        assert {name: find(steps, "behavior").after[name] for name in own} == own

    def test_forwarded_values_go(self) -> None:
        """Say, and show, what a cache policy takes the place of; say nothing where all stays."""
        (media,) = grown_distribution(BUCKET)["CacheBehaviors"]["Items"]
        media["ForwardedValues"] = {
            "QueryString": True,
            "Cookies": {"Forward": "none"},
            "Headers": list_of(["Origin"]),
        }
        account = account_with(CacheBehaviors=list_of([media]))

        kept = find(plan(account, DESIRED), "behavior")
        lost = find(
            plan(account, replace(DESIRED, cors_origins=("https://a.example.com",))), "behavior"
        )

        assert "ForwardedValues" not in kept.why
        assert "ForwardedValues, MinTTL, DefaultTTL, MaxTTL go" in lost.why
        assert "(query strings, headers)" in lost.why
        assert '-  "ForwardedValues": {' in lost.diff.splitlines()
        assert '-  "MaxTTL": 3333,' in lost.diff.splitlines()

    @pytest.mark.parametrize(
        ("ownership", "switches", "said", "unsaid"),
        [
            ("ObjectWriter", (), ["objects with a public ACL", "access points", "upload"], []),
            ("BucketOwnerEnforced", (), ["access points"], ["ACL"]),
            ("ObjectWriter", ("IgnorePublicAcls",), ["access points", "upload"], ["objects with"]),
            (
                "ObjectWriter",
                ("BlockPublicAcls", "IgnorePublicAcls", "RestrictPublicBuckets"),
                ["BlockPublicPolicy"],
                ["ends", "upload"],
            ),
        ],
    )
    def test_what_block_public_access_ends(
        self, ownership: str, switches: tuple[str, ...], said: list[str], unsaid: list[str]
    ) -> None:
        """Say what else is public and ends, of that alone which is still open."""
        account = account_with()
        bucket = replace(
            bucket_of(account),
            object_ownership=ownership,
            public_access_block=dict.fromkeys(switches, True),
        )

        why = find(plan(replace(account, bucket=bucket), DESIRED), "block-public-access").why

        found = [each for each in (*said, *unsaid) if each in why]
        assert found == said

    def test_objects_of_other_accounts(self) -> None:
        """Say what object ownership means for CloudFront."""
        found = find(plan(account_with(), DESIRED), "object-ownership")

        assert found.state == "done"
        assert "ObjectWriter" in found.why

    def test_waits_after_changes(self) -> None:
        """Plan the wait where something changes, and where edges are still being told."""
        steps = plan(account_with(), DESIRED)

        assert find(steps, "deployed").state == "todo"
        assert find(steps, "origin").call is not None
        assert next_step(steps) == find(steps, "public-key")

    def test_if_match(self) -> None:
        """Send the version that the change was planned for."""
        call = find(plan(account_with(), DESIRED), "behavior").call

        assert call is not None
        assert call.arguments["IfMatch"] == "ETAG"
        assert call.arguments["Id"] == "E1234567"


class TestSteps:
    """A step says what it is."""

    def test_diff(self) -> None:
        """Show the lines that change, with their neighbours."""
        step = todo("x", "why", before={"a": 1, "b": 2}, after={"a": 1, "b": 3})

        assert step.diff.splitlines()[1:] == [" {", '   "a": 1,', '-  "b": 2', '+  "b": 3', " }"]
        assert done("x", "why").diff == conflict("x", "why").diff == ""

    def test_permission(self) -> None:
        """Name the IAM action, which for S3 is not always the operation."""
        cors = Call(service="s3", operation="PutBucketCors", action="PutBucketCORS", arguments={})

        assert (str(cors), cors.permission) == ("s3:PutBucketCors", "s3:PutBucketCORS")


class TestDesiredState:
    """What AWS would not take is refused before it is asked."""

    @pytest.mark.parametrize(
        ("field", "value", "said"),
        [
            ("bucket", "Media", "lower-case"),
            ("bucket", "a..b", "lower-case"),
            ("bucket", "xn--media", "lower-case"),
            ("distribution_id", "d111.cloudfront.net", "under ID"),
            ("creates_distribution", True, "contradict"),
            ("path_pattern", "media/한글/*", "path pattern"),
            ("path_pattern", "x" * 256, "path pattern"),
            ("domain", "https://media.example.com", "no domain"),
            ("cors_origins", ("https://a.example.com/",), "no origin"),
            ("cors_origins", ("a.example.com",), "no origin"),
        ],
    )
    def test_refused(self, field: str, value: Any, said: str) -> None:
        """Say what is wanted instead."""
        with pytest.raises(InvalidDesiredState, match=said):
            replace(DESIRED, **{field: value})
