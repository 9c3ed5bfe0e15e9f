"""Know a site as the doctor looks at it: a storage, its address, and the keys of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db import router
from django.db.models import QuerySet

from cfsigned_django.conf import Config
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import InvalidKey, PublicKey
from cfsigned_django.storage import registry
from cfsigned_django.storage.registry import NoStorage, signing_aliases, signing_fields
from cfsigned_django.storage.urls import SignedUrlMixin

SETTING = "AWS_CLOUDFRONT_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """A public key that may verify a URL of this site.

    ``where`` says where its private half is, and ``ended`` what became of it
    if it was retired or revoked.
    """

    key_pair_id: str
    public_key: PublicKey
    where: str
    ended: str = ""


def find_storage(alias: str) -> SignedUrlMixin:
    """Return a storage that signs, and is told to. Raise :exc:`NoStorage`."""
    storage = registry.find_storage(alias)
    if storage.querystring_auth is False:
        raise NoStorage(
            f"The storage {alias!r} is told not to sign (AWS_QUERYSTRING_AUTH, querystring_auth): "
            "its files are public. Name another with --storage."
        )
    return storage


def site_domains() -> set[str]:
    """Return the domains that the storages of this site sign for."""
    return {str(config.custom_domain) for config, _ in _configs() if config.custom_domain}


def site_key_groups(host: str) -> set[str]:
    """Return the key groups that may hold the key of a URL: those of the storages with its host.

    Of all storages where none has the host. Empty where one of them names
    none, for then a key of any group may have signed.
    """
    configs = [config for config, _ in _configs()]
    wanted = [each for each in configs if str(each.custom_domain).lower() == host.lower()]
    groups = {each.key_group_id for each in wanted or configs}
    return set() if None in groups else groups


def settings_keys() -> Iterator[KnownKey]:
    """Yield the keys of the settings and of the storages' options that can be read."""
    for config, where in _configs():
        if config.cloudfront_key is not None and config.cloudfront_key_id:
            try:
                public_key = config.cloudfront_key.load().public_key
            except InvalidKey:
                continue  # the system checks tell
            yield KnownKey(
                key_pair_id=str(config.cloudfront_key_id), public_key=public_key, where=where
            )


def key_pairs() -> QuerySet[KeyPair]:
    """Return the key pairs of the database, read where they are written: a replica may lag."""
    return KeyPair.objects.using(router.db_for_write(KeyPair))


def database_keys(rows: Iterable[KeyPair]) -> Iterator[KnownKey]:
    """Yield the keys of rows that CloudFront knows, or once knew."""
    for row in rows:
        if row.key_pair_id:
            yield KnownKey(
                key_pair_id=row.key_pair_id,
                public_key=PublicKey.load(row.public_key),
                where=f"key pair of the database, {row.status}",
                ended=_ended(row),
            )


def unique_keys(keys: Iterable[KnownKey]) -> tuple[KnownKey, ...]:
    """Return each key once; what is said last of a key counts."""
    found: dict[tuple[str, PublicKey], KnownKey] = {}
    for key in keys:
        found[key.key_pair_id, key.public_key] = key
    return tuple(found.values())


def _configs() -> Iterator[tuple[Config, str]]:
    for alias, cls, options in signing_aliases():
        own = "cloudfront_key" in options
        yield cls.config_for(options), f'STORAGES["{alias}"]' if own else SETTING
    for field, storage in signing_fields():
        yield storage.signing_config(), str(field)


def _ended(row: KeyPair) -> str:
    if row.status == KeyStatus.REVOKED:
        return f"was revoked on {row.since:%Y-%m-%d}"
    return f"was retired on {row.since:%Y-%m-%d}" if row.status == KeyStatus.RETIRED else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedState:
    """What a storage's links lead to.

    ``host`` is bare; ``path`` is that of an object, percent-encoded, and
    ``location`` the one in front of every name, from slash to slash.
    ``object_key`` is what S3 calls the object. ``key_pair_id`` and
    ``public_key`` are of the key that signs, None where that is not known.
    """

    host: str
    path: str
    location: str = "/"
    object_key: str = ""
    bucket: str | None = None
    region: str | None = None
    key_group_id: str | None = None
    key_pair_id: str | None = None
    public_key: PublicKey | None = None
    cors_origins: Sequence[str] = ()
    uses_addresses: bool = False
    uses_downloads: bool = False
    #: The domain is this machine's: a local edge, which no distribution has as its name.
    is_local: bool = False
