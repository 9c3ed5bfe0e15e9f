"""What the site needs, beside what its account has of it: behavior, origin and policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from cfsigned_django.aws.key_groups import ListedPublicKey
from cfsigned_django.tools.account.account import (
    Account,
    Bucket,
    BucketState,
    NamedConfig,
)
from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.cache_behavior import behaviors, is_open, pattern_of
from cfsigned_django.tools.account.documents.distribution_config import (
    covers,
    origin_in_bucket,
)
from cfsigned_django.tools.account.state.wanted import Wanted
from cfsigned_django.tools.model import listed
from cfsigned_django.tools.model.behaviors import matches, serving
from cfsigned_django.tools.model.forwarding import Forwarding


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteInAws:
    """What the site needs, and what its account has of it."""

    account: Account
    wanted: Wanted

    @property
    def bucket(self) -> Bucket:
        """Return the bucket; if it is unknown, a bucket with its name that does not exist."""
        return self.account.bucket or Bucket(name=self.wanted.bucket, state=BucketState.MISSING)

    @property
    def public_key(self) -> ListedPublicKey | None:
        """Return the public key in CloudFront of the site's key pair."""
        key = self.wanted.key
        return None if key is None else self.account.public_key(key.public_key_pem)

    @property
    def config(self) -> Document | None:
        """Return the configuration of the distribution."""
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

    @property
    def forwarding(self) -> Forwarding:
        """Return what the behavior forwards; nothing if there is none."""
        behavior, account = self.behavior or {}, self.account
        return Forwarding(
            cache_policy=_config(account.cache_policies, behavior.get("CachePolicyId")),
            origin_request_policy=_config(
                account.origin_request_policies, behavior.get("OriginRequestPolicyId")
            ),
            forwarded_values=behavior.get("ForwardedValues") or {},
        )

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

    @property
    def has_domain(self) -> bool:
        """Return whether the distribution accepts requests for the domain; DNS is not checked."""
        found = self.account.distribution
        names = (found.domain_name, *found.aliases) if found else ()
        host = self.wanted.host
        return not host or any(covers(each, host) for each in names)


def _config(policies: Mapping[str, NamedConfig] | None, policy_id: str | None) -> Document:
    """Return a policy by its ID; empty if there is none."""
    policy = (policies or {}).get(policy_id or "")
    return policy.config if policy else {}
