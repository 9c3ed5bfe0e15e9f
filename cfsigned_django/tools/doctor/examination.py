"""Examine a site: its settings, keys and waits, then AWS, then the answers to live requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, router

from cfsigned_django.checks import check_cookies, check_encryption, check_rotation, check_storages
from cfsigned_django.core.aws.client import Clients
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.conf import Site, is_local_host, whole_seconds
from cfsigned_django.core.keyring import NothingSigns, looks_in_database
from cfsigned_django.core.validation import find_wrong
from cfsigned_django.core.viewer import Fetch
from cfsigned_django.rotation.active import NO_TABLE
from cfsigned_django.rotation.models import KeyPair, has_table, primary_rows
from cfsigned_django.rotation.site import site_rotation
from cfsigned_django.rotation.stages import find_overdue, find_waits
from cfsigned_django.signing import HashRefused
from cfsigned_django.signing.signer import Signer
from cfsigned_django.storage import development
from cfsigned_django.storage.site_storages import (
    PROBE_NAME,
    ask_for_keys,
    current_signer,
    entry_of,
    why_changed,
    why_unusable,
)
from cfsigned_django.storage.urls import SignedUrlMixin
from cfsigned_django.tools.account.reader import read_account
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws, SiteKey, Wanted
from cfsigned_django.tools.catalog import Finding, finding
from cfsigned_django.tools.doctor import aws
from cfsigned_django.tools.doctor.live import (
    Clock,
    RequestedObject,
    direct_url,
    examine_live,
    respelled,
)
from cfsigned_django.tools.doctor.report import check_finding
from cfsigned_django.tools.stack.existing import find_stack
from cfsigned_django.tools.storage_origin import (
    public_patterns,
    saved_patterns,
    static_patterns,
    unguarded,
)


def check_settings() -> list[Finding]:
    return from_system_checks([*check_storages(), *check_rotation(), *check_cookies()])


def from_system_checks(messages: Iterable[CheckMessage]) -> list[Finding]:
    """Return the messages of system checks as findings, without the silenced ones."""
    return [
        check_finding(str(each.id), str(each.obj or "settings"), what=each.msg, fix=each.hint or "")
        for each in messages
        if not each.is_silenced()
    ]


def check_signer(storage: SignedUrlMixin, alias: str) -> Finding:
    """Return which key signs for a storage now, or why none does."""
    subject = entry_of(alias)
    try:
        signer = current_signer(storage)
    except NothingSigns as error:
        return finding("cannot-sign", subject, what=error.what, fix=error.next_step)
    except (ImproperlyConfigured, HashRefused) as error:
        return finding("cannot-sign", subject, what=str(error))
    if signer is None or signer.private_key.public_key is None:
        return finding("foreign-signer", subject, storage=subject)
    place = "the settings" if storage.cloudfront_key_id == signer.key_pair_id else "the database"
    return finding(
        "signing-key",
        subject,
        key=signer.key_pair_id,
        place="SECRET_KEY" if signer.key_pair_id == development.KEY_PAIR_ID else place,
        algorithm=signer.private_key.algorithm,
    )


def check_url(storage: SignedUrlMixin, alias: str, name: str | None) -> Iterator[Finding]:
    """Yield a finding if the url() of a subclass changes what was signed, or fails."""
    subject = entry_of(alias)
    try:
        url = storage.url(name or PROBE_NAME)
    except Exception as error:
        if name:  # else the class may know its own kind of names only
            yield finding("cannot-sign", subject, what=why_unusable(error))
        return
    if what := why_changed(storage, name or PROBE_NAME, url):
        is_signed = "Signature=" in url
        yield finding("changed-url" if is_signed else "unsigned-url", subject, what=what)


def check_rotation_waits(key_group_id: str | None) -> Iterator[Finding]:
    """Yield what the keys of the group wait for, and what is overdue.

    Raise Django's ``DatabaseError`` if the key pairs cannot be read.
    """
    if not key_group_id:
        return
    try:
        rotation = site_rotation(key_group_id)
    except ImproperlyConfigured:
        return  # the system checks report it
    now = rotation.store.clock()
    subject = f"key group {key_group_id}"
    key_pairs = rotation.store.key_pairs()
    for text in find_overdue(rotation, now=now, key_pairs=key_pairs):
        yield finding("rotation-stuck", subject, what=text)
    for wait in find_waits(rotation, now=now, key_pairs=key_pairs):
        yield finding("rotation-waits", subject, what=wait.what)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What to examine, and with which clients and clock.

    ``asked`` is what the person who asks adds to what the storage needs. ``name``
    is the name of an object in the storage; if it is None, the requested object
    need not exist. ``make_clients`` makes no request; it may raise :exc:`AwsError`.
    ``clock`` returns Unix seconds.
    """

    alias: str
    storage: SignedUrlMixin
    make_clients: Callable[[], Clients]
    fetch: Fetch
    clock: Clock
    asked: Wanted
    name: str | None = None

    def offline(self) -> Iterator[Finding]:
        """Yield the findings about settings and database, without the network."""
        ask_for_keys()
        found = [*check_settings(), *self._key_pairs()]
        yield from found
        if self._address() is not None:
            signs = check_signer(self.storage, self.alias)
            # If url() raises what was found before, report one finding, not two. The same check
            # may also have found the same problem with another key.
            if not any(
                each.what in signs.what and (each.id == "database" or f"({each.id})" in signs.what)
                for each in found
            ):
                yield signs
            if signs.id == "signing-key":
                yield from check_url(self.storage, self.alias, self.name)

    def online(self) -> Iterator[Finding]:
        """Yield the findings about AWS and live answers; none if no URL can be made."""
        address = self._address()
        if address is None:
            return
        signer, wanted = self._signer(), self.wanted()
        asks_aws, clients = not wanted.is_local or wanted.distribution_id is not None, None
        if not asks_aws:
            yield finding("local-edge", "AWS_S3_CUSTOM_DOMAIN", host=wanted.host)
        if asks_aws or wanted.bucket:
            try:
                clients = self.make_clients()
            except AwsError as error:
                yield aws.from_aws_error(error)
        at_aws: list[Finding] = []
        in_s3 = is_open = None  # as long as that is unknown
        if clients is not None and wanted.bucket:
            in_s3 = direct_url(clients.s3, wanted.bucket, wanted.object_key)
        if clients is not None and asks_aws:
            account = read_account(clients, wanted)
            site = SiteInAws(account=account, wanted=wanted)
            is_open = site.is_open_at(urlsplit(respelled(address)).path)
            now, find = datetime.fromtimestamp(self.clock(), UTC), partial(find_stack, clients)
            at_aws += aws.check_aws(account, wanted, now=now, find_stack=find)
            at_aws += aws.check_other_key_groups(account)
            at_aws += aws.check_invalidation(self.storage)
        yield from at_aws
        # What S3 answers without credentials, AWS may have said already.
        said = {each.id for each in at_aws} & {"bucket-missing", "bucket-region"}
        requested = RequestedObject(
            url=address,
            signer=signer,
            direct_url=in_s3,
            wanted=wanted,
            why_no_object="" if self.name else "No object was named (--object)",
            is_open_respelled=is_open,
        )
        for each in examine_live(requested, self.fetch, self.clock):
            if each.id not in said:
                yield each

    def wanted(self) -> Wanted:
        """Return what the storage needs of AWS. Raise ImproperlyConfigured if it has no URLs."""
        parts = urlsplit(self.storage.unsigned_url(self.name or PROBE_NAME))
        signer = self._signer()
        key = signer.private_key.public_key if signer else None
        saved = saved_patterns(self.storage)
        return replace(
            self.asked,
            bucket=str(getattr(self.storage, "bucket_name", None) or ""),
            region=str(getattr(self.storage, "region_name", None) or ""),
            domain=parts.hostname or "",
            key_group_id=self.storage.key_group_id or "",
            key=SiteKey.from_public_key(key) if key else None,
            key_pair_id=signer.key_pair_id if signer else "",
            location=urlsplit(self.storage.unsigned_url("x")).path.removesuffix("x"),
            public_paths=public_patterns(self.storage),
            static_paths=static_patterns(self.storage),
            saved_paths={str(each): path for each, path in saved.items()},
            unguarded=unguarded(self.storage, saved),
            path=parts.path,
            expire=whole_seconds(self.storage.querystring_expire) or 0,
            is_local=is_local_host(parts.netloc),
        )

    def _key_pairs(self) -> Iterator[Finding]:
        try:
            rows = list(primary_rows())
            waits = list(check_rotation_waits(self.storage.key_group_id))
        except Error as error:
            if looks_in_database(self.storage.key_group_id):
                yield _no_rows(error)
            return
        if not find_wrong(Site.ENCRYPTION_KEYS):  # which a system check reports
            yield from from_system_checks(check_encryption(rows))
        yield from waits

    def _address(self) -> str | None:
        """Return the unsigned URL to request, or None if a setting for it is missing."""
        try:
            return self.storage.unsigned_url(self.name or PROBE_NAME)
        except ImproperlyConfigured:
            return None  # the system checks report it

    def _signer(self) -> Signer | None:
        try:
            signer = current_signer(self.storage)
            # Nothing is known about a signer of another library.
            return signer if signer and signer.private_key.public_key else None
        except (ImproperlyConfigured, HashRefused):
            return None  # check_signer() reports it


def _no_rows(error: Error) -> Finding:
    """Return why the key pairs cannot be read: there is no table yet, or no answer."""
    with suppress(Error):
        if not has_table(router.db_for_write(KeyPair)):
            return finding("database", "DATABASES", what=NO_TABLE, fix="Run manage.py migrate.")
    return finding("database", "DATABASES", error=type(error).__name__)
