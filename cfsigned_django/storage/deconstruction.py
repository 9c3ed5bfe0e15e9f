"""Write a storage into a migration or a pickle, without its secrets, and make it again.

Written is what the outermost constructor was given, which need not be this package's: a
subclass adds options, or replaces them, each time it is constructed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cfsigned_django import conf
from cfsigned_django.conf import LazyPrivateKey

#: Constructor arguments that never reach a migration or a pickle: secrets, and options that make
#: no sense without them. There, they are read from the settings again.
SECRET_OPTIONS = frozenset(
    {
        "access_key",
        "cloudfront_key",
        "cloudfront_key_id",
        "cloudfront_signer",
        "secret_key",
        "security_token",
    }
)


def visible_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that may go into a migration or a pickle: all except secrets."""
    return {
        name: value
        for name, value in options.items()
        if name not in SECRET_OPTIONS and conf.hide(name, value) is value
    }


def find_secrets(options: Mapping[str, Any], digest: str) -> dict[str, Any]:
    """Return the secret options of a storage that was pickled without them.

    ``options`` are its other options; ``digest`` is the digest of the key that
    it was given, or empty. The secrets are those of the entry in STORAGES with
    the same options and key. If no setting of this process contains the key, a
    key that refuses to sign takes its place.
    """
    for entry in conf.storage_entries().values():
        given = entry.get("OPTIONS", {})
        key = LazyPrivateKey.wrap(given.get("cloudfront_key"))
        if visible_options(given) == options and (key.digest if key else "") == digest:
            return {name: given[name] for name in given if name in SECRET_OPTIONS}
    if not digest:
        return {}
    own = conf.default_of("cloudfront_key")
    return {} if own and own.digest == digest else {"cloudfront_key": LazyPrivateKey(None, digest)}


def unpickle(
    cls: Any, args: tuple[Any, ...], options: dict[str, Any], others: dict[str, Any], digest: str
) -> Any:
    """Return the storage again, with the secrets from the settings of this process."""
    return cls(*args, **options, **{**find_secrets(options, digest), **others})
