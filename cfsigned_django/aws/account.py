"""Read what there is in AWS for one bucket and one distribution, once, into one value.

:func:`read_account` goes on where one thing cannot be read, and notes why. The plan of a set-up
looks at its value, and at nothing else, and refuses one with problems; the doctor reports them.
The local edge reads the distribution alone: see edge_rules.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeVar

from botocore import xform_name

from cfsigned_django.aws.client import call
from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import behaviors, listed
from cfsigned_django.aws.documents.distribution import bucket_origins, covers, name_for
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import KeyGroups, ListedPublicKey

T = TypeVar("T")
_HOME_REGION = "us-east-1"
_DEPLOYED: Final = "Deployed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """The boto3 clients of one account and region."""

    cloudfront: Any = field(repr=False)
    s3: Any = field(repr=False)
    sts: Any = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Something with an id and a configuration: an access control, identity or policy."""

    id: str
    name: str
    config: Document


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


class Part(StrEnum):
    """Name what is asked for of a bucket by calls of their own, each with its permission."""

    POLICY = "policy"
    CORS = "CORS rules"
    PUBLIC_ACCESS = "Block Public Access settings"
    OWNERSHIP = "object ownership"


class BucketState(StrEnum):
    """Name what is known of a bucket name."""

    #: There, and the account's own.
    OURS = "ours"
    MISSING = "missing"
    #: Somebody else's, or these credentials may not look: S3 says the same for both.
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket; None where a setting was never made, or may not be read: see ``unread``."""

    name: str
    state: BucketState
    region: str = ""
    policy: Document | None = None
    cors_rules: tuple[Document, ...] = ()
    public_access_block: Mapping[str, bool] | None = None
    #: "BucketOwnerEnforced", "BucketOwnerPreferred" or "ObjectWriter".
    object_ownership: str | None = None
    #: The parts that these credentials may not read, and the refusal of each.
    unread: Mapping[Part, AwsError] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """Tell whether it is there and belongs to the account."""
        return self.state is BucketState.OURS


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What there is, as far as it could be read.

    None stands for what could not be read, and ``problems`` say why; empty is what is not there.
    ``bucket`` is None as well if none was asked for, and ``distribution`` if the account has none
    that is meant: then ``has_looked_for_distribution`` is true.
    """

    #: Empty where STS did not say.
    account_id: str = ""
    #: "aws", or "aws-cn" in China.
    partition: str = "aws"
    distribution: Distribution | None = None
    has_looked_for_distribution: bool = False
    bucket: Bucket | None = None
    public_keys: tuple[ListedPublicKey, ...] | None = None
    key_groups: tuple[KeyGroup, ...] | None = None
    access_controls: tuple[Named, ...] | None = None
    access_identities: tuple[Named, ...] | None = None
    #: Those that the distribution uses, and those of the account's own making.
    cache_policies: Mapping[str, Named] | None = None
    origin_request_policies: Mapping[str, Named] | None = None
    #: Those alone that the distribution uses.
    response_headers_policies: Mapping[str, Named] | None = None
    problems: tuple[AwsError, ...] = ()

    @property
    def all_problems(self) -> tuple[AwsError, ...]:
        """Return the problems, and those of the parts of the bucket that may not be read."""
        return (*self.problems, *(self.bucket.unread.values() if self.bucket else ()))

    def key_group(self, id_or_name: str) -> KeyGroup | None:
        """Return the key group with that id, else the one with that name."""
        groups = self.key_groups or ()
        return next(
            (each for each in groups if each.id == id_or_name),
            next((each for each in groups if each.name == id_or_name), None),
        )

    def public_key(self, public_key_pem: str) -> ListedPublicKey | None:
        """Return the public key of CloudFront's that is this key."""
        return next((each for each in self.public_keys or () if each.holds(public_key_pem)), None)


def read_account(
    clients: Clients,
    *,
    bucket: str | None,
    distribution_id: str | None = None,
    domain: str | None = None,
    access_identities: bool = False,
) -> Account:
    """Return what there is. Never raises :exc:`AwsError`: the value says what went wrong.

    The distribution is the one with ``distribution_id``, else the one for ``domain``, which is a
    bare host: see :func:`find_distribution`. Origin access identities are listed only on request:
    the permission for it would be one more to ask for.
    """
    reading = _Reading()
    cloudfront = clients.cloudfront

    def distribution() -> tuple[Distribution | None]:
        if distribution_id is not None:
            return (read_distribution(cloudfront, distribution_id),)
        return (find_distribution(cloudfront, bucket=bucket, domain=domain),)

    identity = reading.read(
        "sts",
        lambda: call(
            clients.sts.get_caller_identity, "see whose account this is", "sts:GetCallerIdentity"
        ),
    )
    looked_for = reading.read("cloudfront", distribution)
    found = looked_for[0] if looked_for else None
    config = found.config if found else None
    account_id = str(identity["Account"]) if identity else ""
    owner = account_id or (found.arn.split(":")[4] if found else "")
    return Account(
        account_id=account_id,
        partition=str(identity["Arn"]).split(":")[1] if identity else "aws",
        distribution=found,
        has_looked_for_distribution=looked_for is not None,
        bucket=(
            reading.read("s3", lambda: read_bucket(clients.s3, bucket, account_id=owner))
            if bucket and owner
            else None
        ),
        public_keys=reading.read("cloudfront", lambda: tuple(KeyGroups(cloudfront).public_keys())),
        key_groups=reading.read("cloudfront", lambda: tuple(key_groups(cloudfront))),
        access_controls=reading.read("cloudfront", lambda: tuple(_access_controls(cloudfront))),
        access_identities=(
            reading.read("cloudfront", lambda: tuple(_access_identities(cloudfront)))
            if access_identities
            else ()
        ),
        cache_policies=reading.read(
            "cloudfront", lambda: _read_policies(cloudfront, _CACHE_POLICY, config)
        ),
        origin_request_policies=reading.read(
            "cloudfront", lambda: _read_policies(cloudfront, _ORIGIN_REQUEST_POLICY, config)
        ),
        response_headers_policies=reading.read(
            "cloudfront", lambda: _read_used_policies(cloudfront, _RESPONSE_HEADERS_POLICY, config)
        ),
        problems=tuple(reading.problems),
    )


# After one of these the next call of the same service may succeed.
_OF_ONE_CALL: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "NoSuchDistribution", "NoSuchResource", "403"}
)


@dataclass(slots=True)
class _Reading:
    """Collect failures; a service that does not answer is not asked again."""

    problems: list[AwsError] = field(default_factory=list)
    _silent: set[str] = field(default_factory=set)

    def read(self, service: str, look: Callable[[], T]) -> T | None:
        """Return what a look finds, or None and note why."""
        if service in self._silent:
            return None
        try:
            return look()
        except AwsError as error:
            if error.code not in _OF_ONE_CALL:
                self._silent.add(service)
            # What keeps every call back is said once.
            if error.code in _OF_ONE_CALL or all(each.code != error.code for each in self.problems):
                self.problems.append(error)
            return None


def find_distribution(
    cloudfront: Any, *, bucket: str | None, domain: str | None
) -> Distribution | None:
    """Return the account's distribution that has a domain, else the only one that reads a bucket.

    Without a domain, it is the one that cfsigned_setup made for the bucket. Raise :exc:`AwsError`
    where they cannot be listed or read.
    """
    readers = []
    for summary in pages(
        cloudfront.list_distributions,
        "DistributionList",
        "list the distributions",
        "cloudfront:ListDistributions",
    ):
        is_reader = bucket is not None and bool(bucket_origins(summary, bucket))
        if domain is None:
            is_meant = is_reader and summary["Comment"] == name_for(str(bucket))
        else:
            names = [summary["DomainName"], *listed(summary.get("Aliases"))]
            is_meant = any(covers(each, domain) for each in names)
        if is_meant:
            return read_distribution(cloudfront, summary["Id"])
        if is_reader:
            readers.append(summary["Id"])
    if domain is None or len(readers) != 1:
        return None
    return read_distribution(cloudfront, readers[0])


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


def _access_controls(cloudfront: Any) -> Iterator[Named]:
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


def pages(
    method: Callable[..., Mapping[str, Any]], block: str, what: str, permission: str, **given: Any
) -> Iterator[Document]:
    """Return the items of every page of one of CloudFront's lists."""
    marker: dict[str, str] = {}
    while True:
        listing = call(method, what, permission, **given, **marker)[block]
        yield from listed(listing)
        following = listing.get("NextMarker")
        if not following:
            return
        marker = {"Marker": following}


# The policies that behaviors refer to, by the names that the API has for their kinds.
_CACHE_POLICY: Final = "CachePolicy"
_ORIGIN_REQUEST_POLICY: Final = "OriginRequestPolicy"
_RESPONSE_HEADERS_POLICY: Final = "ResponseHeadersPolicy"


def _read_policies(
    cloudfront: Any, kind: str, config: Mapping[str, Any] | None
) -> dict[str, Named]:
    """Return the account's own policies of a kind, and the managed ones that are used."""
    operation = f"List{kind.removesuffix('y')}ies"
    found = {}
    for item in pages(
        getattr(cloudfront, xform_name(operation)),
        f"{kind}List",
        f"list the policies ({_words(kind)})",
        f"cloudfront:{operation}",
        Type="custom",
    ):
        policy = item[kind]
        found[policy["Id"]] = _named(policy, kind)
    return found | _read_used_policies(cloudfront, kind, config, known=found)


def _read_used_policies(
    cloudfront: Any, kind: str, config: Mapping[str, Any] | None, *, known: Collection[str] = ()
) -> dict[str, Named]:
    """Return the policies that behaviors use, managed ones too, but those that are ``known``."""
    operation = f"Get{kind}"
    found = {}
    used = {each.get(f"{kind}Id") for each in behaviors(config)} if config else set()
    for policy_id in sorted(filter(None, used.difference(known))):
        answer = call(
            getattr(cloudfront, xform_name(operation)),
            f"read the {_words(kind)} {policy_id}",
            f"cloudfront:{operation}",
            Id=policy_id,
        )
        found[policy_id] = _named(answer[kind], kind)
    return found


def _words(kind: str) -> str:
    return xform_name(kind, " ")


def _named(policy: Mapping[str, Any], kind: str) -> Named:
    config = policy[f"{kind}Config"]
    return Named(id=policy["Id"], name=config["Name"], config=config)


def find_by_id(candidates: Iterable[Named], wanted_id: str) -> Named | None:
    """Return the one with an id."""
    return next((each for each in candidates if each.id == wanted_id), None)


def find_by_name(candidates: Iterable[Named], name: str) -> Named | None:
    """Return the first one with a name."""
    return next((each for each in candidates if each.name == name), None)


# What S3 answers where nothing was ever set; HeadBucket has no body and so no code.
_MISSING = frozenset({"404", "NoSuchBucket"})
_REFUSED = frozenset({"403", "AccessDenied"})
_NOT_SET = frozenset(
    {
        "NoSuchBucketPolicy",
        "NoSuchCORSConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "OwnershipControlsNotFoundError",
    }
)
# With other refusals, S3 would answer none of the further questions either.
_NOT_ALLOWED: Final = frozenset({"AccessDenied", "403"})


def read_bucket(s3: Any, name: str, *, account_id: str) -> Bucket:
    """Return what there is under a name. Raise :exc:`AwsError` where S3 cannot be asked.

    A permission that is missing for one part keeps back that part alone.
    """
    try:
        head = call(
            s3.head_bucket,
            f"look at the bucket {name}",
            "s3:ListBucket",
            Bucket=name,
            ExpectedBucketOwner=account_id,
        )
    except AwsError as error:
        if error.code in _MISSING:
            return Bucket(name=name, state=BucketState.MISSING)
        if error.code in _REFUSED:
            return Bucket(name=name, state=BucketState.REFUSED)
        raise
    unread: dict[Part, AwsError] = {}

    def get(part: Part, method: Any, permission: str) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = call(
                method, f"read the {part} of the bucket {name}", permission, Bucket=name
            )
        except AwsError as error:
            if error.code in _NOT_ALLOWED:
                unread[part] = error
            elif error.code not in _NOT_SET:
                raise
            return None
        return found

    policy = get(Part.POLICY, s3.get_bucket_policy, "s3:GetBucketPolicy")
    cors = get(Part.CORS, s3.get_bucket_cors, "s3:GetBucketCORS")
    block = get(Part.PUBLIC_ACCESS, s3.get_public_access_block, "s3:GetBucketPublicAccessBlock")
    ownership = get(
        Part.OWNERSHIP, s3.get_bucket_ownership_controls, "s3:GetBucketOwnershipControls"
    )
    return Bucket(
        name=name,
        state=BucketState.OURS,
        region=_region(head),
        policy=json.loads(policy["Policy"]) if policy else None,
        cors_rules=tuple(cors["CORSRules"]) if cors else (),
        public_access_block=block["PublicAccessBlockConfiguration"] if block else None,
        object_ownership=_ownership(ownership),
        unread=unread,
    )


def _region(head: Mapping[str, Any]) -> str:
    headers = head["ResponseMetadata"]["HTTPHeaders"]
    return head.get("BucketRegion") or headers.get("x-amz-bucket-region") or _HOME_REGION


def _ownership(controls: Mapping[str, Any] | None) -> str | None:
    rules = controls["OwnershipControls"]["Rules"] if controls else []
    return rules[0]["ObjectOwnership"] if rules else None
