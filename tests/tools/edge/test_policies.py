"""Play the policies of a behavior: what reaches the origin, what is added, and why something fails.

Modules: tools/edge/origin_request.py, tools/edge/stack_policies.py,
tools/edge/local_distribution.py
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from cfsigned_django.signing import Policy, Signer
from cfsigned_django.tools.edge import Behavior
from cfsigned_django.tools.edge.client import EdgeClient
from cfsigned_django.tools.edge.s3_object import S3Response
from cfsigned_django.tools.edge.stack_policies import FORWARDING, response_headers_policy
from cfsigned_django.tools.model.forwarding import Forwarding
from tests.signing.cases import EXPIRES, IMAGE
from tests.tools.edge.conftest import EVERYTHING, MakeClient, seen_by_origin

APP = "http://127.0.0.1:8000"
DOWNLOAD = {"response-content-disposition": 'attachment; filename="a.jpg"'}
CACHING_OPTIMIZED = Forwarding(
    cache_policy={"Name": "Managed-CachingOptimized"},
    origin_request_policy={
        "Name": "Managed-AllViewer",
        "QueryStringsConfig": {"QueryStringBehavior": "all"},
        "HeadersConfig": {"HeaderBehavior": "allViewer"},
        "CookiesConfig": {"CookieBehavior": "all"},
    },
)


def open_client(make_client: MakeClient, **fields: Any) -> EdgeClient:
    """Return a client of an open behavior with these fields."""
    return make_client(behaviors=(Behavior(**fields),))


@pytest.mark.parametrize(
    ("forwarding", "names"),
    [
        (FORWARDING, ["response-content-disposition", "response-content-type", "versionId"]),
        (CACHING_OPTIMIZED, ["versionId", "size"]),
        (Forwarding(), []),
    ],
)
def test_parameters(forwarding: Forwarding, names: list[str], make_client: MakeClient) -> None:
    """Forward the parameters that the policies name; the log names the policies for the others."""
    sent = dict.fromkeys([*DOWNLOAD, "response-content-type", "versionId", "size"], "1")
    client = open_client(make_client, forwarding=forwarding)

    response = client.get(f"{IMAGE}?{urlencode(sent)}")

    assert seen_by_origin(response)["QUERY_STRING"] == urlencode(dict.fromkeys(names, "1"))
    assert forwarding.name in response.reason
    assert {name for name in sent if name in response.reason} == sent.keys() - names


def test_headers_to_the_origin(make_client: MakeClient, signer: Signer) -> None:
    """Keep credentials and Host back unless the policies name them, and signed cookies always."""
    cookies = signer.sign_cookies(Policy(resource=IMAGE, date_less_than=EXPIRES))
    headers = {"Authorization": "Basic eA==", "Origin": APP, "Range": "bytes=0-1", "X-A": "1"}
    options: dict[str, Any] = {"cookies": {**cookies, "theme": "dark"}, "headers": headers}

    by_template, by_all_viewer = (
        seen_by_origin(open_client(make_client, forwarding=each).get(IMAGE, **options))
        for each in (FORWARDING, CACHING_OPTIMIZED)
    )
    signed_alone = open_client(make_client, forwarding=CACHING_OPTIMIZED).get(
        IMAGE, cookies=cookies
    )

    assert {name for name in by_template if name.startswith("HTTP_")} == {
        "HTTP_RANGE",
        "HTTP_USER_AGENT",
    }
    assert by_template["HTTP_USER_AGENT"] == "Amazon CloudFront"
    assert by_all_viewer["HTTP_AUTHORIZATION"] == "Basic eA=="
    assert by_all_viewer["HTTP_COOKIE"] == "theme=dark"
    assert by_all_viewer["HTTP_HOST"]
    assert "HTTP_COOKIE" not in seen_by_origin(signed_alone)


#: Fields of a behavior, a header of the answer, and what the log says of a page of another origin.
NO_CORS: list[tuple[dict[str, Any], str, list[str]]] = [
    ({}, "", ["response headers policy template.yaml", "cache policy template.yaml"]),
    (
        {"forwarding": EVERYTHING, "response_headers_policy": {}},
        "",
        ["no response headers policy", "origin's answer"],
    ),
    (
        {"forwarding": CACHING_OPTIMIZED, "response_headers_policy": response_headers_policy()},
        "",
        ["response headers policy template.yaml", "origin's answer"],
    ),
    ({"response_headers_policy": response_headers_policy([APP])}, "", []),
    ({"response_headers_policy": {}}, "Access-Control-Allow-Origin", []),
]


@pytest.mark.parametrize(("fields", "header", "named"), NO_CORS)
def test_no_cors(
    fields: dict[str, Any], header: str, named: list[str], make_client: MakeClient
) -> None:
    """Log why browsers hide a file from a page, and name the policies that are in the way."""
    origin = S3Response(status="200 OK", headers=((header, "*"),) if header else ())
    client = make_client(behaviors=(Behavior(**fields),), origin=origin)
    response = client.get(IMAGE, headers={"Origin": APP})
    assert [each for each in [APP, *named] if each not in response.reason] == (
        [] if named else [APP]
    )
    assert client.get(IMAGE).reason == ""
