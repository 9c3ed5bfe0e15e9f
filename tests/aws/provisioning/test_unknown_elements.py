"""Lose no setting that AWS has and the installed boto3 does not know."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.provisioning.desired_state import DesiredState
from cfsigned_django.aws.provisioning.plan import blockers
from tests.aws.provisioning.accounts import APP, find, planned, provisioner
from tests.aws.provisioning.test_apply import CERTIFICATE, HOST
from tests.aws.provisioning.unknown import add_element

#: The service, the call that reads, what closes around the element, the step, and where it is.
PLACES: dict[str, tuple[str, str, str, str, str]] = {
    "distribution": (
        "cloudfront",
        "GetDistribution",
        "</DistributionConfig>",
        "behavior",
        "DistributionConfig.Novelty",
    ),
    "origin": (
        "cloudfront",
        "GetDistribution",
        "</S3OriginConfig>",
        "origin",
        "DistributionConfig.Origins.Items[1].S3OriginConfig.Novelty",
    ),
    "behavior": (
        "cloudfront",
        "GetDistribution",
        "</CacheBehavior>",
        "behavior",
        "DistributionConfig.CacheBehaviors.Items[0].Novelty",
    ),
    "list": (
        "cloudfront",
        "GetDistribution",
        "</Aliases>",
        "domain",
        "DistributionConfig.Aliases.Novelty",
    ),
    "certificate": (
        "cloudfront",
        "GetDistribution",
        "</ViewerCertificate>",
        "domain",
        "DistributionConfig.ViewerCertificate.Novelty",
    ),
    "key group": (
        "cloudfront",
        "ListKeyGroups",
        "</KeyGroupConfig>",
        "key-group",
        "KeyGroupConfig.Novelty",
    ),
    "CORS rule": (
        "s3",
        "GetBucketCors",
        "</CORSRule>",
        "bucket-cors",
        "CORSConfiguration.CORSRules[0].Novelty",
    ),
}


@pytest.fixture
def sent(clients: Clients) -> list[str]:
    """Return the names of the calls that change something, as they are made."""
    calls: list[str] = []

    def note(model: Any, **event: Any) -> None:
        if not model.name.startswith(("Get", "List", "Head")):
            calls.append(model.name)

    for client in (clients.cloudfront, clients.s3):
        client.meta.events.register("before-call", note)
    return calls


@pytest.mark.parametrize(
    ("service", "operation", "closing", "step", "place"), PLACES.values(), ids=PLACES
)
def test_conflict(
    clients: Clients,
    grown: DesiredState,
    sent: list[str],
    service: str,
    operation: str,
    closing: str,
    step: str,
    place: str,
) -> None:
    """Name the element, show the change to make by hand, and send nothing at all."""
    desired = replace(grown, domain=HOST, certificate=CERTIFICATE)
    cloudfront = clients.cloudfront
    theirs = {"CallerReference": "o", "Name": "o", "EncodedKey": "theirs"}
    other_id = cloudfront.create_public_key(PublicKeyConfig=theirs)["PublicKey"]["Id"]
    group = cloudfront.create_key_group(KeyGroupConfig={"Name": "g", "Items": [other_id]})
    desired = replace(desired, key_group_id=group["KeyGroup"]["Id"])
    add_element(getattr(clients, service), operation, closing)
    sent.clear()

    found = find(planned(clients, desired), step)
    after = provisioner(clients, desired).apply()

    assert found.blocks
    assert found.call is None
    assert place in found.why
    assert "boto3" in found.why
    assert found.diff
    assert step in {each.name for each in blockers(after)}
    assert sent == []


def test_element_that_comes_meanwhile(
    clients: Clients, grown: DesiredState, sent: list[str]
) -> None:
    """Stop if the element appears while the steps are done."""

    def appear(step: Any) -> None:
        if step.name == "bucket-policy":
            add_element(clients.cloudfront, "GetDistribution", "</DistributionConfig>")

    after = provisioner(clients, replace(grown, cors_origins=(APP,)), on_step=appear).apply()

    assert {each.name for each in blockers(after)} == {"origin", "behavior"}
    assert sent[-1] == "PutBucketPolicy"


def test_nothing_to_send(clients: Clients, grown: DesiredState, sent: list[str]) -> None:
    """See no conflict if everything is as it must be."""
    desired = replace(grown, drops_trusted_signers=True)
    provisioner(clients, desired).apply()
    sent.clear()
    add_element(clients.cloudfront, "GetDistribution", "</DistributionConfig>")

    assert {each.state for each in provisioner(clients, desired).apply()} == {"done"}
    assert sent == []


def test_boto3_refuses(clients: Clients, grown: DesiredState) -> None:
    """A caller that does not look is refused by boto3 itself, before anything is sent."""
    add_element(clients.cloudfront, "GetDistribution", "</DistributionConfig>")
    answer = clients.cloudfront.get_distribution(Id=grown.distribution_id)

    with pytest.raises(ParamValidationError, match="Novelty"):
        clients.cloudfront.update_distribution(
            Id=grown.distribution_id,
            IfMatch=answer["ETag"],
            DistributionConfig=answer["Distribution"]["DistributionConfig"],
        )
