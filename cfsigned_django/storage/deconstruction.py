"""Write a storage into a migration, a task queue or a pickle without its secrets, and find them.

Written is what the outermost constructor was given, which need not be this package's: a
subclass adds options, or replaces them, each time it is constructed.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from django.core.files.storage import storages

from cfsigned_django.core import conf
from cfsigned_django.core.conf import LazyPrivateKey
from cfsigned_django.storage.options import OWN_KEY

#: Constructor arguments that never reach a migration or a task queue: secrets, and options that
#: make no sense without them. What is made again finds them in the settings, STORAGES included.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenArguments:
    """What the outermost constructor of a storage was given. It is never shown."""

    args: tuple[Any, ...] = field(repr=False)
    options: dict[str, Any] = field(repr=False)

    def visible(self, storage: object) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments without the secrets that are named as such.

        Raise :exc:`ValueError` if another argument is a secret.
        """
        if argument := self.find_secret(storage):
            raise ValueError(
                f"The argument {argument} of {type(storage).__name__}() holds a secret, so this "
                "storage cannot be written into a migration or a task queue. Give secrets under "
                "the names of their options, such as cloudfront_key and secret_key, which are left "
                "out, and let the constructor work without them. For a file field, pass a "
                "function as storage=: a migration contains only its name."
            )
        return self.args, visible_options(self.options)

    def find_secret(self, storage: object) -> str:
        """Return which argument has a secret that visible() would show; empty if none has.

        A secret without which the constructor does not work counts as well: what is
        written without it cannot be made again.
        """
        signature = inspect.signature(type(storage).__init__)
        by_name = signature.bind_partial(None, *self.args).arguments
        for name, value in by_name.items():
            if _is_secret(value, storage):
                return repr(name)
        parameters = signature.parameters.values()
        needed = {each.name for each in parameters if each.default is each.empty}
        for name, value in self.options.items():
            is_left_out = name in SECRET_OPTIONS
            if (is_left_out and name in needed) or (not is_left_out and _is_secret(value, storage)):
                return repr(name)
        return ""


def _is_secret(value: Any, storage: object) -> bool:
    """Return whether a value looks like a key, or is one of the secrets of a storage."""
    if isinstance(value, Mapping):
        return any(_is_secret(each, storage) for pair in value.items() for each in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return any(_is_secret(each, storage) for each in value)
    if conf.hide("", value) is not value:
        return True
    is_source = callable(value) or (isinstance(value, str | bytes | os.PathLike) and value)
    known = (value, LazyPrivateKey.wrap(value)) if is_source else (value,)
    secrets = (vars(storage).get(name) for name in SECRET_OPTIONS - {"cloudfront_key_id"})
    return any(secret and secret in known for secret in secrets)


def visible_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that may go into a migration or a task queue: all except secrets.

    Those of this package consist of what JSON has, since task queues send them.
    """
    return {
        name: _plain(value) if name in conf.OPTIONS else value
        for name, value in options.items()
        if name not in SECRET_OPTIONS
    }


def _plain(value: Any) -> Any:
    """Return a duration as seconds, and a set as a list; other values as they are."""
    if isinstance(value, timedelta):
        seconds = conf.whole_seconds(value)
        return value if seconds is None else seconds
    return sorted(value, key=str) if isinstance(value, set | frozenset) else value


def entries_of(cls: type) -> dict[str, dict[str, Any]]:
    """Return the OPTIONS of each alias of STORAGES with a class, if its module is imported."""
    found = {}
    for alias, entry in conf.storage_entries().items():
        module, _, name = str(entry.get("BACKEND")).rpartition(".")
        if getattr(sys.modules.get(module), name, None) is cls:
            found[alias] = entry["OPTIONS"]
    return found


def fitting_entries(storage: Any) -> list[dict[str, Any]]:
    """Return those of its class with the options of a storage. Secrets are not compared."""
    given: GivenArguments = vars(storage)["_given"]
    if given.args:
        return []
    options = _as_json(given.options)
    return [each for each in entries_of(type(storage)).values() if _as_json(each) == options]


def _as_json(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the visible options as they come out of JSON."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in visible_options(options).items()
    }


def left_out_secrets(storage: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the secrets of a storage that is made from ``deconstruct()``, which has none.

    They are those of the entries in STORAGES with the same class and options, if these agree.
    ``options`` are those of the constructor; one that has a secret needs no other. A signer is
    not among them: None would turn signing off.
    """
    if SECRET_OPTIONS & {*options, *vars(storage), *vars(storage)["_given"].options}:
        return {}
    left_out = SECRET_OPTIONS - {"cloudfront_signer"}
    found = [
        {name: each[name] for name in each if name in left_out} for each in fitting_entries(storage)
    ]
    return found[0] if found and all(each == found[0] for each in found) else {}


def reduce_storage(storage: Any) -> tuple[Any, ...]:
    """Return how to unpickle a storage: by the alias with its class and options, else by those.

    Raise :exc:`TypeError` if the options hold a secret, or a signer was handed in.
    """
    given: GivenArguments = vars(storage)["_given"]
    for alias, options in entries_of(type(storage)).items():
        if not given.args and conf.hide_all(given.options) == options:
            return _copy_of_alias, (alias,)
    if argument := _secret_given(storage):
        raise TypeError(
            f"This {type(storage).__name__} was given a secret ({argument}), and a pickle never "
            "contains one. Name the storage in STORAGES with the same options: its alias is "
            "pickled then. Or leave the secret to settings, such as AWS_CLOUDFRONT_KEY."
        )
    cls: Any = type(storage)
    return partial(cls, *given.args, **given.options), ()


def _secret_given(storage: Any) -> str:
    """Return which argument or signer a pickle must not contain; empty if there is none."""
    given: GivenArguments = vars(storage)["_given"]
    if vars(storage).get("cloudfront_signer") not in (None, OWN_KEY):
        return "'cloudfront_signer'"
    for name, value in given.options.items():
        is_id = name == "cloudfront_key_id" and conf.hide(name, value) is value
        if name in SECRET_OPTIONS and value and not is_id:
            return repr(name)
    return given.find_secret(storage)


def _copy_of_alias(alias: str) -> Any:
    return copy(storages[alias])
