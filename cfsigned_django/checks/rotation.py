"""Check what rotation needs: its settings, and the private keys in the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, router
from django.utils import timezone, translation

from cfsigned_django.core import conf
from cfsigned_django.core.encryption import (
    CannotDecrypt,
    NotItsKey,
    has_weak_secret_key,
)
from cfsigned_django.core.keyring import NothingSigns, looks_in_database
from cfsigned_django.core.validation import find_wrong, once_each, problem
from cfsigned_django.rotation.active import signing_state
from cfsigned_django.rotation.models import KeyPair, has_table
from cfsigned_django.rotation.site import site_waits
from cfsigned_django.rotation.stages import why_previous_key_stays
from cfsigned_django.storage.site_storages import (
    SiteStorage,
    bypassing_key,
    named_key,
    signer_of,
    site_storages,
)


def check_rotation(**kwargs: Any) -> list[CheckMessage]:
    """Return what is wrong with the settings of rotation."""
    found = find_wrong(*conf.SITE.values())
    listed = site_storages()
    if any(each.signs and each.config.key_group_id for each in listed):
        if timezone.is_naive(timezone.now()):
            what = "USE_TZ is False, but AWS_CLOUDFRONT_KEY_GROUP_ID is set."
            found.append(problem("cfsigned.E026", what))
        if conf.Site.PROPAGATION_SECONDS.judge_current() == (0, ""):
            what = "is 0: a key may sign before every edge knows it."
            found.append(problem("cfsigned.W006", f"AWS_CLOUDFRONT_PROPAGATION_SECONDS {what}"))
        found += once_each(_bypasses_rotation(listed))
    return found


def check_encrypted_keys(*, databases: Sequence[str] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return what is wrong with the key pairs in these databases.

    These are warnings, because ``migrate`` stops at an error, and one private
    key that cannot be decrypted leaves all others usable.
    """
    if find_wrong(conf.Site.ENCRYPTION_KEYS):
        return []  # check_rotation() reports them
    return [found for alias in databases or () for found in _key_pairs(alias)]


def check_encryption(rows: Sequence[KeyPair]) -> Iterator[CheckMessage]:
    """Yield what is wrong with the private keys of these rows, and with what encrypts them."""
    if has_weak_secret_key() and any(row.encrypted_private_key for row in rows):
        yield problem(
            "cfsigned.W012", "SECRET_KEY, which encrypts the private keys, can be guessed."
        )
    with suppress(ImproperlyConfigured), translation.override(None):  # E024 reports wrong waits
        if text := why_previous_key_stays(rows, waits=site_waits(), now=datetime.now(UTC)):
            yield problem("cfsigned.W011", text)
    for row in rows:
        if not row.encrypted_private_key:
            continue
        name = f"{row} ({row.status.upper()}, key group {row.key_group_id})"
        try:
            if row.open_private_key().public_key.to_pem() != row.public_key:
                yield problem("cfsigned.W013", f"{name}: its public key is of another key pair.")
        except NotItsKey as error:
            yield problem("cfsigned.W013", f"{name}: {error}")
        except CannotDecrypt as error:
            yield problem("cfsigned.W007", f"{name}: {error}")


def _bypasses_rotation(listed: Sequence[SiteStorage]) -> Iterator[CheckMessage]:
    """Warn if a storage signs with the key that rotates, but does not follow the rotation.

    Such a storage is outside the key group of AWS_CLOUDFRONT_KEY_GROUP_ID, or
    was given a signer.
    """
    if not (group := conf.default_of("key_group_id")):
        return
    names = [named_key(each) for each in listed if each.is_known]
    rotating = {key_pair_id for follows, key_pair_id in names if follows == group and key_pair_id}
    for each in listed:
        key_pair_id = bypassing_key(each, group, asks=False)
        if key_pair_id in rotating:
            yield problem(
                "cfsigned.W009",
                f"It signs with {key_pair_id}, which the key group {group} uses too, but does not "
                "follow the rotation of that group. Once the key is retired, its URLs are refused.",
                obj=each.name,
            )


def _key_pairs(alias: str) -> list[CheckMessage]:
    if not router.allow_migrate_model(alias, KeyPair):
        return []
    try:
        rows = list(KeyPair.objects.using(alias)) if has_table(alias) else None
    except Error:
        return []  # The database is not running.
    return [*check_encryption(rows or []), *_nothing_signs(alias, rows)]


def _nothing_signs(alias: str, rows: list[KeyPair] | None) -> Iterator[CheckMessage]:
    """Warn of each key group for which no key signs, in the words of the error of url().

    ``rows`` is None if there is no table. A warning, because ``migrate`` stops
    at an error, and the first key is made after it.
    """
    if alias != router.db_for_write(KeyPair):
        return
    listed = site_storages()
    configs = [each.config for each in listed if each.signs and signer_of(each) is None]
    if any(each.storage and not each.is_known for each in listed):
        configs.append(conf.Config.read())  # their keys come from the key group of the settings
    dead: dict[str, NothingSigns] = {}
    for config in configs:
        group, settings_key_id = config.key_group_id, config.cloudfront_key_id
        # The constructor refuses a key without its ID, and an ID alone.
        is_half = (config.cloudfront_key is None) is bool(settings_key_id)
        if group and looks_in_database(group) and not is_half:
            state = signing_state(group, rows)
            if not state.name_signing([str(settings_key_id)] if settings_key_id else []):
                dead[group] = state.nothing_signs(settings_key_id)
    for error in dead.values():
        yield problem("cfsigned.W014", str(error))
