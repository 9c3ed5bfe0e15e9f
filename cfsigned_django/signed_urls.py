"""Make a storage's ``url()`` return CloudFront signed URLs.

Nothing here falls back: a storage that is meant to sign and cannot says so
with :exc:`~django.core.exceptions.ImproperlyConfigured`.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from cfsigned_django import conf
from cfsigned_django.arguments import lifetime, refuse_conditions, refuse_dot_dot, refuse_writing
from cfsigned_django.checks import (
    find_address_problems,
    raise_first_error,
)
from cfsigned_django.parameters import build_query
from cfsigned_django.ready import make_origin
from cfsigned_django.signing import Policy, Signer
from cfsigned_django.signing.encoding import encode_path
from cfsigned_django.signing_key import SigningKeyMixin

#: How long the URL of a probe is valid: longer than clocks differ.
PROBE_SECONDS = 600


class SignedUrlMixin(SigningKeyMixin):
    """Make ``url()`` of any storage return CloudFront signed URLs.

    Put it before a storage class whose own ``url()`` gives the path of a
    file. Options, each defaulting to its setting: see
    :data:`cfsigned_django.conf.OPTIONS`.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if hasattr(cls, "get_cloudfront_signer") and not hasattr(cls, "_options_signer"):
            raise TypeError(
                f"{cls.__name__} puts SignedUrlMixin before django-storages' S3Storage, which has "
                "a signer of its own. Derive it from CloudFrontS3Storage, which joins the two."
            )

    _known_origin: tuple[tuple[Any, Any], str] | None = None

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
        if self._generation != conf.generation:
            self._follow_settings()
        if not self._is_signing():
            refuse_conditions(date_greater_than, ip_address, resource)
            return self._plain_url(name, parameters, expire, http_method, download)
        if http_method is not None:
            refuse_writing(http_method)
        ready = self._get_ready()
        address = ready.origin + self._url_path(name)
        if parameters or download is not None:
            address = _join_query(address, build_query(parameters, download))
        # Read before the signer is asked for, which may take a while: what is
        # granted to a URL counts from here.
        now = int(time.time())
        until = now + (ready.expire if expire is None else lifetime(expire, ready.max_expire))
        if ready.step:
            until = -(-until // ready.step) * ready.step
        lease = ready.lease_signer()
        until = lease.limit(until, lifetime=ready.max_expire + ready.step, now=now)
        signer = lease.signer
        if date_greater_than is None and ip_address is None and resource is None:
            return signer.sign_url(address, date_less_than=until)
        covered = address if resource is None else ready.origin + self._resource_path(resource)
        policy = Policy(
            resource=covered,
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
        self._keep_up()
        address = self._get_origin() + self._url_path(name)
        if parameters or download is not None:
            address = _join_query(address, build_query(parameters, download))
        return address

    def probe_url(self, signer: Signer) -> str:
        """Return a URL that is signed with another signer, to see whether CloudFront knows it.

        No file need be there: CloudFront checks the key before it asks for one.
        """
        self._keep_up()
        address = self._get_ready().origin + self._url_path(".cfsigned-probe")
        return signer.sign_url(address, date_less_than=int(time.time()) + PROBE_SECONDS)

    def _get_origin(self) -> str:
        """Return protocol and domain of unsigned URLs, checked again only after a change."""
        state = self.url_protocol, self.custom_domain
        known = self._known_origin
        if known is None or known[0] != state:
            raise_first_error(find_address_problems(self.signing_config()))
            self._known_origin = known = state, make_origin(*state)
        return known[1]

    def _plain_url(
        self,
        name: str | None,
        parameters: dict[str, Any] | None,
        expire: int | timedelta | None,
        http_method: str | None,
        download: str | None,
    ) -> str:
        """Return the URL where it was said that this mixin shall not sign it."""
        if http_method is not None:
            refuse_writing(http_method)
        return self.unsigned_url(name, parameters, download)

    def _url_path(self, name: str | None) -> str:
        """Return the percent-encoded path of the file, from its slash on."""
        refuse_dot_dot(name or "")
        # The storage may stand behind a base URL, of which the path counts.
        path = encode_path(urlsplit(super().url(name)).path)  # type: ignore[misc]
        return escape_asterisks(path if path.startswith("/") else f"/{path}")

    def _resource_path(self, resource: str) -> str:
        """Return the path of a resource, in which ``*`` keeps its meaning."""
        if not resource or "://" in resource:
            raise ValueError(
                f"resource is {resource!r}: give it as a name in the storage, such as "
                "'albums/42/*', without protocol and domain."
            )
        # Those of the resource are the last ones: a location may hold others.
        return "*".join(self._url_path(resource).rsplit("%2A", resource.count("*")))


def escape_asterisks(path: str) -> str:
    """Encode ``*``, which a policy would take for a wildcard and S3 for itself."""
    return path.replace("*", "%2A")


def _join_query(address: str, query: str) -> str:
    return f"{address}?{query}" if query else address
