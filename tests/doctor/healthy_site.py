"""Build a healthy site at AWS."""

from __future__ import annotations

import json

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import (
    BehaviorChange,
    list_of,
    patch_behavior,
)
from cfsigned_django.aws.documents.bucket_policy import (
    PUBLIC_ACCESS_BLOCK,
    access_control_statement,
    merge,
)
from cfsigned_django.aws.documents.cors import cors_rule
from cfsigned_django.aws.documents.distribution import (
    Attachment,
    access_control_config,
    attach,
    new_behavior,
    new_distribution_config,
    new_origin,
)
from cfsigned_django.aws.documents.policies import (
    ORIGIN_REQUEST_POLICIES,
    RESPONSE_HEADERS_POLICIES,
)
from cfsigned_django.signing import PrivateKey
from tests.doctor.world import LOCATION, ORIGIN, World, create_public_key
from tests.storage_cases import DOMAIN


def build_world(clients: Clients, *, bucket: str, key: PrivateKey) -> World:
    """Create bucket, keys and distribution: static files and pages open, media restricted."""
    cloudfront, s3 = clients.cloudfront, clients.s3
    key_pair_id = create_public_key(clients, key, "site")
    group = cloudfront.create_key_group(KeyGroupConfig={"Name": "site", "Items": [key_pair_id]})
    key_group_id = group["KeyGroup"]["Id"]
    s3.create_bucket(Bucket=bucket)
    s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration=dict(PUBLIC_ACCESS_BLOCK)
    )
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [cors_rule([ORIGIN])]})
    control = cloudfront.create_origin_access_control(
        OriginAccessControlConfig=access_control_config(bucket)
    )
    config = _config(bucket, key_group_id, control["OriginAccessControl"]["Id"])
    made = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]
    policy = merge(None, access_control_statement(bucket, made["ARN"]))
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    return World(
        clients=clients,
        bucket=bucket,
        key=key,
        key_pair_id=key_pair_id,
        key_group_id=key_group_id,
        distribution_id=made["Id"],
    )


def _config(bucket: str, key_group_id: str, access_control_id: str) -> Document:
    attachment = Attachment(access_control_id=access_control_id)
    media = attach(new_origin(bucket, "us-east-1"), attachment)
    pages = {
        "Id": "pages",
        "DomainName": "app.example.com",
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "https-only",
        },
    }
    change = BehaviorChange(
        key_group_id=key_group_id,
        origin_request_policy_id=ORIGIN_REQUEST_POLICIES["CORS-S3Origin"],
        response_headers_policy_id=RESPONSE_HEADERS_POLICIES["SimpleCORS"],
    )
    restricted = patch_behavior(new_behavior(media["Id"]), change)
    config = new_distribution_config(bucket, media, new_behavior("pages"))
    config["Origins"] = list_of([media, pages])
    config["Aliases"] = list_of([DOMAIN])
    config["CacheBehaviors"] = list_of(
        [
            {"PathPattern": "static/*", **new_behavior("pages")},
            {"PathPattern": f"{LOCATION}/*", **restricted},
        ]
    )
    return config
