"""The site of world.py as one value, without an emulator: the same changes apply to it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from cfsigned_django.aws.key_groups import ListedPublicKey
from cfsigned_django.signing import PrivateKey
from cfsigned_django.tools.account.account import (
    Account,
    AwsDistribution,
    Bucket,
    BucketState,
    KeyGroup,
    NamedConfig,
)
from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.bucket_policy import PUBLIC_ACCESS_BLOCK
from cfsigned_django.tools.account.documents.cache_behavior import list_of
from cfsigned_django.tools.account.documents.cors import cors_rule
from cfsigned_django.tools.account.state.wanted import Wanted
from tests.tools.account.by_hand import (
    ALL_VIEWER,
    CACHING_DISABLED,
    CACHING_OPTIMIZED,
    CORS_HEADERS,
    CORS_S3_ORIGIN,
    SECURITY_HEADERS,
    SIMPLE_CORS,
    access_control_config,
)
from tests.tools.doctor.world import ORIGIN, World, site_config

ACCOUNT_ID = "111111111111"
_ARN = f"arn:aws:cloudfront::{ACCOUNT_ID}:distribution/E2DISTRIBUTION"
#: The policies of CloudFront that sites use.
MANAGED: dict[str, dict[str, Document]] = {
    "cache_policies": {
        CACHING_OPTIMIZED: {
            "Name": "Managed-CachingOptimized",
            "DefaultTTL": 86400,
            "MaxTTL": 31536000,
        },
        CACHING_DISABLED: {"Name": "Managed-CachingDisabled", "MaxTTL": 0},
    },
    "origin_request_policies": {
        CORS_S3_ORIGIN: {
            "Name": "Managed-CORS-S3Origin",
            "HeadersConfig": {
                "HeaderBehavior": "whitelist",
                "Headers": list_of(CORS_HEADERS),
            },
            "QueryStringsConfig": {"QueryStringBehavior": "none"},
        },
        ALL_VIEWER: {
            "Name": "Managed-AllViewer",
            "HeadersConfig": {"HeaderBehavior": "allViewer"},
            "QueryStringsConfig": {"QueryStringBehavior": "all"},
        },
    },
    "response_headers_policies": {
        SIMPLE_CORS: {
            "Name": "Managed-SimpleCORS",
            "CorsConfig": {
                "AccessControlAllowOrigins": list_of(["*"]),
                "AccessControlAllowHeaders": list_of(["*"]),
                "AccessControlAllowMethods": list_of(["GET", "HEAD"]),
                "AccessControlAllowCredentials": False,
                "OriginOverride": False,
            },
        },
        SECURITY_HEADERS: {
            "Name": "Managed-SecurityHeadersPolicy",
            "SecurityHeadersConfig": {"ContentTypeOptions": {"Override": True}},
        },
    },
}
_KINDS = {
    "CachePolicy": "cache_policies",
    "OriginRequestPolicy": "origin_request_policies",
    "ResponseHeadersPolicy": "response_headers_policies",
}


@dataclass(slots=True)
class Values(World):
    """A site whose account is a value."""

    value: Account = Account()  # noqa: RUF009 - it is immutable

    @property
    def account(self) -> Any:
        """Return what changes keys and key groups: this site itself."""
        return self

    @property
    def arn(self) -> str:
        """Return the ARN of the distribution."""
        return _ARN

    def build(self) -> None:
        """Create bucket, keys and distribution: static files and pages open, media restricted."""
        self.key_pair_id, self.key_group_id = "K2SIGNINGKEY", "key-group-id"
        self.distribution_id = "E2DISTRIBUTION"
        control = NamedConfig(id="E2CONTROL", name="x", config=access_control_config("x"))
        policies: dict[str, Any] = {
            part: {key: NamedConfig(id=key, name=each["Name"], config=each) for key, each in found}
            for part, found in ((part, table.items()) for part, table in MANAGED.items())
        }
        self.value = Account(
            account_id=ACCOUNT_ID,
            distribution=AwsDistribution(
                id=self.distribution_id,
                arn=_ARN,
                status="Deployed",
                domain_name="d111111abcdef8.cloudfront.net",
                config=site_config(self.bucket, self.key_group_id, control.id),
                active_key_pairs={},
            ),
            bucket=Bucket(
                name=self.bucket,
                state=BucketState.OURS,
                region="us-east-1",
                public_access_block=dict(PUBLIC_ACCESS_BLOCK),
                cors_rules=(cors_rule([ORIGIN]),),
            ),
            public_keys=(_listed(self.key_pair_id, "site", self.key),),
            key_groups=(_group(self.key_group_id, self.key_pair_id),),
            access_controls=(control,),
            **policies,
        )
        self.set_policy(self.statement())

    def found(self, wanted: Wanted) -> Account:
        """Return what would be read of the account for these wishes."""
        found, bucket = self.edit(self.value), None
        if wanted.bucket:
            bucket = Bucket(name=wanted.bucket, state=BucketState.MISSING)
            if wanted.bucket == self.bucket:
                bucket = found.bucket
        return replace(found, bucket=bucket)

    def upload(self, name: str) -> str:
        """Create a public key by hand; return its id."""
        keys = self.value.public_keys or ()
        key_pair_id = f"K{len(keys) + 2}{name.upper()}"
        listed = _listed(key_pair_id, name, PrivateKey.generate())
        self.value = replace(self.value, public_keys=(*keys, listed))
        return key_pair_id

    def set_members(self, key_group_id: str, *key_pair_ids: str) -> None:
        """Replace the keys of the key group by hand."""
        self.value = replace(self.value, key_groups=(_group(key_group_id, *key_pair_ids),))

    def make_policy(self, kind: str, config: Document) -> str:
        """Create a policy of the account's own."""
        part, policy_id = _KINDS[kind], f"{config['Name']}-{kind}"
        policy = NamedConfig(id=policy_id, name=config["Name"], config=config)
        fields: dict[str, Any] = {part: {**getattr(self.value, part), policy_id: policy}}
        self.value = replace(self.value, **fields)
        return policy_id

    def add_distribution(self) -> None:
        """Leave open which of two distributions is meant."""
        self.value = replace(self.value, distribution=None, has_looked_for_distribution=True)

    def config(self) -> Document:
        """Return the configuration of the distribution."""
        return self.value.distribution.config if self.value.distribution else {}

    def update(self, change: Callable[[Document], object]) -> None:
        """Change the configuration of the distribution."""
        config = copy.deepcopy(self.config())
        change(config)
        assert self.value.distribution is not None
        distribution = replace(self.value.distribution, config=config)
        self.value = replace(self.value, distribution=distribution)

    def set_policy(self, *statements: Document) -> None:
        """Replace the statements of the bucket policy."""
        self._change_bucket(policy={"Version": "2012-10-17", "Statement": list(statements)})

    def set_cors(self, *origins: str, **changes: Any) -> None:
        """Replace the CORS rules of the bucket."""
        self._change_bucket(cors_rules=({**cors_rule(list(origins)), **changes},))

    def set_public_access_block(self, **changes: bool) -> None:
        """Turn the four switches of Block Public Access on, except the changes."""
        self._change_bucket(public_access_block={**PUBLIC_ACCESS_BLOCK, **changes})

    def unblock(self) -> None:
        """Turn Block Public Access off."""
        self._change_bucket(public_access_block=None)

    def _change_bucket(self, **fields: Any) -> None:
        assert self.value.bucket is not None
        self.value = replace(self.value, bucket=replace(self.value.bucket, **fields))


def _listed(key_pair_id: str, name: str, key: PrivateKey) -> ListedPublicKey:
    pem = key.public_key.to_pem()
    return ListedPublicKey(key_pair_id=key_pair_id, name=name, public_key_pem=pem)


def _group(key_group_id: str, *key_pair_ids: str, name: str = "site") -> KeyGroup:
    return KeyGroup(id=key_group_id, name=name, key_pair_ids=key_pair_ids)
