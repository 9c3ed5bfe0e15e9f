"""Plan without any account: what a person has to decide, and in words why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.aws.bucket import Bucket, BucketState
from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.policies import Named
from cfsigned_django.aws.provisioning.plan import blockers, next_step, plan
from cfsigned_django.aws.provisioning.steps import Call, Step, conflict, done, todo
from cfsigned_django.aws.provisioning.wish import OriginAccess, SiteKey, Wish, WishError
from cfsigned_django.aws.stack import Distribution, Stack
from tests.setup.accounts import LEGACY_ORIGIN, grown_distribution, states

BUCKET = "media-bucket"
KEY = SiteKey(name="cfsigned-1", caller_reference="1", public_key_pem="PEM")
WISH = Wish(bucket=BUCKET, distribution_id="E1234567", path_pattern="media/*", key=KEY)


def stack(**config: Any) -> Stack:
    """Return an account with a bucket, and a distribution with these fields changed."""
    return Stack(
        account_id="111122223333",
        partition="aws",
        bucket=Bucket(name=BUCKET, state=BucketState.OURS, region="us-east-1"),
        distribution=Distribution(
            id="E1234567",
            arn="arn:aws:cloudfront::111122223333:distribution/E1234567",
            status="Deployed",
            domain_name="d111111abcdef8.cloudfront.net",
            etag="ETAG",
            config={**grown_distribution(BUCKET), **config},
            active_key_pairs={},
        ),
        public_keys=(),
        key_groups=(),
        access_controls=(),
        access_identities=(),
        cache_policies={},
        origin_request_policies={},
    )


def find(steps: list[Step], name: str) -> Step:
    """Return the step of that name."""
    return next(each for each in steps if each.name == name)


class TestConflicts:
    """What this code must not decide is named, with what to do."""

    def test_bucket_of_somebody_else(self) -> None:
        """Change nothing where the bucket is not ours; name the account of the credentials."""
        account = replace(stack(), bucket=Bucket(name=BUCKET, state=BucketState.REFUSED))

        steps = plan(account, WISH)

        assert [each.name for each in blockers(steps)] == ["bucket"]
        assert "111122223333" in find(steps, "bucket").why
        assert "s3:ListBucket" in find(steps, "bucket").why

    def test_region_of_the_settings(self) -> None:
        """Name the setting where the bucket is in another region."""
        found = find(plan(stack(), replace(WISH, region="eu-west-1")), "bucket")

        assert found.state == "conflict"
        assert 'AWS_S3_REGION_NAME = "us-east-1"' in found.why
        assert not found.blocks

    def test_no_distribution(self) -> None:
        """Make no distribution unasked."""
        account = replace(stack(), distribution=None)
        wish = replace(WISH, distribution_id=None)

        found = find(plan(account, wish), "distribution")

        assert found.blocks
        assert "--create" in found.why

    def test_disabled_distribution(self) -> None:
        """Say that a disabled distribution answers nobody."""
        assert "disabled" in find(plan(stack(Enabled=False), WISH), "distribution").why

    def test_behavior_of_another_origin(self) -> None:
        """Take no behavior away from another origin."""
        steps = plan(stack(), replace(WISH, path_pattern=None))

        assert find(steps, "distribution").blocks
        assert "app.example.com" in find(steps, "distribution").why
        assert "behavior" not in states(steps)

    def test_website_endpoint(self) -> None:
        """Say that a website endpoint takes no access control."""
        origins = grown_distribution(BUCKET)["Origins"]["Items"]
        origins[1]["DomainName"] = f"{BUCKET}.s3-website.us-east-1.amazonaws.com"

        found = find(plan(stack(Origins=list_of(origins)), WISH), "distribution")

        assert "website endpoint" in found.why

    def test_origin_group(self) -> None:
        """Leave a behavior alone that serves a group of origins."""
        items = grown_distribution(BUCKET)["CacheBehaviors"]["Items"]
        items[0]["TargetOriginId"] = "group-of-two"

        found = find(plan(stack(CacheBehaviors=list_of(items)), WISH), "distribution")

        assert "group-of-two" in found.why

    def test_unknown_key_group(self) -> None:
        """Name the setting where the key group is not in the account."""
        found = find(plan(stack(), replace(WISH, key_group_id="group-1")), "key-group")

        assert found.blocks
        assert "AWS_CLOUDFRONT_KEY_GROUP_ID" in found.why

    def test_access_control_that_does_not_sign(self) -> None:
        """Leave an access control to its owner that does not sign every request."""
        origins = grown_distribution(BUCKET)["Origins"]["Items"]
        origins[1]["OriginAccessControlId"] = "E2"
        account = replace(
            stack(Origins=list_of(origins)),
            access_controls=(Named(id="E2", name="x", config={"SigningBehavior": "never"}),),
        )

        found = find(plan(account, WISH), "origin-access")

        assert found.state == "conflict"
        assert "never" in found.why

    def test_domain_without_an_alias(self) -> None:
        """Say what a domain of one's own needs."""
        wish = replace(WISH, domain="files.example.com")

        found = find(plan(stack(), wish), "domain")

        assert found.state == "conflict"
        assert "ACM in us-east-1" in found.why
        assert find(plan(stack(), replace(WISH, domain="media.example.com")), "domain").state == (
            "done"
        )
        own = replace(WISH, domain="d111111abcdef8.cloudfront.net")
        assert "domain" not in states(plan(stack(), own))

    def test_earlier_open_behavior(self) -> None:
        """Name an open behavior that CloudFront tries first."""
        items = grown_distribution(BUCKET)["CacheBehaviors"]["Items"]
        jpg = {**items[0], "PathPattern": "*.jpg", "TrustedSigners": {"Enabled": False}}

        found = find(plan(stack(CacheBehaviors=list_of([jpg, *items])), WISH), "earlier-behaviors")

        assert found.state == "conflict"
        assert "*.jpg" in found.why


class TestChanges:
    """What is planned is shown as it would be sent."""

    def test_identity_gives_way_to_control(self) -> None:
        """Take the identity off an origin that gets an access control, and keep its statement."""
        origins = grown_distribution(BUCKET)["Origins"]["Items"]
        origins[1]["S3OriginConfig"]["OriginAccessIdentity"] = (
            "origin-access-identity/cloudfront/E3"
        )

        found = find(plan(stack(Origins=list_of(origins)), WISH), "origin")

        assert found.after["S3OriginConfig"] == {"OriginAccessIdentity": ""}
        assert '-    "OriginAccessIdentity": "origin-access-identity/cloudfront/E3"' in found.diff

    def test_attached_identity_is_kept(self) -> None:
        """Use the identity that the origin has, where identities are wished for."""
        origins = grown_distribution(BUCKET)["Origins"]["Items"]
        origins[1]["S3OriginConfig"]["OriginAccessIdentity"] = (
            "origin-access-identity/cloudfront/E3"
        )
        account = replace(
            stack(Origins=list_of(origins)),
            access_identities=(Named(id="E3", name="theirs", config={}),),
        )

        steps = plan(account, replace(WISH, origin_access=OriginAccess.OAI))

        assert states(steps)["origin-access"] == states(steps)["origin"] == "done"
        statement = find(steps, "bucket-policy").after["Statement"][0]
        assert statement["Principal"]["AWS"].endswith("Origin Access Identity E3")

    def test_policies_of_the_owner_are_kept(self) -> None:
        """Leave policies that do what is wished for."""
        items = grown_distribution(BUCKET)["CacheBehaviors"]["Items"]
        own = {"CachePolicyId": "c", "OriginRequestPolicyId": "o", "ResponseHeadersPolicyId": "r"}
        queries = {"QueryStringsConfig": {"QueryStringBehavior": "all"}}
        account = replace(
            stack(CacheBehaviors=list_of([{**items[0], **own}])),
            cache_policies={
                "c": Named(
                    id="c",
                    name="c",
                    config={"ParametersInCacheKeyAndForwardedToOrigin": queries},
                )
            },
            origin_request_policies={
                "o": Named(
                    id="o",
                    name="o",
                    config={**queries, "HeadersConfig": {"HeaderBehavior": "allViewer"}},
                )
            },
        )
        wish = replace(WISH, downloads=True, cors_origins=("https://a.example.com",))

        steps = plan(account, wish)

        assert states(steps)["cache-policy"] == states(steps)["origin-request-policy"] == "done"
        assert {name: find(steps, "behavior").after[name] for name in own} == own

    def test_objects_of_other_accounts(self) -> None:
        """Say what object ownership means for CloudFront."""
        found = find(plan(stack(), WISH), "object-ownership")

        assert found.state == "done"
        assert "ObjectWriter" in found.why

    def test_waits_after_changes(self) -> None:
        """Plan the wait where something changes, and where edges are still being told."""
        steps = plan(stack(), WISH)

        assert find(steps, "deployed").state == "todo"
        assert find(steps, "origin").call is not None
        assert next_step(steps) == find(steps, "public-key")

    def test_if_match(self) -> None:
        """Send the version that the change was planned for."""
        call = find(plan(stack(), WISH), "behavior").call

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


class TestWish:
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
        with pytest.raises(WishError, match=said):
            replace(WISH, **{field: value})

    def test_origin_of_a_legacy_bucket(self) -> None:
        """Take the origin that is there for a new behavior."""
        steps = plan(stack(), replace(WISH, path_pattern="private/*"))

        assert find(steps, "behavior").after["TargetOriginId"] == LEGACY_ORIGIN
        assert find(steps, "behavior").before is None
