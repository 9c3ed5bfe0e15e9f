"""Compare the edge of development with what the template deploys.

Modules: tools/edge/stack_policies.py, tools/storage_origin.py
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from cfsigned_django.testing import InMemorySignedStorage
from cfsigned_django.tools.account.documents.distribution_config import behaviors
from cfsigned_django.tools.account.reader import read_distribution
from cfsigned_django.tools.edge.behavior import Behavior
from cfsigned_django.tools.edge.stack_policies import response_headers_policy
from cfsigned_django.tools.storage_origin import StorageOrigin, distribution_for
from demo_project.rules import read_behavior
from tests.tools.stack import LEAST, deploy
from tests.tools.stack.conftest import Aws
from tests.tools.stack.evaluated import Template
from tests.tools.stack.test_template import VALUES

#: What says nothing of a request, and what every list has beside its items.
_ASIDE = {"Name", "Comment", "MinTTL", "DefaultTTL", "MaxTTL", "Quantity"}


#: Options of the edge that the template has as parameters.
OPTIONS: list[dict[str, Any]] = [
    {},
    {"cors_origins": ["https://www.example.com", "http://localhost:8000"]},
    {"managed_policies": True},
]


def bare(document: Any) -> Any:
    """Return a policy without what says nothing of a request, empty lists included."""
    if not isinstance(document, dict):
        return document
    kept = {name: bare(value) for name, value in document.items() if name not in _ASIDE}
    return {name: value for name, value in kept.items() if value != {}}


def played(behavior: Behavior) -> dict[str, Any]:
    """Return all that a behavior does with a request."""
    return {
        "pattern": behavior.path_pattern,
        "restricted": behavior.is_restricted,
        "methods": behavior.allowed_methods,
        "cache policy": bare(behavior.forwarding.cache_policy),
        "origin request policy": behavior.forwarding.origin_request_policy,
        "ForwardedValues": behavior.forwarding.forwarded_values,
        "response headers policy": bare(behavior.response_headers_policy),
    }


@pytest.mark.parametrize("public", [[], ["static/*"]])
@pytest.mark.parametrize("options", OPTIONS)
def test_as_the_template(public: list[str], options: dict[str, Any], aws: Aws) -> None:
    """Play exactly the behaviors and policies that a stack of the same options has."""
    parameters = {
        "PublicPath": "".join(public),
        "CorsOrigins": ",".join(options.get("cors_origins", ())),
        "ManagedPolicies": "on" if options.get("managed_policies") else "off",
    }
    cloudfront = aws.clients.cloudfront
    outputs = deploy(aws.cloudformation, **LEAST, **parameters)
    config = read_distribution(cloudfront, outputs["DistributionId"]).config
    deployed = [read_behavior(cloudfront, each) for each in behaviors(config)]
    storage = InMemorySignedStorage(base_url="/")
    edge = distribution_for(storage, StorageOrigin(storage), public=public, **options)

    assert [played(each) for each in edge.behaviors] == [played(each) for each in deployed]
    names = {each.forwarding.cache_policy["Name"].startswith("Managed-") for each in edge.behaviors}
    assert names == {"managed_policies" in options}


def test_origins() -> None:
    """Accept the origins for CORS that the template accepts, and no others."""
    declared = Template(**LEAST).read["Parameters"]["CorsOrigins"]
    good, bad = VALUES["CorsOrigins"]
    for value in [*good, *bad]:
        origins = [each for each in value.split(",") if each]
        try:
            response_headers_policy(origins)
            accepted = True
        except ValueError:
            accepted = False
        assert accepted is bool(re.fullmatch(declared["AllowedPattern"], value)), value
