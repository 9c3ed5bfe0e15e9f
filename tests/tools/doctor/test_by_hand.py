"""Find nothing wrong with what the page has people make by hand.

Modules: management/commands/cfsigned_doctor.py
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from cfsigned_django.management.commands import cfsigned_doctor
from cfsigned_django.signing import PrivateKey
from cfsigned_django.tools.account.documents.bucket_policy import PUBLIC_ACCESS_BLOCK
from cfsigned_django.tools.account.documents.cache_behavior import list_of
from cfsigned_django.tools.catalog import CATALOG
from cfsigned_django.viewer import Answer
from tests.golden import DIRECTORY as GOLDEN
from tests.ministack_server import MinistackHere
from tests.pages import DOCS, read, snippets, table
from tests.storage_cases import S3_BACKEND
from tests.tools.account.by_hand import (
    CORS_AND_SECURITY_HEADERS,
    CORS_S3_ORIGIN,
    access_control_config,
    new_behavior,
    new_distribution_config,
    new_origin,
)
from tests.tools.doctor import levels
from tests.tools.setup.viewers import ACCOUNT, Viewer, configure

CONSOLE = DOCS / "aws" / "console.md"
CORS = DOCS / "how-to" / "cors.md"


@pytest.fixture
def viewer(
    ministack: MinistackHere,
    aws_account: str,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    no_aws_configuration: None,
) -> Viewer:
    """Configure boto3 for the emulator, and let the doctor ask an edge in front of it."""
    viewer = configure(ministack, ministack.clients(ACCOUNT), settings, monkeypatch)
    settings.AWS_STORAGE_BUCKET_NAME = f"made-{aws_account}"
    settings.AWS_CLOUDFRONT_COOKIE_SCOPES = []
    settings.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    # The emulator's key groups have ids that look like those of public keys.
    settings.SILENCED_SYSTEM_CHECKS = ["cfsigned.W004"]

    def fetch(url: str, headers: Mapping[str, str]) -> Answer:
        answer = viewer(url, headers)
        fields = {"x-cache": "Miss from cloudfront", "date": formatdate(usegmt=True)}
        if "Origin" in headers:  # of the response headers policy, which nobody plays here
            fields["access-control-allow-origin"] = "*"
        return Answer(status=answer.status, headers=fields, body=answer.body)

    monkeypatch.setattr(cfsigned_doctor, "fetch", fetch)
    return viewer


def json_of(page: Path, role: str) -> Any:
    """Return the JSON of the block of a page that has this role."""
    [found] = [each.code for each in snippets(page) if each.role == role]
    return json.loads(found)


@pytest.mark.django_db
def test_nothing_is_wrong_by_hand(
    viewer: Viewer, settings: Any, ministack: MinistackHere, ec_key: PrivateKey
) -> None:
    """Find in order what the page says after its steps by hand."""
    clients, bucket = ministack.clients(ACCOUNT), settings.AWS_STORAGE_BUCKET_NAME
    cloudfront: Any = clients.cloudfront
    pem = ec_key.public_key.to_pem()
    public_key = {"CallerReference": bucket, "Name": bucket, "EncodedKey": pem}
    key = cloudfront.create_public_key(PublicKeyConfig=public_key)["PublicKey"]["Id"]
    names = {"Name": bucket, "Items": [key]}
    group = cloudfront.create_key_group(KeyGroupConfig=names)["KeyGroup"]["Id"]
    clients.s3.create_bucket(Bucket=bucket, ObjectOwnership="BucketOwnerEnforced")
    clients.s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration=dict(PUBLIC_ACCESS_BLOCK)
    )
    control = cloudfront.create_origin_access_control(
        OriginAccessControlConfig=access_control_config(bucket)
    )["OriginAccessControl"]["Id"]
    origin = {**new_origin(bucket, origin_id=bucket), "OriginAccessControlId": control}
    behavior = {
        **new_behavior(bucket),
        "TrustedKeyGroups": {"Enabled": True, **list_of([group])},
        "OriginRequestPolicyId": CORS_S3_ORIGIN,
        "ResponseHeadersPolicyId": CORS_AND_SECURITY_HEADERS,
    }
    config = new_distribution_config(bucket, origin, behavior)
    made = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]
    policy = json.dumps(json_of(CONSOLE, "policy"))
    ids = {"media-example": bucket, "111122223333": ACCOUNT, "E1A2B3C4D5E6F7": made["Id"]}
    for shown, found in ids.items():
        policy = policy.replace(shown, found)
    clients.s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    rules = json_of(CORS, "cors")
    clients.s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    clients.s3.put_object(Bucket=bucket, Key="media/a.txt", Body=b"private")
    settings.AWS_LOCATION, settings.AWS_S3_REGION_NAME = "media", "us-east-1"
    settings.AWS_S3_CUSTOM_DOMAIN = made["DomainName"]
    settings.AWS_CLOUDFRONT_DISTRIBUTION_ID = made["Id"]
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = group
    settings.AWS_CLOUDFRONT_KEY_ID, settings.AWS_CLOUDFRONT_KEY = key, ec_key.to_pem()

    origins = [each for rule in rules for each in ("--cors-origin", *rule["AllowedOrigins"])]
    found, _ = levels("--object", "a.txt", *origins)

    rows = table(CONSOLE, "Section")
    in_order = {each for row in rows for each in re.findall(r"`([a-z0-9-]+)`", row[1])}
    assert set(found.values()) == {"ok"}
    assert in_order <= found.keys()
    assert {each for row in rows for each in re.findall(r"`([a-z0-9-]+)`", row[2])} <= {*CATALOG}


def test_cors_page() -> None:
    """The page shows a finding as the doctor prints it, and names only findings that there are."""
    [shown] = [each.code for each in snippets(CORS) if each.role == "finding"]
    named = {*re.findall(r"`(cors-[a-z-]+)`", read(CORS))}

    assert shown in read(GOLDEN / "doctor-healthy-site.txt")
    assert named
    assert named <= {*CATALOG}
