"""Make a storage's ``url()`` return CloudFront signed URLs.

Nothing here falls back: a storage that is meant to sign and cannot says so
with :exc:`~django.core.exceptions.ImproperlyConfigured`.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from cfsigned_django import conf
from cfsigned_django.arguments import lifetime, refuse_conditions, refuse_dot_dot, refuse_writing
from cfsigned_django.checks import (
    find_address_problems,
    find_problems,
    longest_lifetime,
    raise_first_error,
)
from cfsigned_django.keyring import looks_in_database, needs_settings_key, trusted_keys, waits_for
from cfsigned_django.options import OptionsMixin
from cfsigned_django.parameters import build_query
from cfsigned_django.ready import Ready, find_missing_app, make_origin
from cfsigned_django.signing import InvalidKey, Policy, PublicKey, Signer
from cfsigned_django.signing.encoding import encode_path

#: How long the URL of a probe is valid: longer than clocks differ.
PROBE_SECONDS = 600


class SignedUrlMixin(OptionsMixin):
    """Make ``url()`` of any storage return CloudFront signed URLs.

    Put it before a storage class whose own ``url()`` gives the path of a
    file. Options, each defaulting to its setting: see
    :data:`cfsigned_django.conf.OPTIONS`.
    """

    _ready: Ready | None = None

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
        if self._generation != conf.generation:
            self._follow_settings()
        address = self._get_origin() + self._url_path(name)
        if parameters or download is not None:
            address = _join_query(address, build_query(parameters, download))
        return address

    def find_problems(self, obj: Any = None) -> list[CheckMessage]:
        """Return what system checks say about this storage; ``obj`` is what they name."""
        if not self._is_signing():
            return []
        config = self.signing_config()
        if isinstance(self._handed_in(), Signer):
            return find_problems(config, with_key=False, obj=obj)
        found = find_problems(config, with_key=needs_settings_key(config), obj=obj)
        return [*found, *find_missing_app(config, obj)]

    def trusted_keys(self) -> dict[str, PublicKey]:
        """Return the public keys, by key pair id, that verify this storage's URLs."""
        if self._generation != conf.generation:
            self._follow_settings()
        # Also of a storage that does not sign: whoever asks wants to verify.
        config = self.signing_config()
        with_key = not isinstance(self._handed_in(), Signer) and needs_settings_key(config)
        raise_first_error(find_problems(config, with_key=with_key))
        return trusted_keys(self._get_ready().lease_signer().signer)

    def signs_apart(self, key_group_id: str, key_pair_id: str) -> bool:
        """Tell whether this key signs here, and would whatever becomes of it in that group.

        So it does in a storage of another group or of none, and in one to
        which its signer was handed in.
        """
        if not self._is_signing():
            return False
        config = self.signing_config()
        if config.key_group_id == key_group_id and self._asks_database(config):
            return False
        try:
            return key_pair_id in self.trusted_keys()
        except (ImproperlyConfigured, InvalidKey):
            return False  # It signs nothing.

    def current_signer(self) -> Signer | None:
        """Return the signer of this moment; None where URLs are not signed by this package.

        Raise :exc:`ImproperlyConfigured` where nothing can sign.
        """
        if self._generation != conf.generation:
            self._follow_settings()
        return self._get_ready().lease_signer().signer if self._is_signing() else None

    def probe_url(self, signer: Signer) -> str:
        """Return a URL that is signed with another signer, to see whether CloudFront knows it.

        No file need be there: CloudFront checks the key before it asks for one.
        """
        if self._generation != conf.generation:
            self._follow_settings()
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

    def _get_ready(self) -> Ready:
        """Return what the options decide, worked out again only after they changed."""
        state = (
            self.custom_domain,
            self.url_protocol,
            conf.hide("cloudfront_key_id", self.cloudfront_key_id),
            conf.KeySource.wrap(self.cloudfront_key),
            self.hash_algorithm,
            self.querystring_expire,
            self.max_expire,
            self.expire_step,
            self.key_group_id,
            self._handed_in(),
        )
        ready = self._ready
        if ready is None or ready.state != state:
            self._ready = ready = self._make_ready(state)
        return ready

    def _make_ready(self, state: tuple[Any, ...]) -> Ready:
        raise_first_error(self.find_problems())
        config, given = self.signing_config(), self._handed_in()
        signer = given if isinstance(given, Signer) else None
        asks_database = self._asks_database(config)
        if asks_database and not waits_for(config.key_group_id, longest_lifetime(config)):
            raise ImproperlyConfigured(
                f"URLs of this storage may live for {longest_lifetime(config)} s, longer than a "
                f"rotation of {config.key_group_id} waits, which knows the storages of STORAGES "
                "and of file fields only: their links would be refused. Name this storage in "
                "STORAGES, or lower its max_expire."
            )
        return Ready.work_out(state, config, signer, asks_database=asks_database)

    def _is_signing(self) -> bool:
        return self.querystring_auth is not False

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

    def _asks_database(self, config: conf.Config) -> bool:
        """Tell whether an ACTIVE key pair of the database would sign here."""
        return not isinstance(self._handed_in(), Signer) and looks_in_database(config.key_group_id)

    def _handed_in(self) -> Any:
        """Return the signer that was handed in, which wins over the key of the options."""
        return None

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
