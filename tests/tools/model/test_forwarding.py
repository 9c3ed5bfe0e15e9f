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


def test_copies() -> None:
    """Keep one copy for each value of a parameter in the cache policy, and of no other."""
    choices = (NONE, ALL, LISTED, EXCEPT)
    for cache, kind in product(choices, ("whitelist", "all")):
        alone = forwarding("QueryString", cache, NONE)
        both = forwarding("QueryString", cache, (kind, "abc"))
        for each in "abc":
            assert both.splits_copies_by_parameter(each) is alone.forwards_parameter(each)
    origin = Forwarding(origin_request_policy={"HeadersConfig": {"HeaderBehavior": "allViewer"}})
    assert origin.forwards_header("Origin")
    assert not origin.splits_copies_by_header("Origin")


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
