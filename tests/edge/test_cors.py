from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.edge.cors import CorsRule, headers_for, headers_for_preflight

APP = "https://app.example.com"
DOCUMENTS: list[dict[str, Any]] = [
    {
        "ID": "the site",
        "AllowedHeaders": ["Range", "x-amz-*"],
        "AllowedMethods": ["GET", "HEAD"],
        "AllowedOrigins": [APP, "https://*.example.org"],
        "ExposeHeaders": ["ETag", "Content-Length"],
        "MaxAgeSeconds": 3000,
    },
    {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]},
]
RULES = [CorsRule.from_document(each) for each in DOCUMENTS]
VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


def preflight(origin: str, method: str = "GET", headers: str = "") -> dict[str, str]:
    """Return what a preflight of a browser puts into the environ."""
    environ = {
        "REQUEST_METHOD": "OPTIONS",
        "HTTP_ORIGIN": origin,
        "HTTP_ACCESS_CONTROL_REQUEST_METHOD": method,
    }
    return environ | ({"HTTP_ACCESS_CONTROL_REQUEST_HEADERS": headers} if headers else {})


class TestRead:
    def test_exact_origin(self) -> None:
        """Name the origin, allow credentials and vary where a rule names the origin."""
        headers = headers_for(RULES, {"REQUEST_METHOD": "GET", "HTTP_ORIGIN": APP})
        assert headers == [
            ("Access-Control-Allow-Origin", APP),
            ("Access-Control-Allow-Credentials", "true"),
            ("Access-Control-Allow-Methods", "GET, HEAD"),
            ("Access-Control-Expose-Headers", "ETag, Content-Length"),
            ("Access-Control-Max-Age", "3000"),
            ("Vary", VARY),
        ]

    def test_wildcard_within_origin(self) -> None:
        """Match one * within an origin, and name the origin itself in the answer."""
        environ = {"REQUEST_METHOD": "HEAD", "HTTP_ORIGIN": "https://a.example.org"}
        headers = dict(headers_for(RULES, environ))
        assert headers["Access-Control-Allow-Origin"] == "https://a.example.org"

    def test_any_origin(self) -> None:
        """Answer * without credentials where only the rule for every origin matches."""
        environ = {"REQUEST_METHOD": "GET", "HTTP_ORIGIN": "https://else.example"}
        headers = headers_for(RULES, environ)
        assert headers == [
            ("Access-Control-Allow-Origin", "*"),
            ("Access-Control-Allow-Methods", "GET"),
            ("Vary", VARY),
        ]

    @pytest.mark.parametrize(
        "environ",
        [
            {"REQUEST_METHOD": "GET"},
            {"REQUEST_METHOD": "HEAD", "HTTP_ORIGIN": "https://else.example"},
        ],
    )
    def test_no_rule(self, environ: dict[str, str]) -> None:
        """Add nothing, Vary included, without an Origin or a rule for it."""
        assert headers_for(RULES, environ) == []


class TestPreflight:
    def test_allowed_headers(self) -> None:
        """Repeat the headers that were asked for, in lower case, where all are allowed."""
        headers = dict(headers_for_preflight(RULES, preflight(APP, headers="range, X-Amz-Date")))
        assert headers["Access-Control-Allow-Headers"] == "range, x-amz-date"
        assert headers["Access-Control-Allow-Origin"] == APP

    def test_no_headers_asked(self) -> None:
        """Leave Access-Control-Allow-Headers out where none was asked for."""
        assert "Access-Control-Allow-Headers" not in dict(
            headers_for_preflight(RULES, preflight(APP))
        )

    @pytest.mark.parametrize(
        "environ",
        [
            preflight("https://else.example", method="HEAD"),
            preflight(APP, method="PUT"),
            preflight(APP, headers="range, x-other"),
            {"REQUEST_METHOD": "OPTIONS"},
        ],
    )
    def test_refused(self, environ: dict[str, str]) -> None:
        """Allow nothing where origin, method or one of the headers has no rule."""
        assert headers_for_preflight(RULES, environ) == []


class TestConstruction:
    @pytest.mark.parametrize(
        "document",
        [
            {"AllowedMethods": ["GET"]},
            {"AllowedOrigins": ["*"], "AllowedMethods": []},
            {"AllowedOrigins": ["https://*.*.example"], "AllowedMethods": ["GET"]},
            {"AllowedOrigins": ["https://[a]"], "AllowedMethods": ["GET"]},
            {"AllowedOrigins": ["*"], "AllowedMethods": ["OPTIONS"]},
            {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "AllowedHeaders": ["a*b*"]},
            {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "MaxAge": 1},
        ],
    )
    def test_refuses(self, document: dict[str, object]) -> None:
        """Refuse a rule that S3 would not take."""
        with pytest.raises(ValueError, match=r"CORS rule|AllowedMethods"):
            CorsRule.from_document(document)
