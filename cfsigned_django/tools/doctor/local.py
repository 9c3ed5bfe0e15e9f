"""Run the checks that need no network: system checks, keys in the database, waits of a rotation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from cfsigned_django.checks.cookies import check_cookies
from cfsigned_django.checks.rotation import check_rotation
from cfsigned_django.checks.storages import check_storages
from cfsigned_django.core.keyring import NothingSigns
from cfsigned_django.rotation.site import site_rotation
from cfsigned_django.rotation.stages import find_overdue, find_waits
from cfsigned_django.signing import HashRefused
from cfsigned_django.storage.lookup import entry_of, why_changed, why_unusable
from cfsigned_django.storage.site_storages import PROBE_NAME, current_signer
from cfsigned_django.storage.urls import SignedUrlMixin
from cfsigned_django.tools.catalog import finding
from cfsigned_django.tools.doctor.report import check_finding
from cfsigned_django.tools.findings import Finding


def check_settings() -> list[Finding]:
    """Return what the system checks find in the settings."""
    return from_system_checks([*check_storages(), *check_rotation(), *check_cookies()])


def from_system_checks(messages: Iterable[CheckMessage]) -> list[Finding]:
    """Return the messages of system checks as findings, without the silenced ones."""
    return [
        check_finding(
            str(each.id),
            str(each.obj or "settings"),
            what=each.msg,
            fix=each.hint or "",
        )
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
    from_settings = storage.cloudfront_key_id == signer.key_pair_id
    return finding(
        "signing-key",
        subject,
        key=signer.key_pair_id,
        place="the settings" if from_settings else "the database",
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
