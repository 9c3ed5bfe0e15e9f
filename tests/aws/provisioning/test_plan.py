"""Name what a person has to decide, and in words why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cfsigned_django.aws.account import Account, Bucket, BucketState, NamedConfig
from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.documents.distribution import new_origin
from cfsigned_django.aws.provisioning.plan import blockers, plan
from tests.aws.provisioning.accounts import LEGACY_ORIGIN, grown_distribution, states
from tests.aws.provisioning.plans import BUCKET, DESIRED, account_with, find


class TestConflicts:
    """What this code must not decide is named, with what to do."""

    def test_bucket_of_somebody_else(self) -> None:
        """Change nothing where the bucket is not ours; name the account of the credentials."""
        account = replace(account_with(), bucket=Bucket(name=BUCKET, state=BucketState.REFUSED))

        steps = plan(account, DESIRED)

        assert [each.name for each in blockers(steps)] == ["bucket"]
        assert "111122223333" in find(steps, "bucket").why
        assert "s3:ListBucket" in find(steps, "bucket").why

    def test_region_of_the_settings(self) -> None:
        """Name the setting where the bucket is in another region."""
        found = find(plan(account_with(), replace(DESIRED, region="eu-west-1")), "bucket")

        assert found.state == "conflict"
        assert 'AWS_S3_REGION_NAME = "us-east-1"' in found.why
        assert not found.blocks

    def test_no_distribution(self) -> None:
        """Make no distribution unasked."""
        account = replace(account_with(), distribution=None)
        desired = replace(DESIRED, distribution_id=None)

        found = find(plan(account, desired), "distribution")

        assert found.blocks
        assert "--create" in found.why

    def test_disabled_distribution(self) -> None:
        """Say that a disabled distribution answers nobody."""
        assert "disabled" in find(plan(account_with(Enabled=False), DESIRED), "distribution").why

    def test_behavior_of_another_origin(self) -> None:
        """Take no behavior away from another origin."""
        steps = plan(account_with(), replace(DESIRED, path_pattern=None))

        assert find(steps, "distribution").blocks
        assert "app.example.com" in find(steps, "distribution").why
        assert "behavior" not in states(steps)

    def test_website_endpoint(self) -> None:
        """Say that a website endpoint takes no access control."""
        origins = grown_distribution(BUCKET)["Origins"]["Items"]
        origins[1]["DomainName"] = f"{BUCKET}.s3-website.us-east-1.amazonaws.com"

        found = find(plan(account_with(Origins=list_of(origins)), DESIRED), "distribution")

        assert "website endpoint" in found.why

    def test_origin_group(self) -> None:
        """Leave a behavior alone that serves a group of origins."""
        items = grown_distribution(BUCKET)["CacheBehaviors"]["Items"]
        items[0]["TargetOriginId"] = "group-of-two"

        found = find(plan(account_with(CacheBehaviors=list_of(items)), DESIRED), "distribution")

        assert "group-of-two" in found.why

    def test_unknown_key_group(self) -> None:
        """Name the setting where the key group is not in the account."""
        found = find(plan(account_with(), replace(DESIRED, key_group_id="group-1")), "key-group")

        assert found.blocks
        assert "AWS_CLOUDFRONT_KEY_GROUP_ID" in found.why

    def test_access_control_that_does_not_sign(self) -> None:
        """Leave an access control to its owner that does not sign every request."""
        origins = grown_distribution(BUCKET)["Origins"]["Items"]
        origins[1]["OriginAccessControlId"] = "E2"
        account = replace(
            account_with(Origins=list_of(origins)),
            access_controls=(NamedConfig(id="E2", name="x", config={"SigningBehavior": "never"}),),
        )

        found = find(plan(account, DESIRED), "origin-access")

        assert found.state == "conflict"
        assert "never" in found.why

    def test_domain_without_an_alias(self) -> None:
        """Say what a domain of one's own needs."""
        desired = replace(DESIRED, domain="files.example.com")

        found = find(plan(account_with(), desired), "domain")

        assert found.state == "conflict"
        assert "ACM in us-east-1" in found.why
        assert find(
            plan(account_with(), replace(DESIRED, domain="media.example.com")), "domain"
        ).state == ("done")
        own = replace(DESIRED, domain="d111111abcdef8.cloudfront.net")
        assert "domain" not in states(plan(account_with(), own))

    def test_earlier_open_behavior(self) -> None:
        """Name an open behavior that CloudFront tries first."""
        items = grown_distribution(BUCKET)["CacheBehaviors"]["Items"]
        jpg = {**items[0], "PathPattern": "*.jpg", "TrustedSigners": {"Enabled": False}}

        found = find(
            plan(account_with(CacheBehaviors=list_of([jpg, *items])), DESIRED), "earlier-behaviors"
        )

        assert found.state == "conflict"
        assert "*.jpg" in found.why

    def test_new_behavior_before_open_ones(self) -> None:
        """Call a behavior that will be tried later no earlier one, and say what it loses."""
        steps = plan(with_open("*.jpg"), DESIRED)

        assert "earlier-behaviors" not in states(steps)
        assert "before *.jpg, and takes what both match" in find(steps, "behavior").why

    def test_new_behavior_without_a_place(self) -> None:
        """Change nothing where a more specific behavior stands behind one that takes our files."""
        steps = plan(with_open("media/public/*", "*.jpg", "media/invoices/*"), DESIRED)

        assert [each.name for each in blockers(steps)] == ["behavior"]
        assert "move media/invoices/* before *.jpg" in find(steps, "behavior").why

    @pytest.mark.parametrize(("folder", "leaks"), [("/media", True), ("/static", False)])
    def test_open_behavior_with_an_origin_path(self, folder: str, leaks: bool) -> None:
        """Name an open behavior that serves the files under other paths, wherever it stands."""
        grown = grown_distribution(BUCKET)
        twin = {**new_origin(BUCKET, "us-east-1"), "Id": "twin", "OriginPath": folder}
        twin["OriginAccessControlId"] = "E2"
        account = account_with(
            Origins=list_of([*grown["Origins"]["Items"], twin]),
            DefaultCacheBehavior={**grown["DefaultCacheBehavior"], "TargetOriginId": "twin"},
        )

        steps = {each.name: each for each in plan(account, DESIRED)}

        assert ("origin-paths" in steps) is leaks
        assert not leaks or "Default (*)" in steps["origin-paths"].why

    @pytest.mark.parametrize("origin", ["app", LEGACY_ORIGIN, "a group of origins"])
    def test_open_behaviors_beside_the_default(self, origin: str) -> None:
        """Leave a site its static files: what surely reads another origin has none of ours."""
        (media,) = grown_distribution(BUCKET)["CacheBehaviors"]["Items"]
        static = {"PathPattern": "static/*", "TargetOriginId": origin}
        default = {name: each for name, each in media.items() if name != "PathPattern"}
        account = account_with(CacheBehaviors=list_of([static]), DefaultCacheBehavior=default)

        steps = plan(account, replace(DESIRED, path_pattern=None))

        assert ("earlier-behaviors" in states(steps)) == (origin != "app")


def with_open(*patterns: str) -> Account:
    """Return an account whose distribution has these behaviors, all of them open."""
    items = [{"PathPattern": each, "TargetOriginId": "app"} for each in patterns]
    return account_with(CacheBehaviors=list_of(items))
