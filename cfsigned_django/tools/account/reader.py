"""Read an :class:`~cfsigned_django.tools.account.account.Account` from CloudFront, S3 and STS."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from botocore import xform_name

from cfsigned_django.core.aws.client import HOME_REGION, Clients, call, list_items, perform
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.aws.key_groups import KeyGroups
from cfsigned_django.tools.account.account import (
    Account,
    AwsDistribution,
    Bucket,
    BucketPart,
    BucketState,
    KeyGroup,
    KmsKey,
    NamedConfig,
)
from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.distribution_config import (
    behaviors,
    bucket_origins,
    covers,
)
from cfsigned_django.tools.account.state.site_in_aws import Wanted
from cfsigned_django.tools.model import listed
from cfsigned_django.tools.model.resource_policy import other_readers

T = TypeVar("T")


def read_account(clients: Clients, wanted: Wanted) -> Account:
    """Return what exists. This never raises :exc:`AwsError`: the value lists the problems.

    The distribution is the one with the wanted ID, else the one for the domain: see
    :func:`find_distribution`. Lifecycle rules are read for uploads only, since that needs one more
    permission.
    """
    reading = _Reading()
    cloudfront, bucket = clients.cloudfront, wanted.bucket

    def distributions() -> list[AwsDistribution]:
        """Return the matching distribution; an empty list if the account has none."""
        if wanted.distribution_id is not None:
            return [read_distribution(cloudfront, wanted.distribution_id)]
        found = find_distribution(cloudfront, bucket=bucket, domain=wanted.host)
        return [found] if found else []

    def others(ours: AwsDistribution | None, bucket: Bucket | None) -> tuple[Document, ...]:
        """Return the other distributions, if the bucket's policy lets in another reader."""
        if ours is None or bucket is None:
            return ()
        files = f"arn:{ours.partition}:s3:::{bucket.name}/*"
        if not other_readers(bucket.policy, files, distribution_arn=ours.arn, identity_arn=""):
            return ()
        listing = _list(cloudfront, "Distribution", "distributions")
        return tuple(each for each in listing if each["Id"] != ours.id)

    def access_controls() -> tuple[NamedConfig, ...]:
        found = _list(cloudfront, "OriginAccessControl", "origin access controls")
        return tuple(NamedConfig(id=each["Id"], name=each["Name"], config=each) for each in found)

    def policies(kind: str) -> dict[str, NamedConfig] | None:
        return reading.read("cloudfront", lambda: _read_policies(cloudfront, kind, config))

    identity = reading.read(
        "sts", lambda: perform(clients.sts, "sts:GetCallerIdentity", "identify the AWS account")
    )
    meant = reading.read("cloudfront", distributions)
    found = meant[0] if meant else None
    config = found.config if found else None
    account_id = str(identity["Account"]) if identity else ""
    owner = account_id or (found.arn.split(":")[4] if found else "")
    found_bucket = (
        reading.read("s3", lambda: read_bucket(clients.s3, bucket, owner, uploads=wanted.uploads))
        if bucket and owner
        else None
    )
    key_id = wanted.kms_key or (found_bucket.kms_key_id if found_bucket else None)
    return Account(
        account_id=account_id,
        distribution=found,
        has_looked_for_distribution=meant is not None,
        bucket=found_bucket,
        other_distributions=reading.read("cloudfront", lambda: others(found, found_bucket)) or (),
        kms_key=_read_key(clients, key_id, found_bucket) if key_id else None,
        public_keys=reading.read("cloudfront", lambda: tuple(KeyGroups(cloudfront).public_keys())),
        key_groups=reading.read("cloudfront", lambda: tuple(list_key_groups(cloudfront))),
        access_controls=reading.read("cloudfront", access_controls),
        cache_policies=policies("CachePolicy"),
        origin_request_policies=policies("OriginRequestPolicy"),
        response_headers_policies=policies("ResponseHeadersPolicy"),
        problems=tuple(reading.problems),
    )


# The response of HeadBucket has no body, so its error code is the HTTP status.
_NOT_ALLOWED: Final = frozenset({"AccessDenied", "403"})
# After one of these the next call of the same service may succeed.
_OF_ONE_CALL: Final = _NOT_ALLOWED | {
    "AccessDeniedException",
    "NoSuchDistribution",
    "NoSuchResource",
}


@dataclass(slots=True)
class _Reading:
    """Read parts and collect problems. A service that does not answer is not called again."""

    problems: list[AwsError] = field(default_factory=list)
    _silent: set[str] = field(default_factory=set)

    def read(self, service: str, look: Callable[[], T]) -> T | None:
        """Return the result of ``look``; return None if it fails, and note the problem."""
        if service in self._silent:
            return None
        try:
            return look()
        except AwsError as error:
            if error.code not in _OF_ONE_CALL:
                self._silent.add(service)
            # A problem that every call has is noted once.
            if error.code in _OF_ONE_CALL or all(each.code != error.code for each in self.problems):
                self.problems.append(error)
            return None


def _list(cloudfront: Any, kind: str, words: str, **given: Any) -> Iterator[dict[str, Any]]:
    """Return all items of a kind, such as KeyGroup, which ``words`` names in the plural."""
    operation = f"List{kind.removesuffix('y')}{'ies' if kind.endswith('y') else 's'}"
    return list_items(
        getattr(cloudfront, xform_name(operation)),
        f"{kind}List",
        f"list the {words}",
        f"cloudfront:{operation}",
        **given,
    )


def find_distribution(cloudfront: Any, *, bucket: str, domain: str) -> AwsDistribution | None:
    """Return the distribution that has the domain, else the only one that reads the bucket.

    Raise :exc:`AwsError` if distributions cannot be listed or read.
    """
    readers = []
    for summary in _list(cloudfront, "Distribution", "distributions"):
        names = [summary["DomainName"], *listed(summary.get("Aliases"))]
        if any(covers(each, domain) for each in names):
            return read_distribution(cloudfront, summary["Id"])
        if bucket and bucket_origins(summary, bucket):
            readers.append(summary["Id"])
    return read_distribution(cloudfront, readers[0]) if len(readers) == 1 else None


def read_distribution(cloudfront: Any, distribution_id: str) -> AwsDistribution:
    """Return a distribution by its ID. Raise :exc:`AwsError` if there is none."""
    what = f"read the distribution {distribution_id}"
    answer = perform(cloudfront, "cloudfront:GetDistribution", what, Id=distribution_id)
    found = answer["Distribution"]
    active = listed(found.get("ActiveTrustedKeyGroups"))
    return AwsDistribution(
        id=found["Id"],
        arn=found["ARN"],
        status=found["Status"],
        domain_name=found["DomainName"],
        config=found["DistributionConfig"],
        active_key_pairs={
            each["KeyGroupId"]: tuple(listed(each.get("KeyPairIds"))) for each in active
        },
    )


def list_key_groups(cloudfront: Any) -> Iterator[KeyGroup]:
    for item in _list(cloudfront, "KeyGroup", "key groups"):
        group = item["KeyGroup"]
        config = group["KeyGroupConfig"]
        yield KeyGroup(id=group["Id"], name=config["Name"], key_pair_ids=tuple(config["Items"]))


def _read_policies(
    cloudfront: Any, kind: str, config: Mapping[str, Any] | None
) -> dict[str, NamedConfig]:
    """Return the custom policies of a kind, and the managed ones that behaviors use."""
    listed_policies = _list(cloudfront, kind, f"policies ({xform_name(kind, ' ')})", Type="custom")
    found = {item[kind]["Id"]: _named(item[kind], kind) for item in listed_policies}
    used = {each.get(f"{kind}Id") for each in behaviors(config)} if config else set()
    for policy_id in sorted(filter(None, used.difference(found))):
        found[policy_id] = read_policy(cloudfront, kind, policy_id)
    return found


def read_policy(cloudfront: Any, kind: str, policy_id: str) -> NamedConfig:
    """Return a policy of a kind, as the API names it: "CachePolicy", for example."""
    what = f"read the {xform_name(kind, ' ')} {policy_id}"
    return _named(perform(cloudfront, f"cloudfront:Get{kind}", what, Id=policy_id)[kind], kind)


def _named(policy: Mapping[str, Any], kind: str) -> NamedConfig:
    config = policy[f"{kind}Config"]
    return NamedConfig(id=policy["Id"], name=config["Name"], config=config)


def _read_key(clients: Clients, key_id: str, bucket: Bucket | None) -> KmsKey:
    """Return a KMS key, by its ARN, ID or alias, and its policy if it can be changed."""
    region = key_id.split(":")[3] if key_id.startswith("arn:") else bucket.region if bucket else ""
    try:
        kms = clients.kms(region)
        what = f"read the KMS key {key_id}"
        key = perform(kms, "kms:DescribeKey", what, KeyId=key_id)["KeyMetadata"]
        if key["KeyManager"] == "AWS":
            return KmsKey(arn=key["Arn"], is_aws_managed=True)
        what = f"read the policy of the KMS key {key_id}"
        policy = perform(kms, "kms:GetKeyPolicy", what, KeyId=key["Arn"], PolicyName="default")
    except AwsError as error:
        return KmsKey(arn=key_id, unread=error)
    return KmsKey(arn=key["Arn"], policy=json.loads(policy["Policy"]))


_MISSING: Final = frozenset({"404", "NoSuchBucket"})
#: A name that is taken: by a bucket that these credentials may not see, or in another region.
_TAKEN: Final = _NOT_ALLOWED | {"301", "PermanentRedirect", "400"}
# The error codes of S3 for a setting that was never made.
_NOT_SET: Final = frozenset(
    {
        "NoSuchBucketPolicy",
        "NoSuchCORSConfiguration",
        "NoSuchLifecycleConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)
#: How each part is read: the method, and the permission for it.
_CALLS: Final = {
    BucketPart.POLICY: ("get_bucket_policy", "s3:GetBucketPolicy"),
    BucketPart.CORS: ("get_bucket_cors", "s3:GetBucketCORS"),
    BucketPart.PUBLIC_ACCESS: ("get_public_access_block", "s3:GetBucketPublicAccessBlock"),
    BucketPart.ENCRYPTION: ("get_bucket_encryption", "s3:GetEncryptionConfiguration"),
    BucketPart.LIFECYCLE: ("get_bucket_lifecycle_configuration", "s3:GetLifecycleConfiguration"),
}


def read_part(s3: Any, name: str, part: BucketPart) -> Mapping[str, Any]:
    """Return a part of a bucket as S3 answers it; empty if it was never set.

    Raise :exc:`AwsError` if S3 does not tell it.
    """
    method, permission = _CALLS[part]
    what = f"read the {part} of the bucket {name}"
    try:
        found: Mapping[str, Any] = call(getattr(s3, method), what, permission, Bucket=name)
    except AwsError as error:
        if error.code not in _NOT_SET:
            raise
        return {}
    return found


def read_bucket(s3: Any, name: str, account_id: str, *, uploads: bool = False) -> Bucket:
    """Return the bucket with a name. Raise :exc:`AwsError` if S3 cannot be asked.

    If the permission for one part is missing, only that part is left out.
    """
    try:
        region = _region_by_name(s3, name, ExpectedBucketOwner=account_id)
    except AwsError as error:
        if error.code in _MISSING:
            return Bucket(name=name, state=BucketState.MISSING)
        if error.code in _NOT_ALLOWED:
            return Bucket(name=name, state=BucketState.REFUSED)
        raise
    unread: dict[BucketPart, AwsError] = {}

    def get(part: BucketPart) -> Mapping[str, Any]:
        try:
            return read_part(s3, name, part)
        except AwsError as error:
            if error.code not in _NOT_ALLOWED:
                raise
            unread[part] = error
            return {}

    policy = get(BucketPart.POLICY).get("Policy")
    cors, block = get(BucketPart.CORS), get(BucketPart.PUBLIC_ACCESS)
    encryption = get(BucketPart.ENCRYPTION).get("ServerSideEncryptionConfiguration", {})
    lifecycle = get(BucketPart.LIFECYCLE) if uploads else {}
    return Bucket(
        name=name,
        state=BucketState.OURS,
        region=region or HOME_REGION,
        policy=json.loads(policy) if policy else None,
        cors_rules=tuple(cors.get("CORSRules", ())),
        lifecycle_rules=tuple(lifecycle.get("Rules", ())),
        public_access_block=block.get("PublicAccessBlockConfiguration"),
        encryption=next(iter(encryption.get("Rules", ())), None),
        unread=unread,
    )


def find_region(s3: Any, name: str) -> str | None:
    """Return the region of a bucket: empty if S3 does not tell it, None if there is no such bucket.

    Raise :exc:`AwsError` if S3 does not answer.
    """
    try:
        return _region_by_name(s3, name)
    except AwsError as error:
        if error.code not in _MISSING | _TAKEN:
            raise
        return "" if error.code in _TAKEN else None


def _region_by_name(s3: Any, name: str, **given: str) -> str:
    """Return the region that S3 tells, or "". Raise :exc:`AwsError` if S3 shows no such bucket."""
    what = f"look for the bucket {name}"
    head = call(s3.head_bucket, what, "s3:ListBucket", Bucket=name, **given)
    headers = head["ResponseMetadata"]["HTTPHeaders"]
    return head.get("BucketRegion") or headers.get("x-amz-bucket-region") or ""
