"""Check signed URLs, and what is invalidated, in tests of a site, without AWS and sockets.

This works with unittest and with pytest::

    from cfsigned_django.testing import assert_signed, edge_for

    def test_picture_is_private(self):
        url = self.client.get("/albums/42/").json()["url"]
        assert_signed(url, name="albums/42/001.jpg", expires_within=300)
        edge = edge_for("default")
        self.assertEqual(edge.get(url).status, 200)
        self.assertEqual(edge.get(url.partition("?")[0]).error_code, "MissingKey")
"""

from __future__ import annotations

import html
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, cast
from unittest import mock
from urllib.parse import urlsplit

from django.core.files.storage import InMemoryStorage, Storage
from django.http import HttpResponseBase

from cfsigned_django.cookies.place import carries, is_in_domain
from cfsigned_django.core import keyring
from cfsigned_django.core.conf import LazyPrivateKey
from cfsigned_django.invalidation import invalidate
from cfsigned_django.signing import Check, Denied
from cfsigned_django.signing.encoding import split_query
from cfsigned_django.signing.keys import PrivateKey
from cfsigned_django.signing.policy import Policy
from cfsigned_django.signing.verifier import Verifier
from cfsigned_django.storage import batch
from cfsigned_django.storage.site_storages import find_storage
from cfsigned_django.storage.urls import SignedUrlMixin, StorageInternals
from cfsigned_django.tools.edge.client import EdgeClient as EdgeClient, EdgeResponse as EdgeResponse
from cfsigned_django.tools.storage_origin import StorageOrigin, distribution_for


class InMemorySignedStorage(SignedUrlMixin, InMemoryStorage):
    """Keep files in memory, and sign their URLs, with no key and no settings.

    For tests and builds of a site that has no keys: name it in STORAGES instead
    of the storage of the site. Its key is made when this module is imported.
    """

    cloudfront_key: Any = LazyPrivateKey.wrap(PrivateKey.generate().to_pem())
    cloudfront_key_id = "KINMEMORYSIGNED"
    custom_domain = "media.example.com"
    url_protocol = "https:"
    querystring_auth = True
    hash_algorithm = None
    key_group_id = None


def edge_for(
    storage: str | Storage | SignedUrlMixin = "default",
    *,
    public: Sequence[str] = (),
    cors_origins: Sequence[str] = (),
) -> EdgeClient:
    """Return a client of an edge in this process that serves the files of a storage.

    ``storage`` is an alias of STORAGES or a storage that signs. The files are
    read with its ``open()``, so it may be in memory, on disk, or a mocked S3.
    Paths that match a pattern in ``public`` need no signature, and pages of
    ``cors_origins`` may read the files by script: the edge is a distribution of
    the stack's template.
    """
    found = find_storage(storage)
    origin = StorageOrigin(cast("Storage", found))
    return EdgeClient(distribution_for(found, origin, public=public, cors_origins=cors_origins))


def forget_keys() -> None:
    """Ask the database again, at the next URL, which key signs.

    A process remembers the answer for a minute, even across tests that have
    different rows. Call this after a test has created or changed key pairs
    itself. A change of settings has the same effect.
    """
    keyring.forget()


def assert_signed(
    url: str,
    *,
    storage: str | Storage | SignedUrlMixin = "default",
    name: str | None = None,
    resource: str | None = None,
    expires_within: timedelta | int | None = None,
    ip_address: str | None = None,
    viewer_ip: str | None = None,
    now: datetime | int | None = None,
) -> Policy:
    """Return the policy by which CloudFront would serve the URL now, or fail.

    The signature is verified with the public key of the storage. Each further
    argument checks one more thing: that the URL is for the file ``name``;
    that the policy covers exactly ``resource`` (a name in the storage, in which
    ``*`` is a wildcard, or a whole URL); that it expires within
    ``expires_within`` (seconds or a timedelta); that it is bound to
    ``ip_address`` (an address or range, as passed to the storage).
    ``viewer_ip`` is the address of the viewer, needed if the policy names
    addresses, and ``now`` the time: Unix seconds or an aware datetime.

    Raise :exc:`AssertionError` with the reason, which never contains the
    signature.
    """
    found = find_storage(storage)
    seconds = _seconds(now)
    if "&amp;" in url:
        reason = "it is escaped for HTML (&amp;). Pass html.unescape(url)"
        _fail(reason, html.unescape(url))
    try:
        policy = Verifier(found.trusted_keys()).verify(url, now=seconds, viewer_ip=viewer_ip)
    except Denied as denial:
        needs_ip = denial.check is Check.ADDRESS and viewer_ip is None
        hint = ". Pass a viewer_ip that it allows" if needs_ip else ""
        raise AssertionError(_sentence(f"{denial.code}: {denial.reason}{hint}", url)) from None
    if name is not None:
        _compare("file", url.partition("?")[0], found.unsigned_url(name), url)
    if resource is not None:
        wanted = resource
        if "://" not in resource:
            wanted = found.resource_url(resource, allow_any_resource=True)
        _compare("resource", policy.resource, wanted, url)
    if ip_address is not None:
        wanted = ip_address if "/" in ip_address else f"{ip_address}/32"
        _compare("ip_address", policy.ip_address, wanted, url)
    if expires_within is not None:
        most = (
            timedelta(seconds=expires_within) if isinstance(expires_within, int) else expires_within
        )
        left = policy.date_less_than - seconds
        if left > most.total_seconds():
            _fail(
                f"it is valid for {left} s more, expected at most {most.total_seconds():.0f} s", url
            )
    return policy


def assert_cookies_open(
    response: HttpResponseBase,
    name: str,
    *,
    storage: str | Storage | SignedUrlMixin = "default",
    viewer_ip: str | None = None,
    now: datetime | int | None = None,
) -> Policy:
    """Return the policy by which the cookies of a response open a file now, or fail.

    Only the cookies count that a browser would send for this file, by their
    Domain and Path. The arguments are those of :func:`assert_signed`. Raise
    :exc:`AssertionError` with the reason.
    """
    try:
        return _verify_cookies(response, name, storage, viewer_ip, now)
    except Denied as denial:
        reason = f"{denial.code}: {denial.reason}"
        raise AssertionError(f"The cookies do not open {name}: {reason}.") from None


def assert_cookies_refuse(
    response: HttpResponseBase,
    name: str,
    *,
    storage: str | Storage | SignedUrlMixin = "default",
    viewer_ip: str | None = None,
    now: datetime | int | None = None,
) -> None:
    """Fail if the cookies of a response open a file now."""
    try:
        policy = _verify_cookies(response, name, storage, viewer_ip, now)
    except Denied:
        return
    raise AssertionError(f"The cookies open {name}: they cover {policy.resource}.")


@contextmanager
def assert_invalidated(
    names: str | Iterable[Any] = (), *, folder: str | None = None, storage: Any = "default"
) -> Iterator[None]:
    """Fail unless the block lets CloudFront forget these files, and everything in the folder.

    The arguments are those of :func:`cfsigned_django.invalidation.invalidate`. Within the block,
    files on disk and in memory count as files in S3, and CloudFront is never called.

    Raise :exc:`AssertionError` with what is missing and what was sent, and
    :exc:`ImproperlyConfigured`, as in production, if no distribution is set.
    """
    sent: dict[str, None] = {}

    def add(distribution_id: str, items: list[str]) -> None:
        sent.update(dict.fromkeys(f"{distribution_id} {item}" for item in items))

    with (
        mock.patch.object(StorageInternals, "is_local", False),
        mock.patch.object(batch, "add", add),
    ):
        invalidate(names, folder=folder, storage=storage)
        wanted = list(sent)
        if not wanted:
            raise AssertionError("assert_invalidated() has nothing to expect: name a file.")
        sent.clear()
        yield
    folders = tuple(each[:-1] for each in sent if each.endswith("/*"))
    missing = [each for each in wanted if each not in sent and not each.startswith(folders)]
    if missing:
        raise AssertionError(
            f"CloudFront was not told to forget {', '.join(missing)}. It was told "
            f"{', '.join(sent) or 'nothing'}. Does AWS_CLOUDFRONT_INVALIDATE_ON, or invalidate_on "
            'in the OPTIONS of the storage, have "delete" or "overwrite"?'
        )


def _verify_cookies(
    response: HttpResponseBase,
    name: str,
    storage: str | Storage | SignedUrlMixin,
    viewer_ip: str | None,
    now: datetime | int | None,
) -> Policy:
    found = find_storage(storage)
    url = found.unsigned_url(name)
    parts = urlsplit(url)
    cookies: dict[str, str] = {}
    for morsel in response.cookies.values():
        domain, path = morsel["domain"], morsel["path"] or "/"
        is_sent = not domain or is_in_domain(parts.hostname or "", domain)
        if not (is_sent and carries(path, parts.path) and morsel.value):
            continue
        if cookies.setdefault(morsel.key, morsel.value) != morsel.value:
            raise AssertionError(f"A browser sends two cookies {morsel.key} for {name}.")
    verifier = Verifier(found.trusted_keys())
    return verifier.verify(url, cookies, now=_seconds(now), viewer_ip=viewer_ip)


def _seconds(now: datetime | int | None) -> int:
    moment = time.time() if now is None else now
    return int(moment.timestamp() if isinstance(moment, datetime) else moment)


def _compare(what: str, found: str | None, wanted: str, url: str) -> None:
    if found != wanted:
        _fail(f"its {what} is {found}, expected {wanted}", url)


def _fail(reason: str, url: str) -> None:
    raise AssertionError(_sentence(reason, url))


def _sentence(reason: str, url: str) -> str:
    parts = urlsplit(url)
    others = "&".join(split_query(parts.query)[1])
    shown = parts._replace(query=others).geturl()
    return f"The URL {shown} is not signed as expected: {reason}."
