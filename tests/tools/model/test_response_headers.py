"""Add, replace and remove headers as a response headers policy says."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.tools.model.response_headers import (
    apply,
    lacking_credentials,
    lacking_origins,
    stops_scripts,
)
from tests.tools import list_of

APP, OTHER = "https://app.example.com", "https://other.example.com"


def cors(*origins: str, override: bool = False, **fields: Any) -> dict[str, Any]:
    """Return a policy with CORS headers for origins."""
    return {
        "CorsConfig": {
            "AccessControlAllowOrigins": list_of([*origins]),
            "AccessControlAllowMethods": list_of(["GET", "HEAD"]),
            "AccessControlAllowHeaders": list_of(["Range"]),
            "AccessControlAllowCredentials": False,
            "OriginOverride": override,
            **fields,
        }
    }


#: The security headers: the field, the header, and its value.
SECURITY: list[tuple[str, dict[str, Any], str, str]] = [
    ("ContentTypeOptions", {}, "X-Content-Type-Options", "nosniff"),
    ("ReferrerPolicy", {"ReferrerPolicy": "no-referrer"}, "Referrer-Policy", "no-referrer"),
    (
        "ContentSecurityPolicy",
        {"ContentSecurityPolicy": "sandbox"},
        "Content-Security-Policy",
        "sandbox",
    ),
    ("FrameOptions", {"FrameOption": "DENY"}, "X-Frame-Options", "DENY"),
]


@pytest.mark.parametrize(("field", "value", "header", "expected"), SECURITY)
def test_security(field: str, value: dict[str, Any], header: str, expected: str) -> None:
    """Add a header if S3 sends none; replace S3's only if the policy overrides it."""
    for override, own in ((True, expected), (False, "of S3")):
        policy = {"SecurityHeadersConfig": {field: {**value, "Override": override}}}
        assert apply(policy, [("ETag", "x")]) == [("ETag", "x"), (header, expected)]
        assert apply(policy, [(header.lower(), "of S3")]) == [
            (header if override else header.lower(), own)
        ]


def test_removed_and_custom() -> None:
    """Remove headers first, then add custom ones, also of the same name."""
    policy = {
        "RemoveHeadersConfig": list_of([{"Header": "Server"}, {"Header": "x-amz-meta-tag"}]),
        "CustomHeadersConfig": list_of(
            [
                {"Header": "Server", "Value": "ours", "Override": False},
                {"Header": "X-Kept", "Value": "ours", "Override": False},
            ]
        ),
    }
    found = apply(policy, [("server", "S3"), ("X-Amz-Meta-Tag", "1"), ("X-Kept", "S3")])
    assert found == [("X-Kept", "S3"), ("Server", "ours")]


#: A policy, the Origin of the request, what S3 sent, and what the viewer sees.
ORIGINS: list[tuple[dict[str, Any], str, str | None, str | None]] = [
    (cors(APP), APP, None, APP),
    (cors(APP), OTHER, None, None),
    (cors(APP), "", None, None),
    (cors("*"), APP, None, "*"),
    (cors("https://*.example.com"), APP, None, APP),
    (cors("https://*"), APP, None, APP),
    (cors("https://*.example.com"), "https://example.org", None, None),
    # No other character is a wildcard.
    (cors(APP.upper()), APP, None, None),
    (cors("https://app?example.com"), APP, None, None),
    (cors("https://[a]pp.example.com"), APP, None, None),
    (cors("*"), APP, APP, APP),
    (cors("*", override=True), APP, APP, "*"),
    (cors(OTHER), APP, APP, APP),
    (cors(OTHER, override=True), APP, APP, None),
    ({}, APP, APP, APP),
]


@pytest.mark.parametrize(("policy", "origin", "from_s3", "expected"), ORIGINS)
def test_cors(
    policy: dict[str, Any], origin: str, from_s3: str | None, expected: str | None
) -> None:
    """Allow the origins of the policy; it replaces what S3 says only if it overrides it."""
    name = "Access-Control-Allow-Origin"
    sent = [] if from_s3 is None else [(name, from_s3)]
    found = [value for header, value in apply(policy, sent, origin=origin) if header == name]
    assert found == ([] if expected is None else [expected])


def test_preflight() -> None:
    """Tell a preflight methods and headers, and any request what a script may read."""
    policy = cors(
        APP,
        AccessControlAllowCredentials=True,
        AccessControlExposeHeaders=list_of(["ETag", "Content-Range"]),
        AccessControlMaxAgeSec=60,
    )
    always = {
        "Access-Control-Allow-Origin": APP,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "ETag, Content-Range",
    }
    assert dict(apply(policy, [], origin=APP)) == always
    assert dict(apply(policy, [], origin=APP, method="OPTIONS")) == {
        **always,
        "Access-Control-Allow-Methods": "GET, HEAD",
        "Access-Control-Allow-Headers": "Range",
        "Access-Control-Max-Age": "60",
    }


def test_lacking() -> None:
    """Return the origins without a header, and those whose cookies browsers would not accept."""
    named = cors(APP, AccessControlAllowCredentials=True)
    assert lacking_origins(named, [APP, OTHER]) == lacking_credentials(named, [APP, OTHER])
    assert lacking_origins(named, [APP, OTHER]) == [OTHER]
    for policy in (cors("*", AccessControlAllowCredentials=True), cors(APP)):
        assert lacking_origins(policy, [APP]) == []
        assert lacking_credentials(policy, [APP]) == [APP]


@pytest.mark.parametrize(
    ("csp", "stops"),
    [
        ("sandbox", True),
        ("Script-Src 'none'; object-src 'none'", True),
        ("sandbox allow-scripts", False),
        ("default-src 'none'", False),
        (None, False),
    ],
)
def test_stops_scripts(csp: str | None, stops: bool) -> None:
    """Know a policy under which no file runs scripts."""
    config = {"ContentSecurityPolicy": {"ContentSecurityPolicy": csp, "Override": True}}
    assert stops_scripts({"SecurityHeadersConfig": config} if csp else {}) is stops
