"""Lose no setting that AWS has and the installed boto3 does not know.

Modules: aws/unknown.py
"""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ParamValidationError
from botocore.httpsession import URLLib3Session

from cfsigned_django.aws.client import Clients
from cfsigned_django.tools.account.state.plan import blockers
from cfsigned_django.tools.account.state.wanted import Wanted
from tests.ministack_server import MinistackHere
from tests.tools.account.state.accounts import (
    APP,
    CERTIFICATE,
    HOST,
    make_key_group,
    planned,
    provisioner,
    reader,
)

NEW = "<Novelty><Enabled>true</Enabled></Novelty>"
CONFIG = "</DistributionConfig>"
#: Where elements are that boto3 does not know, by the call that reads them: what closes around
#: each, and its place in what would be sent back.
PLACES: dict[tuple[str, str], dict[str, str]] = {
    ("cloudfront", "GetDistribution"): {
        CONFIG: "DistributionConfig.Novelty",
        "</S3OriginConfig>": "DistributionConfig.Origins.Items[1].S3OriginConfig.Novelty",
        "</CacheBehavior>": "DistributionConfig.CacheBehaviors.Items[0].Novelty",
        "</Aliases>": "DistributionConfig.Aliases.Novelty",
        "</ViewerCertificate>": "DistributionConfig.ViewerCertificate.Novelty",
    },
    ("cloudfront", "ListKeyGroups"): {"</KeyGroupConfig>": "KeyGroupConfig.Novelty"},
    ("s3", "GetBucketCors"): {"</CORSRule>": "CORSConfiguration.CORSRules[0].Novelty"},
}


class _Raw(BytesIO):
    def stream(self, **_: Any) -> Any:
        """Return the body in one piece, as urllib3 does."""
        yield self.read()


def add_elements(client: Any, operation: str, *closings: str) -> None:
    """Put an element into each answer of an operation, wherever one of these closes another."""

    def send(request: AWSPreparedRequest, **event: Any) -> AWSResponse:
        answer = URLLib3Session().send(request)
        body = answer.content
        for each in closings:
            body = body.replace(each.encode(), f"{NEW}{each}".encode())
        headers: Any = answer.headers
        return AWSResponse(answer.url, answer.status_code, headers, _Raw(body))

    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"before-send.{service}.{operation}", send)


@pytest.fixture
def clients(ministack: MinistackHere, aws_account: str) -> Clients:
    """Return clients that ask each time: their answers get elements that AWS did not send."""
    return ministack.clients(aws_account)


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


def test_conflicts(clients: Clients, grown: Wanted, sent: list[str]) -> None:
    """Name the elements, show the changes to make by hand, and send nothing at all."""
    group_id, _ = make_key_group(clients, grown.bucket)
    desired = replace(grown, domain=HOST, certificate=CERTIFICATE, key_group_id=group_id)
    for (service, operation), places in PLACES.items():
        add_elements(getattr(clients, service), operation, *places)
    sent.clear()

    after = provisioner(clients, desired).apply()

    found = {each.name: each for each in blockers(after)}
    of_the_distribution, of_the_group, of_the_rules = (
        list(each.values()) for each in PLACES.values()
    )
    for step, named in (
        *((each, of_the_distribution) for each in ("origin", "behavior", "domain")),
        ("key-group", of_the_group),
        ("bucket-cors", of_the_rules),
    ):
        assert found[step].call is None
        assert found[step].after
        assert found[step].diff
        assert all(each in found[step].why for each in (*named, "boto3"))
    assert len(found) == 5
    assert sent == []


def test_element_that_comes_meanwhile(clients: Clients, grown: Wanted, sent: list[str]) -> None:
    """Stop if the element appears while the steps are done."""

    def appear(step: Any) -> None:
        if step.name == "bucket-policy":
            add_elements(clients.cloudfront, "GetDistribution", CONFIG)

    after = provisioner(clients, replace(grown, cors_origins=(APP,)), on_step=appear).apply()

    assert {each.name for each in blockers(after)} == {"origin", "behavior"}
    assert sent[-1] == "PutBucketPolicy"


def test_nothing_to_send(clients: Clients, set_up: Wanted) -> None:
    """Report no conflict if everything is as it must be; boto3 itself refuses to send it."""
    distribution = reader(clients, set_up)().distribution
    assert distribution is not None
    add_elements(clients.cloudfront, "GetDistribution", CONFIG)

    assert {each.state for each in planned(clients, set_up)} == {"done"}
    answer = clients.cloudfront.get_distribution(Id=distribution.id)
    with pytest.raises(ParamValidationError, match="Novelty"):
        clients.cloudfront.update_distribution(
            Id=distribution.id,
            IfMatch=answer["ETag"],
            DistributionConfig=answer["Distribution"]["DistributionConfig"],
        )
