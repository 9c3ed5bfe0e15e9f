"""Attach a bucket to a distribution, old or new, and judge policies."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from cfsigned_django.aws.documents.behavior import listed
from cfsigned_django.aws.documents.distribution import (
    Attachment,
    access_control_config,
    access_control_of,
    access_identity_of,
    attach,
    bucket_origins,
    find_origin,
    name_for,
    new_origin,
    origin_domain,
    replace_origin,
)
from cfsigned_django.aws.documents.policies import (
    NAMES,
    cache_policy_config,
    forwards_downloads,
    forwards_origin,
    has_downloads_in_cache_key,
    has_origin_in_cache_key,
    keeps_copies,
    name_of,
    origin_request_policy_config,
)

BUCKET = "site.media-1"
unknown = st.dictionaries(st.text("qrs", min_size=1), st.integers() | st.text(), max_size=20)


@given(unknown)
def test_attach_keeps_fields(fields: dict[str, Any]) -> None:
    """Attach one way in, end the other one, and keep every other field."""
    origin = {**fields, **new_origin(BUCKET, "us-east-1")}

    with_identity = attach(origin, Attachment(access_identity_id="E1"))
    with_control = attach(with_identity, Attachment(access_control_id="E2"))

    assert (access_control_of(with_identity), access_identity_of(with_identity)) == ("", "E1")
    assert (access_control_of(with_control), access_identity_of(with_control)) == ("E2", "")
    changed = {"OriginAccessControlId", "S3OriginConfig"}
    assert {name: with_control[name] for name in set(origin) - changed} == {
        name: origin[name] for name in set(origin) - changed
    }
    assert attach(with_control, Attachment(access_control_id="E2")) == with_control


@pytest.mark.parametrize("both", ["E1", ""])
def test_either_or(both: str) -> None:
    """Refuse an access control beside an identity, and neither."""
    with pytest.raises(ValueError, match="access control"):
        Attachment(access_control_id=both, access_identity_id=both)


def test_replace_origin() -> None:
    """Change an origin where it stands, add one at the end, and leave the others."""
    other = {"Id": "app", "DomainName": "app.example.com"}
    ours = new_origin(BUCKET, "eu-west-1")

    added = replace_origin({"Origins": {"Quantity": 1, "Items": [other]}}, ours)
    changed = replace_origin(added, {**ours, "OriginPath": "/x"})

    assert added["Origins"] == {"Quantity": 2, "Items": [other, ours]}
    assert listed(changed["Origins"]) == [other, {**ours, "OriginPath": "/x"}]
    assert bucket_origins(added, BUCKET) == [ours]
    assert find_origin(added, "nobody") is None


def test_names() -> None:
    """Name what is made after its bucket; name a managed policy for people."""
    one, other = "b" * 62 + "1", "b" * 62 + "2"

    assert access_control_config("media")["Name"] == "cfsigned-media"
    assert origin_domain("b", "cn-north-1") == "b.s3.cn-north-1.amazonaws.com.cn"
    assert name_of("88a5eaf4-2fd4-4709-b370-b4c650ea3fcf") == "CORS-S3Origin"
    assert name_of("mine") == "mine"
    assert len(NAMES) == 13
    # 64 characters at most, and long names apart. Written down: a later version must find them.
    assert name_for("b" * 55) == f"cfsigned-{'b' * 55}"
    assert name_for(one) == f"cfsigned-{'b' * 46}-990e01f0"
    assert len(name_for(other)) == 64
    assert name_for(one) != name_for(other)


def test_download_policies_do_what_they_are_for() -> None:
    """Forward the download parameters and Origin, and keep one copy per file name and origin."""
    cache, request = cache_policy_config("d"), origin_request_policy_config("d")

    assert has_origin_in_cache_key(cache)
    assert keeps_copies(cache)
    assert not keeps_copies({"MaxTTL": 0})
    assert has_downloads_in_cache_key(cache)
    assert forwards_downloads(request)
    assert forwards_origin(request)


DISPOSITION, TYPE = "response-content-disposition", "Response-Content-Type"


@pytest.mark.parametrize(
    ("behavior", "names", "expected"),
    [
        ("all", [], True),
        ("none", [], False),
        ("whitelist", [DISPOSITION], False),
        ("whitelist", [TYPE, DISPOSITION], True),
        ("allExcept", ["utm_source"], True),
        ("allExcept", [TYPE], False),
    ],
)
def test_query_strings_of_others(behavior: str, names: list[str], expected: bool) -> None:
    """Judge a policy of somebody else by what it forwards."""
    config = {"QueryStringBehavior": behavior, "QueryStrings": {"Items": names}}

    assert forwards_downloads({"QueryStringsConfig": config}) is expected


@pytest.mark.parametrize(
    ("behavior", "names", "expected"),
    [
        ("none", [], False),
        ("whitelist", ["origin"], True),
        ("whitelist", ["Accept"], False),
        ("allViewer", [], True),
        ("allViewerAndWhitelistCloudFront", [], True),
        ("allExcept", ["Host"], True),
        ("allExcept", ["Origin"], False),
    ],
)
def test_headers_of_others(behavior: str, names: list[str], expected: bool) -> None:
    """Return whether Origin reaches S3."""
    config = {"HeaderBehavior": behavior, "Headers": {"Items": names}}

    assert forwards_origin({"HeadersConfig": config}) is expected
