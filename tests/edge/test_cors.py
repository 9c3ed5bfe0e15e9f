"""Evaluate CORS rules as S3 does."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.edge.cors import CorsRule, headers_for, headers_for_preflight

APP, ELSE = "https://app.example.com", "https://else.example"
RULES = [
    CorsRule(
        allowed_origins=(APP, "https://*.example.org"),
        allowed_headers=("Range", "x-amz-*"),
        expose_headers=("ETag", "Content-Length"),
        max_age=3000,
    ),
    CorsRule(allowed_origins=("*",), allowed_methods=("GET",)),
]
VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
#: What the first rule adds, but for the origin.
FIRST_RULE = {
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Expose-Headers": "ETag, Content-Length",
    "Access-Control-Max-Age": "3000",
    "Vary": VARY,
}


def preflight(origin: str, method: str = "GET", headers: str = "") -> dict[str, str]:
    """Return what a preflight of a browser puts into the environ."""
    environ = {
        "REQUEST_METHOD": "OPTIONS",
        "HTTP_ORIGIN": origin,
        "HTTP_ACCESS_CONTROL_REQUEST_METHOD": method,
    }
    return environ | ({"HTTP_ACCESS_CONTROL_REQUEST_HEADERS": headers} if headers else {})


@pytest.mark.parametrize(
    ("method", "origin", "allowed", "others"),
    [
        ("GET", APP, APP, FIRST_RULE),
        ("HEAD", "https://a.example.org", "https://a.example.org", FIRST_RULE),
        ("GET", ELSE, "*", {"Access-Control-Allow-Methods": "GET", "Vary": VARY}),
        ("HEAD", ELSE, None, {}),
        ("GET", None, None, {}),
    ],
    ids=["named origin", "origin with a *", "any origin", "no rule", "no Origin"],
)
def test_read(method: str, origin: str | None, allowed: str | None, others: dict[str, str]) -> None:
    """Add what the first rule that matches allows, and nothing, Vary included, without one."""
    environ = {"REQUEST_METHOD": method} | ({"HTTP_ORIGIN": origin} if origin else {})
    expected = others | ({"Access-Control-Allow-Origin": allowed} if allowed else {})
    assert dict(headers_for(RULES, environ)) == expected


@pytest.mark.parametrize(
    ("asked", "allowed"), [("range, X-Amz-Date", "range, x-amz-date"), ("", None)]
)
def test_preflight(asked: str, allowed: str | None) -> None:
    """Repeat the headers that were asked for, in lowercase, if all are allowed."""
    headers = dict(headers_for_preflight(RULES, preflight(APP, headers=asked)))
    assert headers.get("Access-Control-Allow-Headers") == allowed
    assert headers["Access-Control-Allow-Origin"] == APP


@pytest.mark.parametrize(
    "environ",
    [
        preflight(ELSE, method="HEAD"),
        preflight(APP, method="PUT"),
        preflight(APP, headers="range, x-other"),
        {"REQUEST_METHOD": "OPTIONS"},
    ],
)
def test_refused(environ: dict[str, str]) -> None:
    """Allow nothing where origin, method or one of the headers has no rule."""
    assert headers_for_preflight(RULES, environ) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"allowed_origins": ()},
        {"allowed_methods": ()},
        {"allowed_origins": ("https://*.*.example",)},
        {"allowed_origins": ("https://[a]",)},
        {"allowed_methods": ("OPTIONS",)},
        {"allowed_headers": ("a*b*",)},
    ],
)
def test_refuses(changes: dict[str, Any]) -> None:
    """Refuse a rule that S3 would not take."""
    with pytest.raises(ValueError, match=r"CORS|allowed_"):
        CorsRule(**{"allowed_origins": ("*",)} | changes)
