"""Read what there is in AWS for one bucket and one distribution, once, into one value.

The plan of a set-up looks at it, and at nothing else; a diagnosis reads the same parts, one by
one: see inspection.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cfsigned_django.aws.bucket import Bucket, read_bucket
from cfsigned_django.aws.client import call
from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import listed
from cfsigned_django.aws.documents.distribution import bucket_origins, name_for
from cfsigned_django.aws.key_groups import KeyGroups, ListedPublicKey
from cfsigned_django.aws.policies import (
    CACHE_POLICY,
    ORIGIN_REQUEST_POLICY,
    RESPONSE_HEADERS_POLICY,
    Named,
    pages,
    read_policies,
    read_used_policies,
)

_DEPLOYED: Final = "Deployed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """The boto3 clients of one account and region."""

    cloudfront: Any = field(repr=False)
    s3: Any = field(repr=False)
    sts: Any = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A distribution; ``etag`` is what UpdateDistribution wants as If-Match."""

    id: str
    arn: str
    status: str
    domain_name: str
    etag: str
    config: Document
    #: Key group id -> the key pair ids that edges know, where CloudFront says.
    active_key_pairs: Mapping[str, tuple[str, ...]]

    @property
    def is_deployed(self) -> bool:
        """Tell whether every edge has the last change of the configuration."""
        return self.status == _DEPLOYED

    @property
    def aliases(self) -> list[str]:
        """Return the alternate domain names."""
        return listed(self.config.get("Aliases"))

    @property
    def partition(self) -> str:
        """Return the first part of its ARN: "aws", or "aws-cn"."""
        return self.arn.split(":")[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyGroup:
    """A key group and the ids of its public keys."""

    id: str
    name: str
    key_pair_ids: tuple[str, ...]
    config: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What there is; None and empty where there is nothing."""

    account_id: str
    #: "aws", or "aws-cn" in China.
    partition: str
    bucket: Bucket
    distribution: Distribution | None
    public_keys: tuple[ListedPublicKey, ...]
    key_groups: tuple[KeyGroup, ...]
    access_controls: tuple[Named, ...]
    access_identities: tuple[Named, ...]
    #: Those that the distribution uses, and those of the account's own making.
    cache_policies: Mapping[str, Named]
    origin_request_policies: Mapping[str, Named]
    #: Those alone that the distribution uses.
    response_headers_policies: Mapping[str, Named] = field(default_factory=dict)

    def key_group(self, id_or_name: str) -> KeyGroup | None:
        """Return the key group with that id, else the one with that name."""
        return next(
            (each for each in self.key_groups if each.id == id_or_name),
            next((each for each in self.key_groups if each.name == id_or_name), None),
        )

    def public_key(self, public_key_pem: str) -> ListedPublicKey | None:
        """Return the public key of CloudFront's that is this key."""
        return next((each for each in self.public_keys if each.holds(public_key_pem)), None)


def read_stack(
    clients: Clients,
    *,
    bucket: str,
    distribution_id: str | None = None,
    access_identities: bool = False,
) -> Stack:
    """Return what there is. Raise :exc:`AwsError` where it cannot be read.

    Without ``distribution_id`` it is the one that cfsigned_setup made for the
    bucket. Origin access identities are listed only on request: the permission
    for it would be one more to ask for.
    """
    identity = call(
        clients.sts.get_caller_identity, "see whose account this is", "sts:GetCallerIdentity"
    )
    account_id: str = identity["Account"]
    distribution = _read_distribution(clients.cloudfront, bucket, distribution_id)
    config = distribution.config if distribution else None
    return Stack(
        account_id=account_id,
        partition=str(identity["Arn"]).split(":")[1],
        bucket=read_bucket(clients.s3, bucket, account_id=account_id),
        distribution=distribution,
        public_keys=tuple(KeyGroups(clients.cloudfront).public_keys()),
        key_groups=tuple(key_groups(clients.cloudfront)),
        access_controls=tuple(access_controls(clients.cloudfront)),
        access_identities=(
            tuple(_access_identities(clients.cloudfront)) if access_identities else ()
        ),
        cache_policies=read_policies(clients.cloudfront, CACHE_POLICY, config),
        origin_request_policies=read_policies(clients.cloudfront, ORIGIN_REQUEST_POLICY, config),
        response_headers_policies=read_used_policies(
            clients.cloudfront, RESPONSE_HEADERS_POLICY, config
        ),
    )


def read_distribution(cloudfront: Any, distribution_id: str) -> Distribution:
    """Return a distribution by its id. Raise :exc:`AwsError` where there is none."""
    answer = call(
        cloudfront.get_distribution,
        f"read the distribution {distribution_id}",
        "cloudfront:GetDistribution",
        Id=distribution_id,
    )
    return as_distribution(answer)


def as_distribution(answer: Mapping[str, Any]) -> Distribution:
    """Return what an answer of GetDistribution, or of a change to one, says."""
    found = answer["Distribution"]
    active = listed(found.get("ActiveTrustedKeyGroups"))
    return Distribution(
        id=found["Id"],
        arn=found["ARN"],
        status=found["Status"],
        domain_name=found["DomainName"],
        etag=answer["ETag"],
        config=found["DistributionConfig"],
        active_key_pairs={
            each["KeyGroupId"]: tuple(listed(each.get("KeyPairIds"))) for each in active
        },
    )


def _read_distribution(
    cloudfront: Any, bucket: str, distribution_id: str | None
) -> Distribution | None:
    if distribution_id is not None:
        return read_distribution(cloudfront, distribution_id)
    for summary in pages(
        cloudfront.list_distributions,
        "DistributionList",
        "list the distributions",
        "cloudfront:ListDistributions",
    ):
        if summary["Comment"] == name_for(bucket) and bucket_origins(summary, bucket):
            return read_distribution(cloudfront, summary["Id"])
    return None


def key_groups(cloudfront: Any) -> Iterator[KeyGroup]:
    """Return every key group of the account."""
    for item in pages(
        cloudfront.list_key_groups,
        "KeyGroupList",
        "list the key groups",
        "cloudfront:ListKeyGroups",
    ):
        group = item["KeyGroup"]
        config = group["KeyGroupConfig"]
        yield KeyGroup(
            id=group["Id"],
            name=config["Name"],
            key_pair_ids=tuple(config["Items"]),
            config=config,
        )


def access_controls(cloudfront: Any) -> Iterator[Named]:
    """Return every origin access control of the account."""
    for item in pages(
        cloudfront.list_origin_access_controls,
        "OriginAccessControlList",
        "list the origin access controls",
        "cloudfront:ListOriginAccessControls",
    ):
        yield Named(id=item["Id"], name=item["Name"], config=item)


def _access_identities(cloudfront: Any) -> Iterator[Named]:
    for item in pages(
        cloudfront.list_cloud_front_origin_access_identities,
        "CloudFrontOriginAccessIdentityList",
        "list the origin access identities",
        "cloudfront:ListCloudFrontOriginAccessIdentities",
    ):
        yield Named(id=item["Id"], name=item["Comment"], config=item)
