"""Make a storage's ``url()`` return CloudFront signed URLs.

Nothing here falls back: a storage that is meant to sign and cannot says so
with :exc:`~django.core.exceptions.ImproperlyConfigured`.
"""

from __future__ import annotations

import time
from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Any

from cfsigned_django.signing import HashRefused, Policy, Signer
from cfsigned_django.signing.encoding import encode_url
from cfsigned_django.storage import context
from cfsigned_django.storage.addresses import AddressMixin, join_query
from cfsigned_django.storage.arguments import (
    lifetime,
    refuse_conditions,
    refuse_late_start,
    refuse_writing,
    step_seconds,
)
from cfsigned_django.storage.plain_names import plain_bytes
from cfsigned_django.storage.query import build_query
from cfsigned_django.storage.ready import Ready, Settled
from cfsigned_django.storage.reuse import SECONDS, Grant, extend, extend_to, find_or_sign
from cfsigned_django.storage.stable_expiry import stable_expiry
from cfsigned_django.url_cache import RECHECK_SECONDS, Second
from cfsigned_django.validation import sign_probe

#: How long the URL of a probe is valid: longer than clocks differ.
PROBE_SECONDS = 600


class SignedUrlMixin(AddressMixin):
    """Make ``url()`` of any storage return CloudFront signed URLs.

    Put it before a storage class whose own ``url()`` gives the path of a
    file. Options, each defaulting to its setting: see
    :data:`cfsigned_django.conf.OPTIONS`.
    """

    _settled: Settled | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if hasattr(cls, "get_cloudfront_signer") and not hasattr(cls, "_options_mark"):
            raise TypeError(
                f"{cls.__name__} puts SignedUrlMixin before django-storages' S3Storage, which has "
                "a signer of its own. Derive it from CloudFrontS3Storage, which joins the two."
            )

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
        expire_step: int | timedelta | None = None,
    ) -> str:
        """Return a URL with which CloudFront serves the file for ``expire`` seconds.

        ``parameters`` go into the query, under boto3's or S3's names;
        ``download`` is the name under which browsers save the file. A start
        (Unix seconds or an aware datetime), an IPv4 address or range, or a
        ``resource`` such as ``"albums/42/*"`` (a name in this storage, with
        wildcards, that covers ``name``) make a custom policy. A resource with
        wildcards is signed once for all names, as long as its end is the same.
        With ``expire_step``, in seconds, that and the URL stay the same for a
        step, and the URL lives for less than a step longer.

        Raise :exc:`ImproperlyConfigured` where settings do not make sense,
        :exc:`ValueError` where arguments do not, and
        :exc:`SuspiciousFileOperation` for a name with ``..`` in it. Does no
        network access, and asks the database for the key once per interval.
        """
        urls = self._urls
        try:
            # First of all what is most of the work: for a page whose URLs are known, and for one
            # that ECDSA signs.
            if resource is None:
                if (
                    parameters is None
                    and expire is None
                    and http_method is None
                    and date_greater_than is None
                    and ip_address is None
                    and download is None
                    and expire_step is None
                ):
                    entries, shared = urls.entries, urls.second
                    if entries:
                        entry = entries.get(name)
                        if entry is not None and entry.since <= time.time() < entry.until:
                            if context.watches:
                                context.note(entry.expires)
                            return entry.url
                    if (
                        shared is not None
                        and shared.since <= time.time() < shared.until
                        and (raw := plain_bytes(name)) is not None
                    ):
                        if context.watches:
                            context.note(shared.expires)
                        return shared.sign(name, raw)  # type: ignore[arg-type]  # It is text.
            elif (
                parameters is None
                and http_method is None
                and date_greater_than is None
                and download is None
                and expire.__class__ in SECONDS
                and expire_step.__class__ in SECONDS
            ):
                entry = urls.entries.get((resource, expire, expire_step, ip_address))
                if entry is not None and entry.since <= time.time() < entry.until:
                    url = extend(entry, name)
                    if url is None:
                        url = extend_to(entry, self._get_origin() + self._url_path(name))
                    if context.watches:
                        context.note(entry.expires)
                    return url
            return self._make_url(
                name,
                parameters,
                expire,
                http_method,
                date_greater_than,
                ip_address,
                resource,
                download,
                expire_step,
            )
        except HashRefused:
            self._explain_refusal()
            raise

    def _make_url(
        self,
        name: str | None,
        parameters: dict[str, Any] | None,
        expire: int | timedelta | None,
        http_method: str | None,
        date_greater_than: datetime | int | None,
        ip_address: str | None,
        resource: str | None,
        download: str | None,
        expire_step: int | timedelta | None,
    ) -> str:
        """Return what ``url()`` returns where it does not know that yet."""
        urls = self._urls
        era = urls.era  # before any look at what may change meanwhile
        # Read before the signer is asked for, which may take a while: what is
        # granted to a URL counts from here.
        now = time.time()
        settled = self._settled
        if settled is not None and settled.era is era and settled.since <= now < settled.until:
            ready = settled.ready
        else:
            self._keep_up()
            if not self._is_signing():
                refuse_conditions(date_greater_than, ip_address, resource)
                return self._plain_url(name, parameters, expire, http_method, download)
            ready = self._get_ready()
            settled = self._settle(ready, era, now)
        if http_method is not None:
            refuse_writing(http_method)
        raw = None if settled is None else plain_bytes(name)
        if settled is not None and raw is not None:
            address = f"{settled.start}{name}"
        else:
            address = ready.origin + self._url_path(name)
        if parameters or download is not None:
            raw, address = None, join_query(address, build_query(parameters, download))
        covered = address if resource is None else ready.origin + self._resource_path(resource)
        second = int(now)
        seconds = ready.expire if expire is None else lifetime(expire, ready.max_expire)
        step = ready.step
        if expire_step is not None or (step and seconds + step > ready.longest):
            step = step_seconds(
                step if expire_step is None else expire_step, seconds, ready.longest
            )
        wanted = second + seconds
        if step:
            wanted = stable_expiry(wanted, step, covered)
        lease = ready.lease_signer()
        expires = lease.limit(wanted, lifetime=ready.longest, now=second)
        if context.watches:
            context.note(expires)
        if not step and date_greater_than is None and ip_address is None and resource is None:
            if raw is None or settled is None:
                return lease.signer.sign_url(address, date_less_than=expires)
            # It is another one in the next second: nobody compares.
            shared = urls.second
            if shared is None or not shared.grants(expires, now):
                shared = Second(
                    since=now,
                    until=min(second + 1, settled.until, lease.fresh_until),
                    expires=expires,
                    sign=lease.signer.until(expires, start=settled.start).sign,
                )
                if expire is None and expire_step is None:
                    urls.keep_second(shared, era=era)
            return shared.sign(str(name), raw)
        # What was cut short, since the database does not answer, is not kept.
        is_cut = expires != wanted
        if date_greater_than is not None:
            refuse_late_start(date_greater_than, expires, second)
        if date_greater_than is not None or is_cut or not ready.cache_size:
            policy = Policy(
                resource=covered,
                date_less_than=expires,
                date_greater_than=date_greater_than,
                ip_address=ip_address,
            )
            return lease.signer.sign_url(address, policy=policy)
        grant = Grant(
            signer=lease.signer,
            covered=covered,
            expires=expires,
            ip_address=ip_address,
            since=now,
            until=min(wanted - seconds + 1, now + RECHECK_SECONDS, lease.fresh_until),
        )
        key: Hashable = address, covered, seconds, step, ip_address
        start = None
        if "*" in covered:
            key = None, covered, seconds, step, ip_address
            if settled is not None:
                key, start = (resource, expire, expire_step, ip_address), settled.start
        elif settled is not None and name.__class__ is str:
            others = parameters, expire, http_method, ip_address, resource, download, expire_step
            if all(each is None for each in others):
                key = name
        url, entry = find_or_sign(urls, key, grant, address, start=start)
        if urls.entries.get(key) is not entry:
            urls.keep(key, entry, era=era, size=ready.cache_size)
        return url

    def _settle(self, ready: Ready, era: object, now: float) -> Settled | None:
        """Spare the next URLs the look at each option, where these announce a change."""
        if not ready.has_fixed_paths:
            return None
        settled = Settled(
            ready=ready,
            era=era,
            since=now,
            until=now + RECHECK_SECONDS,
            start=encode_url(ready.origin + self._url_path("x")).removesuffix("x"),
        )
        self.__dict__["_settled"] = settled  # not by setattr(), which tells of a change
        return settled

    def probe_url(self, signer: Signer) -> str:
        """Return a URL that is signed with another key, to see whether CloudFront knows it.

        No file need be there: CloudFront checks the key before it asks for one.
        The hash is that of this storage, with which the key signs its URLs.
        """
        self._keep_up()
        ready = self._get_ready()
        address = ready.origin + self._url_path(".cfsigned-probe")
        until = int(time.time()) + PROBE_SECONDS
        return sign_probe(signer, address, ready.hash_algorithm, date_less_than=until)
