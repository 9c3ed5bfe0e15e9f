"""Write a storage into a migration or a pickle, without its secrets, and make it again.

Written is what the outermost constructor was given, which need not be this package's: a
subclass adds options, or replaces them, each time it is constructed.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from inspect import Parameter
from typing import Any

from cfsigned_django import conf
from cfsigned_django.conf import LazyPrivateKey
from cfsigned_django.signing.lazy_key import CalledKey

#: Constructor arguments that never reach a migration or a pickle: secrets, and options that make
#: no sense without them. What is made again finds them in the settings, STORAGES included.
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
        if argument := self._find_secret(storage):
            raise ValueError(
                f"The argument {argument} of {type(storage).__name__}() holds a secret, so this "
                "storage cannot be written into a migration or a pickle. Give secrets under the "
                "names of their options, such as cloudfront_key and secret_key, which are left "
                "out, and let the constructor work without them. For a file field, pass a "
                "function as storage=: a migration contains only its name."
            )
        return self.args, visible_options(self.options)

    def _find_secret(self, storage: object) -> str:
        """Return which argument has a secret that visible() would show; empty if none has.

        A secret without which the constructor does not work counts as well: what is
        written without it cannot be made again.
        """
        signature = inspect.signature(type(storage).__init__)
        parameters = list(signature.parameters.values())[1:]
        positional = [each.name for each in parameters if each.kind in _POSITIONAL]
        for number, value in enumerate(self.args):
            if _is_secret(value, storage):
                has_name = number < len(positional)
                return repr(positional[number]) if has_name else f"number {number + 1}"
        needed = {each.name for each in parameters if each.default is each.empty}
        for name, value in self.options.items():
            if name in needed if name in SECRET_OPTIONS else _is_secret(value, storage):
                return repr(name)
        return ""


_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def _is_secret(value: Any, storage: object) -> bool:
    """Return whether a value looks like a key, or is one of the secrets of a storage."""
    if isinstance(value, Mapping):
        return any(_is_secret(each, storage) for each in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return any(_is_secret(each, storage) for each in value)
    if conf.hide("", value) is not value:
        return True
    is_source = callable(value) or (isinstance(value, str | bytes | os.PathLike) and value)
    known = (value, LazyPrivateKey.wrap(value)) if is_source else (value,)
    secrets = (vars(storage).get(name) for name in SECRET_OPTIONS - {"cloudfront_key_id"})
    return any(secret and secret in known for secret in secrets)


def visible_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that may go into a migration or a pickle: all except secrets.

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


def entries_of(cls: type) -> list[dict[str, Any]]:
    """Return the OPTIONS of the entries in STORAGES with a class, if its module is imported."""
    found = []
    for entry in conf.storage_entries().values():
        module, _, name = str(entry.get("BACKEND")).rpartition(".")
        if getattr(sys.modules.get(module), name, None) is cls:
            found.append(entry["OPTIONS"])
    return found


def fitting_entries(storage: Any) -> list[dict[str, Any]]:
    """Return those of its class with the options of a storage. Secrets are not compared."""
    given: GivenArguments = vars(storage)["_given"]
    if given.args:
        return []
    options = _as_json(given.options)
    return [each for each in entries_of(type(storage)) if _as_json(each) == options]


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


def find_secrets(options: Mapping[str, Any], identity: str) -> dict[str, Any]:
    """Return the secret options of a storage that was pickled without them.

    ``options`` are its other options; ``identity`` is that of the key that it was
    given, or empty. The secrets are those of the entry in STORAGES with the same
    options and key. If no setting of this process contains the key, or several
    entries have different keys of this identity, a key that refuses to sign takes
    its place.
    """
    found = []
    for entry in conf.storage_entries().values():
        given = entry.get("OPTIONS", {})
        if visible_options(given) == options and _identity_of(given) == identity:
            found.append({name: given[name] for name in given if name in SECRET_OPTIONS})
    keys = [LazyPrivateKey.wrap(each.get("cloudfront_key")) for each in found]
    if found and all(each == keys[0] for each in keys):
        return found[0]
    own = {"cloudfront_key": conf.default_of("cloudfront_key")}
    is_known = identity in ("", _identity_of(own))
    return {} if is_known else {"cloudfront_key": LazyPrivateKey(None, identity)}


def _identity_of(options: Mapping[str, Any]) -> str:
    """Return what identifies the key of some options: a digest, for a callable also the ID."""
    key = LazyPrivateKey.wrap(options.get("cloudfront_key"))
    if isinstance(key, CalledKey):  # Two callables, such as lambdas, may have one name.
        key_pair_id = options.get("cloudfront_key_id", conf.default_of("cloudfront_key_id"))
        return f"{key.digest} {key_pair_id}"
    return key.digest if key else ""


def reduce_storage(storage: Any) -> tuple[Any, ...]:
    """Return how to unpickle a storage: its class, and what its constructor was given.

    Raise :exc:`TypeError` if a signer was handed in, and :exc:`ValueError` as
    :meth:`GivenArguments.visible` does.
    """
    args, options = storage._constructor_args
    if vars(storage).get("cloudfront_signer") is not None:
        raise TypeError("A signer that was handed in cannot be pickled: it holds a key.")
    state = vars(storage)  # Not before: a debug page prints the variables of a frame that raises.
    others: dict[str, Any] = {}
    if "cloudfront_signer" in state:
        others["cloudfront_signer"] = None
    if isinstance(state.get("cloudfront_key_id"), str):
        others["cloudfront_key_id"] = state["cloudfront_key_id"]
    named = sorted(SECRET_OPTIONS & state["_given"].options.keys())
    return unpickle, (type(storage), args, options, others, _identity_of(state), named)


def unpickle(
    cls: Any,
    args: tuple[Any, ...],
    options: dict[str, Any],
    others: dict[str, Any],
    identity: str,
    named: Collection[str] = SECRET_OPTIONS,
) -> Any:
    """Return the storage again, with the secrets from the settings of this process.

    ``others`` are a key pair ID and a signer that is None. ``named`` are the secret
    options that the outermost constructor was given: a subclass may set the others.
    """
    is_named = "cloudfront_key" in named
    secrets = {**find_secrets(options, identity if is_named else ""), **others}
    storage = cls(*args, **options, **{name: secrets[name] for name in secrets if name in named})
    assigned = {name: value for name, value in others.items() if name not in named}
    if identity and not is_named:
        found = find_secrets(options, identity)
        assigned |= {name: found[name] for name in found if name == "cloudfront_key"}
    for name, value in assigned.items():
        if vars(storage).get(name, storage) != value:  # else the constructor has set it again
            setattr(storage, name, value)
    return storage
