"""Examine whole sites: settings, account and answers; a secret is in no report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.core.aws.client import Clients
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.viewer import Answer
from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.distribution_config import trusted_key_groups
from tests.tools import error_of_s3, list_of
from tests.tools.doctor import faults, ids, world as world_module
from tests.tools.doctor.sites import (
    HEALTHY,
    LIVE,
    NO_GROUP,
    SITES,
    another_key_group,
    default_like_storage,
    ids_in,
)
from tests.tools.doctor.world import (
    KEY,
    Change,
    World,
    behavior_of,
    both,
    edited,
    open_like,
    settings_with,
)

#: What shows in the answers; every other change is in test_aws.py.
CASES = [("", SITES[0][1]), *((ids, change) for ids, change in SITES if "|" in ids), *LIVE]


@pytest.mark.parametrize(
    ("expected", "change"), CASES, ids=[f"{at} {each}" for at, (each, _) in enumerate(CASES)]
)
def test_site(expected: str, change: Change, world: World) -> None:
    """Find the fault in the settings, in the account and in what answers, and show no secret."""
    change(world)

    found = world.examine()

    wrong = [each for each in ids(found) if each not in HEALTHY]
    assert sorted(wrong) == sorted(ids_in(expected))
    secrets = ("Signature=", *KEY.to_pem().decode().splitlines()[1:-1])
    assert not any(each in str(found) for each in secrets)


def test_key_groups_that_no_rotation_changes(world: World, site: Any) -> None:
    """Say nothing of other key groups if a person rotates, or if this site rotates no key."""
    another_key_group(world)
    for change in (settings_with(AWS_CLOUDFRONT_BY_HAND=True), NO_GROUP):
        change(world)
        assert "other-key-groups" not in ids(world.examine())
        site.AWS_CLOUDFRONT_BY_HAND = False


def test_no_clients(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Say once that AWS cannot be asked, and examine all that needs no call."""

    def fail() -> Clients:
        raise AwsError(what="set up AWS access", reason="x", next_step="Do y.", code="Z")

    monkeypatch.setattr(world_module, "clients_of_nobody", fail)

    found = world.examine()

    assert faults(found) == ["aws-unreadable"]
    assert {*ids(found)} >= {"signing-key", "unsigned-refused", "signed-served"}
    assert "Do y." in str(found)


def test_no_network_at_all(world: World) -> None:
    """Say that neither AWS nor the domain nor S3 answers; offline, ask none of them."""
    error = AwsError(what="x", reason="x", next_step="x", code="EndpointConnectionError")
    unread = dict.fromkeys(("distribution", "public_keys", "key_groups"))
    world.change("account", {**unread, "problems": (error,)})
    world.is_cut_off = True

    assert faults(world.examine()) == ["aws-unreadable", "no-answer", "s3-no-answer"]
    assert ids(world.examination().offline()) == ["signing-key"]


@edited
def default_in_bucket(config: Document) -> None:
    """Let the default behavior, which is open, read the bucket."""
    media = behavior_of(config)["TargetOriginId"]
    config["DefaultCacheBehavior"]["TargetOriginId"] = media


def reads_by_default(**fields: str) -> Change:
    """Let the default behavior read an origin like that of the bucket, except for fields."""

    @edited
    def change(config: Document) -> None:
        media = config["Origins"]["Items"][0]
        other = {**media, "Id": "other", **fields}
        config["Origins"] = list_of([*config["Origins"]["Items"], other])
        config["DefaultCacheBehavior"]["TargetOriginId"] = "other"

    return change


OTHER_BUCKET = "other-bucket.s3.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (default_in_bucket, ["unsigned-served"]),
        (both(default_in_bucket, default_like_storage), []),
        # The default behavior reads another origin, bucket or folder, whatever S3 answers there.
        (both(), []),
        (both(reads_by_default(DomainName=OTHER_BUCKET), open_like("static/*")), []),
        (reads_by_default(OriginPath="/web"), []),
        # An open behavior takes a spelling that its own pattern matches.
        (open_like("*.jpg", last=True), ["unsigned-served"]),
    ],
)
def test_path_in_another_spelling(change: Change, expected: list[str], world: World) -> None:
    """Find an open behavior of the bucket that a path with other escapes reaches, and no other."""
    change(world)

    def fetch(url: str, headers: Mapping[str, str]) -> Answer:
        """Compare the path with patterns as it was sent, which an edge may do; S3 decodes it."""
        config = world.config()
        is_respelled = "%2F" in url and not trusted_key_groups(config["DefaultCacheBehavior"])
        answer = world.fetch(url, headers)
        denied = error_of_s3("AccessDenied")
        return replace(denied, headers=answer.headers) if is_respelled else answer

    examination = replace(world.examination(), fetch=fetch)

    assert faults([*examination.offline(), *examination.online()]) == expected
