"""Set accounts up for tests: a key, a desired state, and what is in an account already."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from cfsigned_django.aws.client import Clients
from cfsigned_django.signing import PrivateKey
from cfsigned_django.tools.account.account import Account, Bucket
from cfsigned_django.tools.account.documents.behavior import list_of
from cfsigned_django.tools.account.reader import read_account
from cfsigned_django.tools.account.state.apply import Provisioner
from cfsigned_django.tools.account.state.plan import plan
from cfsigned_django.tools.account.state.steps import SetupStep
from cfsigned_django.tools.account.state.wanted import OriginAccess, Wanted

LEGACY_ORIGIN = "S3-legacy"
APP = "https://www.example.com"
HOST = "files.example.com"
CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
#: The policy that a KMS key has at first.
KMS_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Root",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    ],
}


def bucket_of(account: Account) -> Bucket:
    """Return the bucket of an account in which it was read."""
    assert account.bucket is not None
    return account.bucket


def reader(clients: Clients, desired: Wanted) -> Callable[[], Account]:
    """Return what reads the account for a desired state."""
    return lambda: read_account(
        clients,
        bucket=desired.bucket,
        distribution_id=desired.distribution_id,
        access_identities=desired.origin_access is OriginAccess.OAI,
        kms_key=desired.kms_key,
    )


def provisioner(clients: Clients, desired: Wanted, **changes: Any) -> Provisioner:
    """Return what applies a desired state whose key is there, without any pause."""
    return Provisioner(
        **{
            "clients": clients,
            "read": reader(clients, desired),
            "desired": lambda: desired,
            "make_key": lambda: None,
            "sleep": lambda seconds: None,
            **changes,
        }
    )


def planned(clients: Clients, desired: Wanted) -> list[SetupStep]:
    """Return the plan for an account."""
    return plan(reader(clients, desired)(), desired)


def states(steps: list[SetupStep]) -> dict[str, str]:
    """Return the state of each step."""
    return {each.name: each.state.value for each in steps}


def find(steps: list[SetupStep], name: str) -> SetupStep:
    """Return the step of that name."""
    return next(each for each in steps if each.name == name)


def grown_distribution(bucket: str) -> dict[str, Any]:
    """Return the configuration of a distribution in which twenty settings were changed."""
    return {
        "CallerReference": f"theirs-{bucket}",
        "Aliases": list_of(["media.example.com"]),
        "DefaultRootObject": "index.html",
        "Origins": list_of(
            [
                {
                    "Id": "app",
                    "DomainName": "app.example.com",
                    "OriginPath": "",
                    "CustomHeaders": list_of([{"HeaderName": "X-From-Edge", "HeaderValue": "yes"}]),
                    "CustomOriginConfig": {
                        "HTTPPort": 80,
                        "HTTPSPort": 443,
                        "OriginProtocolPolicy": "https-only",
                        "OriginSslProtocols": list_of(["TLSv1.2"]),
                        "OriginReadTimeout": 17,
                        "OriginKeepaliveTimeout": 7,
                    },
                    "ConnectionAttempts": 2,
                    "ConnectionTimeout": 5,
                },
                {
                    "Id": LEGACY_ORIGIN,
                    "DomainName": f"{bucket}.s3.amazonaws.com",
                    "OriginPath": "/files",
                    "CustomHeaders": {"Quantity": 0},
                    "S3OriginConfig": {"OriginAccessIdentity": ""},
                    "ConnectionAttempts": 3,
                    "ConnectionTimeout": 9,
                },
            ]
        ),
        "DefaultCacheBehavior": {
            "TargetOriginId": "app",
            "ViewerProtocolPolicy": "https-only",
            "AllowedMethods": {
                **list_of(["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]),
                "CachedMethods": list_of(["GET", "HEAD"]),
            },
            "Compress": False,
            "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
            "OriginRequestPolicyId": "216adef6-5c7f-47e4-b989-5492eafa07d3",
            "ResponseHeadersPolicyId": "67f7725c-6f97-4210-82d7-5512b31e9d03",
        },
        "CacheBehaviors": list_of(
            [
                {
                    "PathPattern": "media/*",
                    "TargetOriginId": LEGACY_ORIGIN,
                    "ViewerProtocolPolicy": "allow-all",
                    "AllowedMethods": {
                        **list_of(["GET", "HEAD"]),
                        "CachedMethods": list_of(["GET", "HEAD"]),
                    },
                    "Compress": True,
                    "SmoothStreaming": False,
                    "MinTTL": 3,
                    "DefaultTTL": 333,
                    "MaxTTL": 3333,
                    "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
                    "TrustedSigners": {"Enabled": True, **list_of(["self"])},
                }
            ]
        ),
        "CustomErrorResponses": list_of(
            [
                {
                    "ErrorCode": 404,
                    "ResponsePagePath": "/404.html",
                    "ResponseCode": "404",
                    "ErrorCachingMinTTL": 11,
                }
            ]
        ),
        "Comment": "set up by hand in 2019",
        "Logging": {
            "Enabled": True,
            "IncludeCookies": True,
            "Bucket": "logs.s3.amazonaws.com",
            "Prefix": "cdn/",
        },
        "PriceClass": "PriceClass_200",
        "Enabled": True,
        "ViewerCertificate": {
            "ACMCertificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/abc",
            "SSLSupportMethod": "sni-only",
            "MinimumProtocolVersion": "TLSv1.2_2021",
        },
        "Restrictions": {
            "GeoRestriction": {"RestrictionType": "whitelist", **list_of(["KR", "JP"])}
        },
        "WebACLId": "arn:aws:wafv2:us-east-1:111122223333:global/webacl/abc/def",
        "HttpVersion": "http2",
        "IsIPV6Enabled": True,
    }


def make_grown_account(clients: Clients, bucket: str) -> str:
    """Make a distribution by hand, and a bucket with a policy and CORS; return the id."""
    clients.s3.create_bucket(Bucket=bucket)
    clients.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(their_policy(bucket)))
    clients.s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": THEIR_RULES})
    made = clients.cloudfront.create_distribution(DistributionConfig=grown_distribution(bucket))
    distribution_id: str = made["Distribution"]["Id"]
    return distribution_id


def make_key_group(clients: Clients, name: str) -> tuple[str, str]:
    """Make a key group of one key; return their ids."""
    pem = PrivateKey.generate().public_key.to_pem()
    config = {"CallerReference": name, "Name": name, "EncodedKey": pem}
    key = clients.cloudfront.create_public_key(PublicKeyConfig=config)["PublicKey"]["Id"]
    group = clients.cloudfront.create_key_group(KeyGroupConfig={"Name": name, "Items": [key]})
    return group["KeyGroup"]["Id"], key


def make_kms_key(clients: Clients) -> str:
    """Make a KMS key with its usual policy; return the ARN."""
    made = clients.kms("us-east-1").create_key(Policy=json.dumps(KMS_POLICY))
    arn: str = made["KeyMetadata"]["Arn"]
    return arn


THEIR_RULES = [
    {
        "ID": "uploads",
        "AllowedMethods": ["PUT", "POST"],
        "AllowedOrigins": ["https://admin.example.com"],
        "AllowedHeaders": ["Content-Type"],
        "MaxAgeSeconds": 60,
    }
]


def their_policy(bucket: str) -> dict[str, Any]:
    """Return a policy with three statements that are not ours, none of them public."""
    return {
        "Version": "2008-10-17",
        "Id": "theirs",
        "Statement": [
            {
                "Sid": "DenyInsecure",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            {
                "Sid": "Backup",
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
                "Action": ["s3:GetObject", "s3:ListBucket"],
                "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
            },
            {
                "Effect": "Allow",
                "Principal": {"Service": "logging.s3.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{bucket}/logs/*",
            },
        ],
    }
