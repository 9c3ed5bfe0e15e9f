"""Make a storage's ``url()`` return CloudFront signed URLs.

Nothing here falls back: a storage that is meant to sign and cannot says so
with :exc:`~django.core.exceptions.ImproperlyConfigured`.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation

from cfsigned_django import conf
from cfsigned_django.checks import find_problems, raise_first_error, whole_seconds
from cfsigned_django.keyring import (
    Lease,
    get_signer,
    lease_signer,
    looks_in_database,
    trusted_keys,
)
from cfsigned_django.options import OptionsMixin
from cfsigned_django.parameters import build_query
from cfsigned_django.signing import HashAlgorithm, Policy, PublicKey, Signer

#: How long the URL of a probe is valid: longer than clocks differ.
PROBE_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """What url() needs and only the options decide, worked out once."""

    state: tuple[Any, ...]
    origin: str
    #: The signer of the settings, or the one handed in.
    signer: Signer | None
    #: The key group whose ACTIVE key pair signs in its place, where there may be one.
    key_group_id: str | None
    hash_algorithm: HashAlgorithm | None
    expire: int
    max_expire: int
    step: int

    def lease_signer(self) -> Lease:
        """Return the signer of this moment, and how long its URLs may live."""
        return lease_signer(self.key_group_id, self.hash_algorithm, self.signer)


class SignedUrlMixin(OptionsMixin):
    """Make ``url()`` of any storage return CloudFront signed URLs.

    Put it before a storage class whose own ``url()`` gives the path of a
    file. Options, each defaulting to its setting: see
    :data:`cfsigned_django.conf.OPTIONS`.
    """

    _ready: _Ready | None = None

    def url(
        self,
        name: str | None,
        parameters: dict[str, Any] | None = None,
        expire: int | timedelta | None = None,
        http_method: str | None = None,
        *,
        date_greater_than: datetime | int | None = None,
        ip_address: str | None = None,
        resource: str | None = None,
        download: str | None = None,
    ) -> str:
        """Return a URL with which CloudFront serves the file for ``expire`` seconds.

        ``parameters`` go into the query, under boto3's or S3's names;
        ``download`` is the name under which browsers save the file. A start
        (Unix seconds or an aware datetime), an IPv4 address or range, or a
        ``resource`` such as ``"albums/42/*"`` (a name in this storage, with
        wildcards, that covers ``name``) make a custom policy.

        Raise :exc:`ImproperlyConfigured` where settings do not make sense,
        :exc:`ValueError` where arguments do not, and
        :exc:`SuspiciousFileOperation` for a name with ``..`` in it. Does no
        network access, and asks the database for the key once per interval.
        """
        if http_method is not None:
            _refuse_writing(http_method)
        if self._generation != conf.generation:
            self._follow_settings()
        if not self.querystring_auth:
            return self.unsigned_url(name, parameters, download)
        ready = self._get_ready()
        address = ready.origin + self._url_path(name)
        if parameters or download is not None:
            address = _join_query(address, build_query(parameters, download))
        # Read before the signer is asked for, which may take a while: what is
        # granted to a URL counts from here.
        now = int(time.time())
        until = now + (ready.expire if expire is None else _lifetime(expire, ready.max_expire))
        if ready.step:
            until = -(-until // ready.step) * ready.step
        lease = ready.lease_signer()
        until = lease.limit(until, lifetime=ready.max_expire + ready.step, now=now)
        signer = lease.signer
        if date_greater_than is None and ip_address is None and resource is None:
            return signer.sign_url(address, date_less_than=until)
        policy = Policy(
            resource=ready.origin + self._resource_path(resource) if resource else address,
            date_less_than=until,
            date_greater_than=date_greater_than,
            ip_address=ip_address,
        )
        return signer.sign_url(address, policy=policy)

    def unsigned_url(
        self,
        name: str | None,
        parameters: dict[str, Any] | None = None,
        download: str | None = None,
    ) -> str:
        """Return the CloudFront URL without a signature.

        It names the file for good, where a signed URL changes: for the key of
        a cache, for a thumbnail library, or where the files are public.
        """
        if self._generation != conf.generation:
            self._follow_settings()
        if not self.custom_domain:
            raise ImproperlyConfigured(
                "AWS_S3_CUSTOM_DOMAIN is not set: a CloudFront URL needs the domain name of the "
                "distribution."
            )
        address = f"{self.url_protocol}//{self.custom_domain}{self._url_path(name)}"
        return _join_query(address, build_query(parameters, download))

    def find_problems(self, obj: Any = None) -> list[CheckMessage]:
        """Return what system checks say about this storage; ``obj`` is what they name."""
        if not self._is_signing():
            return []
        return find_problems(self.signing_config(), with_key=self._needs_key, obj=obj)

    def trusted_keys(self) -> dict[str, PublicKey]:
        """Return the public keys, by key pair id, that verify this storage's URLs."""
        if self._generation != conf.generation:
            self._follow_settings()
        return trusted_keys(self._get_ready().lease_signer().signer)

    def probe_url(self, signer: Signer) -> str:
        """Return a URL that is signed with another signer, to see whether CloudFront knows it.

        No file need be there: CloudFront checks the key before it asks for one.
        """
        if self._generation != conf.generation:
            self._follow_settings()
        address = self._get_ready().origin + self._url_path(".cfsigned-probe")
        return signer.sign_url(address, date_less_than=int(time.time()) + PROBE_SECONDS)

    def _get_ready(self) -> _Ready:
        """Return what the options decide, worked out again only after they changed."""
        state = (
            self.custom_domain,
            self.url_protocol,
            self.cloudfront_key_id,
            self.cloudfront_key,
            self.hash_algorithm,
            self.querystring_expire,
            self.max_expire,
            self.expire_step,
            self.key_group_id,
            self._given_signer(),
        )
        ready = self._ready
        if ready is None or ready.state != state:
            self._ready = ready = self._make_ready(state)
        return ready

    def _make_ready(self, state: tuple[Any, ...]) -> _Ready:
        config = self.signing_config()
        given = self._given_signer()
        in_database = given is None and looks_in_database(config.key_group_id)
        has_key = config.cloudfront_key is not None or not in_database
        raise_first_error(find_problems(config, with_key=given is None and has_key))
        hash_algorithm = config.hash_algorithm and HashAlgorithm(config.hash_algorithm)
        return _Ready(
            state=state,
            origin=f"{config.url_protocol}//{config.custom_domain.lower()}",
            signer=given or _make_signer(config, hash_algorithm),
            key_group_id=config.key_group_id if in_database else None,
            hash_algorithm=hash_algorithm,
            expire=whole_seconds(config.querystring_expire) or 0,
            max_expire=whole_seconds(config.max_expire) or 0,
            step=whole_seconds(config.expire_step) or 0,
        )

    def _is_signing(self) -> bool:
        return bool(self.querystring_auth)

    def _given_signer(self) -> Signer | None:
        """Return a signer that was handed in ready-made, which wins over the key."""
        return None

    def _url_path(self, name: str | None) -> str:
        """Return the percent-encoded path of the file, from its slash on."""
        refuse_dot_dot(name or "")
        # The storage may stand behind a base URL, of which the path counts.
        return escape_asterisks(urlsplit(super().url(name)).path)  # type: ignore[misc]

    def _resource_path(self, resource: str) -> str:
        """Return the path of a resource, in which ``*`` keeps its meaning."""
        if "://" in resource:
            raise ValueError(
                f"resource is {resource!r}: give it as a name in the storage, such as "
                "'albums/42/*', without protocol and domain."
            )
        # Those of the resource are the last ones: a location may hold others.
        return "*".join(self._url_path(resource).rsplit("%2A", resource.count("*")))


def _make_signer(config: conf.Config, hash_algorithm: HashAlgorithm | None) -> Signer | None:
    if config.cloudfront_key is None:
        return None
    return get_signer(config.cloudfront_key, config.cloudfront_key_id, hash_algorithm)


def refuse_dot_dot(name: str) -> None:
    """Refuse a name that leads out of a folder, in either spelling of the slash."""
    if ".." in re.split(r"[\\/]", str(name)):
        raise SuspiciousFileOperation(
            f"The name {name!r} holds '..'. Signed is what is named, nothing beside it: "
            "give the name as the storage returned it from save()."
        )


def escape_asterisks(path: str) -> str:
    """Encode ``*``, which a policy would take for a wildcard and S3 for itself."""
    return path.replace("*", "%2A")


def _join_query(address: str, query: str) -> str:
    return f"{address}?{query}" if query else address


def _lifetime(expire: int | timedelta, max_expire: int) -> int:
    """Return the seconds that were asked for, if a URL may live that long."""
    seconds = whole_seconds(expire)
    if seconds is None or seconds < 1:
        raise ValueError(
            f"expire is {expire!r}: whole seconds or a timedelta are wanted, 1 s or more."
        )
    if seconds > max_expire:
        raise ValueError(
            f"expire is {seconds} s, more than the {max_expire} s of AWS_CLOUDFRONT_MAX_EXPIRE. "
            "Ask for less, or raise the setting: keys must outlive the URLs that they signed."
        )
    return seconds


def _refuse_writing(http_method: str) -> None:
    if http_method.upper() not in ("GET", "HEAD"):
        raise ValueError(
            f"http_method is {http_method!r}, but the signed URLs of this storage are for reading "
            "(GET, HEAD). To let a browser upload, give it a presigned S3 URL: boto3's "
            "generate_presigned_post or generate_presigned_url('put_object', ...)."
        )
