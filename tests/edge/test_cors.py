"""Evaluate CORS rules as S3 does."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.edge.cors import CorsRule, headers_for, headers_for_preflight

APP = "https://app.example.com"
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


def preflight(origin: str, method: str = "GET", headers: str = "") -> dict[str, str]:
    """Return what a preflight of a browser puts into the environ."""
    environ = {
        "REQUEST_METHOD": "OPTIONS",
        "HTTP_ORIGIN": origin,
        "HTTP_ACCESS_CONTROL_REQUEST_METHOD": method,
    }
    return environ | ({"HTTP_ACCESS_CONTROL_REQUEST_HEADERS": headers} if headers else {})


@pytest.mark.parametrize(
    ("method", "origin", "expected"),
    [
        (
            *("GET", APP),
            {
                "Access-Control-Allow-Origin": APP,
                "Access-Control-Allow-Credentials": "true",
                "Access-Control-Allow-Methods": "GET, HEAD",
                "Access-Control-Expose-Headers": "ETag, Content-Length",
                "Access-Control-Max-Age": "3000",
                "Vary": VARY,
            },
        ),
        (
            *("GET", "https://else.example"),
            {
                "Access-Control-Allow-Origin": "*",
                "Access-Control-Allow-Methods": "GET",
                "Vary": VARY,
            },
        ),
        ("HEAD", "https://else.example", {}),
        ("GET", None, {}),
    ],
    ids=["named origin", "any origin", "no rule", "no Origin"],
)
def test_read(method: str, origin: str | None, expected: dict[str, str]) -> None:
    """Add what the first rule that matches allows, and nothing, Vary included, without one."""
    environ = {"REQUEST_METHOD": method} | ({"HTTP_ORIGIN": origin} if origin else {})
    assert dict(headers_for(RULES, environ)) == expected


def test_wildcard_within_origin() -> None:
    """Match one * within an origin, and name the origin itself in the answer."""
    environ = {"REQUEST_METHOD": "HEAD", "HTTP_ORIGIN": "https://a.example.org"}
    headers = dict(headers_for(RULES, environ))
    assert headers["Access-Control-Allow-Origin"] == "https://a.example.org"


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
        preflight("https://else.example", method="HEAD"),
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
