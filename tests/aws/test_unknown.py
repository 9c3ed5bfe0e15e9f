"""Keep what AWS has and the installed boto3 does not know; change nothing that would lose it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ParamValidationError
from botocore.httpsession import URLLib3Session

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.unknown import unknown_elements, without_unknown
from tests.aws import Account, Body
from tests.tools.account.by_hand import new_behavior, new_distribution_config, new_origin

NEW = "<Novelty><Enabled>true</Enabled></Novelty>"


def add_elements(client: Any, operation: str, *closings: str) -> None:
    """Put an element into each answer of an operation, wherever one of these closes another."""

    def send(request: AWSPreparedRequest, **event: Any) -> AWSResponse:
        answer = URLLib3Session().send(request)
        body = answer.content
        for each in closings:
            body = body.replace(each.encode(), f"{NEW}{each}".encode())
        headers: Any = answer.headers
        return AWSResponse(answer.url, answer.status_code, headers, Body(body))

    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"before-send.{service}.{operation}", send)


def test_elements_at_any_depth(clients: Any) -> None:
    """Mark what boto3 dropped in its place; boto3 itself refuses to send it back."""
    origin = new_origin("media")
    config: Any = new_distribution_config("media", origin, new_behavior(origin["Id"]))
    config["CacheBehaviors"] = {
        "Quantity": 1,
        "Items": [{"PathPattern": "a/*", **new_behavior(origin["Id"])}],
    }
    made = clients.cloudfront.create_distribution(DistributionConfig=config)["Distribution"]
    places = {
        "</DistributionConfig>": "Novelty",
        "</S3OriginConfig>": "Origins.Items[0].S3OriginConfig.Novelty",
        "</CacheBehavior>": "CacheBehaviors.Items[0].Novelty",
    }
    add_elements(clients.cloudfront, "GetDistributionConfig", *places)

    answer = clients.cloudfront.get_distribution_config(Id=made["Id"])

    found = answer["DistributionConfig"]
    assert {*unknown_elements(found)} == {*places.values()}
    assert [*unknown_elements(without_unknown(found))] == []
    with pytest.raises(ParamValidationError, match="Novelty"):
        clients.cloudfront.update_distribution(
            Id=made["Id"], IfMatch=answer["ETag"], DistributionConfig=found
        )


def test_elements_of_rules(clients: Any) -> None:
    """Mark them in a list without an element around its items, as S3 sends rules."""
    rules = [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]
    clients.s3.create_bucket(Bucket="media")
    clients.s3.put_bucket_cors(Bucket="media", CORSConfiguration={"CORSRules": rules})
    add_elements(clients.s3, "GetBucketCors", "</CORSRule>")

    found = clients.s3.get_bucket_cors(Bucket="media")

    assert [*unknown_elements(found["CORSRules"])] == ["[0].Novelty"]


def test_key_group(clients: Any) -> None:
    """Refuse to lose a setting of a key group, and name it, unless a revocation accepts that."""
    account = Account(api=clients.cloudfront)
    ours, group = account.upload("ours"), account.make_group(account.upload("theirs"))
    before = account.key_groups.members(group)
    add_elements(clients.cloudfront, "GetKeyGroup", "</KeyGroupConfig>")

    with pytest.raises(AwsError, match="Novelty"):
        account.key_groups.add(group, ours)

    assert account.key_groups.members(group) == before
    lost: list[str] = []
    assert account.key_groups.going_on(lost.extend).add(group, ours) == (*before, ours)
    assert lost == ["Novelty"]
