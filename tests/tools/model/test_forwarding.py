"""Forward to the origin what the policies of a behavior say together."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from cfsigned_django.tools.model.forwarding import Forwarding
from tests.tools import list_of

DISPOSITION, TYPE = "response-content-disposition", "response-content-type"
#: Choices of policies: the behavior, and the names that it lists.
NONE, ALL = ("none", ""), ("all", "")
LISTED, EXCEPT = ("whitelist", "a"), ("allExcept", "b")


def config(kind: str, choice: tuple[str, str]) -> dict[str, Any]:
    """Return a field of a policy, such as QueryStringsConfig."""
    behavior, name = choice
    return {f"{kind}sConfig": {f"{kind}Behavior": behavior, f"{kind}s": list_of([*name])}}


def forwarding(
    kind: str, cache: tuple[str, str], request: tuple[str, str], **fields: str
) -> Forwarding:
    """Return what a behavior with two policies forwards."""
    key = {"ParametersInCacheKeyAndForwardedToOrigin": config(kind, cache)}
    return Forwarding(cache_policy=key, origin_request_policy={**config(kind, request), **fields})


#: Developer Guide, "Understand how origin request policies and cache policies work together": the
#: cache policy, the origin request policy, and which of the parameters a, b and c are forwarded.
TOGETHER = {
    (NONE, NONE): "",
    (NONE, ALL): "abc",
    (NONE, LISTED): "a",
    (NONE, EXCEPT): "ac",
    (ALL, NONE): "abc",
    (ALL, ALL): "abc",
    (ALL, LISTED): "abc",
    (ALL, EXCEPT): "abc",
    (("whitelist", "b"), NONE): "b",
    (("whitelist", "b"), ALL): "abc",
    (("whitelist", "b"), LISTED): "ab",
    (("whitelist", "b"), EXCEPT): "abc",
    (("allExcept", "a"), NONE): "bc",
    (("allExcept", "a"), ALL): "abc",
    (("allExcept", "a"), LISTED): "abc",
    (("allExcept", "a"), EXCEPT): "c",
}


def test_together() -> None:
    """Follow each cell of AWS's table, for parameters and for cookies."""
    for (cache, request), expected in TOGETHER.items():
        parameters = forwarding("QueryString", cache, request)
        cookies = forwarding("Cookie", cache, request)
        found = "".join(each for each in "abc" if parameters.forwards_parameter(each))
        assert (cache, request, found) == (cache, request, expected)
        assert found == "".join(each for each in "abc" if cookies.forwards_cookie(each))
    for cache, kind in product((NONE, ALL, LISTED, EXCEPT), ("whitelist", "all")):
        alone = forwarding("QueryString", cache, NONE)
        both = forwarding("QueryString", cache, (kind, "abc"))
        for each in "abc":
            assert both.splits_copies_by_parameter(each) is alone.forwards_parameter(each)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (("none", []), False),
        (("whitelist", ["origin"]), True),
        (("whitelist", ["Accept"]), False),
        (("allViewer", []), True),
        (("allViewerAndWhitelistCloudFront", []), True),
        (("allExcept", ["Host"]), True),
        (("allExcept", ["ORIGIN"]), False),
    ],
)
def test_headers(choice: tuple[str, list[str]], expected: bool) -> None:
    """Compare headers without their case; those of ranges and conditions always pass."""
    headers = {"HeaderBehavior": choice[0], "Headers": list_of(choice[1])}
    found = Forwarding(origin_request_policy={"HeadersConfig": headers})
    assert found.forwards_header("Origin") is expected
    assert found.forwards_header("If-None-Match")
    assert not found.splits_copies_by_header("Origin")


@pytest.mark.parametrize("name", ["AllViewer", "AllViewerExceptHostHeader"])
def test_managed_policies_withhold_what_changes_answers_of_s3(name: str) -> None:
    """Forward no response-content-* by AllViewer and its like, unless the cache policy does."""
    alone = forwarding("QueryString", NONE, ALL, Name=f"Managed-{name}")
    other = forwarding("QueryString", NONE, ALL, Name=name)
    keyed = forwarding("QueryString", ALL, ALL, Name=f"Managed-{name}")

    assert not alone.forwards_parameter(DISPOSITION)
    assert alone.forwards_parameter("versionId")
    assert other.forwards_parameter(DISPOSITION)
    assert keyed.forwards_parameter(DISPOSITION)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"QueryString": False}, set()),
        ({"QueryString": True}, {"parameter", "key"}),
        ({"QueryString": True, "QueryStringCacheKeys": list_of([TYPE])}, {"parameter"}),
        ({"Headers": list_of(["origin"])}, {"header"}),
        ({"Headers": list_of(["*"]), "Cookies": {"Forward": "all"}}, {"header", "cookie"}),
        ({"Cookies": {"Forward": "whitelist", "WhitelistedNames": list_of(["theme"])}}, {"cookie"}),
    ],
)
def test_forwarded_values(values: dict[str, Any], expected: set[str]) -> None:
    """Follow the fields that are older than policies."""
    found = Forwarding(forwarded_values={"QueryString": False, **values})
    is_forwarded = {
        "parameter": found.forwards_parameter(DISPOSITION),
        "key": found.splits_copies_by_parameter(DISPOSITION),
        "header": found.splits_copies_by_header("Origin") and found.forwards_header("Origin"),
        "cookie": found.forwards_cookie("theme"),
    }
    assert {name for name, is_so in is_forwarded.items() if is_so} == expected


def test_names() -> None:
    """Name the policies for a sentence, and know one that caches nothing."""
    cache, request = {"Name": "one", "MaxTTL": 0}, {"Name": "two"}
    both = Forwarding(cache_policy=cache, origin_request_policy=request)
    assert both.name == "the cache policy one and the origin request policy two"
    assert Forwarding(cache_policy=cache).name == "the cache policy one"
    assert "ForwardedValues" in Forwarding(forwarded_values={"QueryString": True}).name
    assert "without" in Forwarding().name
    assert (both.keeps_copies, Forwarding().keeps_copies) == (False, True)
