"""What the site needs of AWS, beside what its account has of it: behavior, origin and policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from cfsigned_django.signing.keys import PublicKey
from cfsigned_django.tools.account.account import Account, Bucket, BucketState, NamedConfig
from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.distribution_config import (
    behaviors,
    folders_of,
    is_open,
    origin_in_bucket,
    pattern_of,
)
from cfsigned_django.tools.model import listed
from cfsigned_django.tools.model.behaviors import matches, serving
from cfsigned_django.tools.model.forwarding import Forwarding


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteKey:
    """The public half of the key pair that the site signs with.

    ``name`` and ``caller_reference`` are unique to this key, so that a key whose
    response was lost is found again.
    """

    name: str
    caller_reference: str
    public_key_pem: str

    @classmethod
    def from_public_key(cls, public_key: PublicKey) -> SiteKey:
        """Return the key, always with the same names for the same key."""
        fingerprint = public_key.fingerprint
        return cls(
            name=f"cfsigned-{fingerprint[:16]}",
            caller_reference=f"cfsigned-{fingerprint}",
            public_key_pem=public_key.to_pem(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the site needs of AWS, from its settings and the options of a command."""

    #: Empty if the storage has none: then nothing is known about a bucket.
    bucket: str = ""
    #: The region in the settings; empty: wherever the bucket is.
    region: str = ""
    #: None: the one that has the domain.
    distribution_id: str | None = None
    #: The domain in URLs; empty: CloudFront's own domain name of the distribution.
    domain: str = ""
    cors_origins: tuple[str, ...] = ()
    #: Pages of these origins upload files to S3.
    upload_origins: tuple[str, ...] = ()
    #: The folder of uploads, with a slash at its end, whose incomplete ones end.
    upload_prefix: str = ""
    #: Pages of these origins read files with signed cookies.
    cookies: bool = False
    #: ARN of the KMS key that must encrypt new objects; empty: that of the bucket, if it has one.
    kms_key: str = ""
    #: Empty: those that the behavior trusts.
    key_group_id: str = ""
    #: None: there is no key pair yet.
    key: SiteKey | None = None
    #: The public key ID in the settings; empty: the one that CloudFront has for the key.
    key_pair_id: str = ""
    #: The folder of all names as a path, with a slash at both ends; empty if it is unknown.
    location: str = ""
    #: The path patterns of folders of the storage that its option ``public`` names.
    public_paths: tuple[str, ...] = ()
    #: Those of static files, which no file field should save.
    static_paths: tuple[str, ...] = ()
    #: File field -> the pattern of the paths that it saves; empty if that is unknown.
    saved_paths: Mapping[str, str] = field(default_factory=dict)
    #: What takes files that may run scripts, and is guarded by no more than a query or a header.
    unguarded: tuple[str, ...] = ()
    #: The percent-encoded path of an object that viewers request; empty if none is named.
    path: str = ""
    #: The life of signed URLs, in seconds; 0 if it is unknown.
    expire: int = 0
    #: The domain is this machine: a local edge, which is not a name of any distribution.
    is_local: bool = False

    @property
    def declared_paths(self) -> tuple[str, ...]:
        """Return the path patterns of all that the settings declare public."""
        return (*self.public_paths, *self.static_paths)

    @property
    def uploads(self) -> bool:
        """Return whether browsers upload files to S3."""
        return bool(self.upload_origins or self.upload_prefix)

    @property
    def object_key(self) -> str:
        """Return the key in S3 of an object that viewers request; it need not exist."""
        return (unquote(self.path) or f"{self.location or '/'}x").removeprefix("/")

    @property
    def host(self) -> str:
        """Return the domain without a port; empty for CloudFront's own."""
        return self.domain.partition(":")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteInAws:
    account: Account
    wanted: Wanted

    @property
    def bucket(self) -> Bucket:
        """Return the bucket; if it is unknown, a bucket with its name that does not exist."""
        return self.account.bucket or Bucket(name=self.wanted.bucket, state=BucketState.MISSING)

    @property
    def key_pair_id(self) -> str:
        """Return the ID of the key that signs; empty if CloudFront has none yet."""
        key, known = self.wanted.key, self.account.public_keys or ()
        same = (each.key_pair_id for each in known if key and each.holds(key.public_key_pem))
        return self.wanted.key_pair_id or next(same, "")

    @property
    def config(self) -> Document | None:
        return self.account.distribution.config if self.account.distribution else None

    @property
    def behavior(self) -> Document | None:
        """Return the behavior of the private files, which must require signatures.

        It is the first restricted one that matches ``wanted.path``: an open one before it takes the
        path, which is a finding about that one. If none is restricted, it is the one that serves
        the path. None if no distribution is known.
        """
        if self.config is None:
            return None
        found, path = [*behaviors(self.config)], self.wanted.path
        for each in found:
            if not is_open(each) and matches(pattern_of(each), path):
                return each
        return found[serving([*map(pattern_of, found)], path)]

    @property
    def files(self) -> str:
        """Return the pattern of the paths of private files."""
        if self.wanted.location:
            return f"{self.wanted.location}*"
        return pattern_of(self.behavior or {})

    @property
    def origin(self) -> Document | None:
        """Return the origin through which the behavior reads the bucket."""
        if self.config is None or self.behavior is None:
            return None
        return origin_in_bucket(self.config, self.behavior, self.wanted.bucket)

    def is_open_at(self, path: str) -> bool | None:
        """Return whether an open behavior serves a path, from where the private one reads.

        None if no distribution is known.
        """
        config, private = self.config, self.behavior
        if config is None or private is None:
            return None
        found = [*behaviors(config)]
        taker = found[serving([*map(pattern_of, found)], path)]
        return is_open(taker) and not {*folders_of(config, taker)}.isdisjoint(
            folders_of(config, private)
        )

    @property
    def forwarding(self) -> Forwarding:
        behavior, account = self.behavior or {}, self.account
        return Forwarding(
            cache_policy=_config(account.cache_policies, behavior.get("CachePolicyId")),
            origin_request_policy=_config(
                account.origin_request_policies, behavior.get("OriginRequestPolicyId")
            ),
            forwarded_values=behavior.get("ForwardedValues") or {},
        )

    @property
    def knows_forwarding(self) -> bool:
        """Return whether the policies that decide what reaches S3 have been read."""
        account = self.account
        return account.cache_policies is not None and account.origin_request_policies is not None

    @property
    def response_headers(self) -> NamedConfig | None:
        """Return the response headers policy of the behavior, if it has been read."""
        policies = self.account.response_headers_policies or {}
        return policies.get((self.behavior or {}).get("ResponseHeadersPolicyId", ""))

    @property
    def uses_tls(self) -> bool:
        """Return whether CloudFront asks S3 by TLS for sure: it does if its viewers must."""
        behavior = self.behavior or {}
        return behavior.get("ViewerProtocolPolicy") in ("https-only", "redirect-to-https")

    @property
    def unknown_reads(self) -> list[str]:
        """Return what may let CloudFront read, or answer, something else than is judged."""
        config, behavior = self.config or {}, self.behavior or {}
        kinds = ("FunctionAssociations", "LambdaFunctionAssociations")
        groups = [each["Id"] for each in listed(config.get("OriginGroups"))]
        is_staged = config.get("ContinuousDeploymentPolicyId") or config.get("Staging")
        found = {
            "functions at the edge": any(listed(behavior.get(each)) for each in kinds),
            "an origin group": behavior.get("TargetOriginId") in groups,
            "a continuous deployment": is_staged,
        }
        return [what for what, is_there in found.items() if is_there]

    @property
    def arn_of_files(self) -> str:
        """Return the ARN of what the storage saves in the bucket, with ``*``."""
        return self.objects_arn(f"{self.wanted.location or '/'}*")

    def objects_arn(self, path: str) -> str:
        """Return the ARN of objects in the bucket, by a path that may be a pattern."""
        distribution = self.account.distribution
        partition = distribution.partition if distribution else "aws"
        return f"arn:{partition}:s3:::{self.bucket.name}{unquote(path)}"


def _config(policies: Mapping[str, NamedConfig] | None, policy_id: str | None) -> Document:
    policy = (policies or {}).get(policy_id or "")
    return policy.config if policy else {}
