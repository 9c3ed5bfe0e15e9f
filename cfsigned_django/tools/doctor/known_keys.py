"""The site as the doctor sees it: a storage, what AWS must serve for it, and all known keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from cfsigned_django.core import conf
from cfsigned_django.core.conf import Config
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair, primary_rows
from cfsigned_django.signing import InvalidKey, PublicKey
from cfsigned_django.storage.site_storages import site_storages

SETTING = "AWS_CLOUDFRONT_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """A public key that may verify a URL of this site.

    ``where`` says where its private key is. ``ended`` says when it was retired
    or revoked; it is empty for any other key.
    """

    key_pair_id: str
    public_key: PublicKey
    where: str
    ended: str = ""


def site_domains() -> set[str]:
    """Return the domains that the storages of this site sign for."""
    return {str(config.custom_domain) for config, _ in _configs() if config.custom_domain}


def site_key_groups(host: str) -> set[str]:
    """Return the key groups whose keys may have signed a URL of this host.

    These are the key groups of the storages with that host, or of all storages
    if no storage has it. If one of these storages has no key group, the result
    is empty, since a key of any group may have signed.
    """
    configs = [config for config, _ in _configs()]
    wanted = [each for each in configs if str(each.custom_domain).lower() == host.lower()]
    groups = {each.key_group_id for each in wanted or configs}
    return set() if None in groups else groups


def is_public(url: str) -> bool:
    """Return whether a storage with the host of a URL declares the file there public."""
    for each in site_storages():
        # It may be no URL of this storage. The system checks report a wrong setting, and a property
        # of the site, such as a location that only a request knows, may raise anything.
        with suppress(Exception):
            if each.signs and each.storage and each.storage.is_public(each.storage.name_of(url)):
                return True
    return False


def settings_keys() -> Iterator[KnownKey]:
    """Yield the readable keys of the settings and of the options of storages."""
    for config, where in _configs():
        if config.cloudfront_key is not None and config.cloudfront_key_id:
            try:
                public_key = config.cloudfront_key.load().public_key
            except InvalidKey:
                continue  # the system checks report it
            yield KnownKey(
                key_pair_id=str(config.cloudfront_key_id), public_key=public_key, where=where
            )


def database_keys() -> Iterator[KnownKey]:
    """Yield the key pairs of the database that CloudFront knows, or used to know."""
    for row in primary_rows():
        if row.key_pair_id:
            yield KnownKey(
                key_pair_id=row.key_pair_id,
                public_key=PublicKey.load(row.public_key),
                where=f"key pair of the database, {row.status}",
                ended=_ended(row),
            )


def unique_keys(keys: Iterable[KnownKey]) -> tuple[KnownKey, ...]:
    """Return each key once; the last entry for a key wins."""
    found: dict[tuple[str, PublicKey], KnownKey] = {}
    for key in keys:
        found[key.key_pair_id, key.public_key] = key
    return tuple(found.values())


def _configs() -> Iterator[tuple[Config, str]]:
    for each in site_storages():
        if each.signs:
            is_own = each.config.cloudfront_key != conf.default_of("cloudfront_key")
            yield each.config, str(each.name) if is_own else SETTING


def _ended(row: KeyPair) -> str:
    if row.status == KeyStatus.REVOKED:
        return f"was revoked on {row.since:%Y-%m-%d}"
    return f"was retired on {row.since:%Y-%m-%d}" if row.status == KeyStatus.RETIRED else ""
