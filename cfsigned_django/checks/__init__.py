"""The system checks, one module per subject.

A module is imported when its check runs. It needs the storages, which import
boto3, and no process should wait for that when it starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage

#: Errors that are warnings until the site is deployed: no key is set at all, and a storage cannot
#: be constructed. Builds, migrate and the first setup run before there is a key.
UNTIL_DEPLOYED = {"cfsigned.E001": "cfsigned.W010", "cfsigned.E044": "cfsigned.W044"}


def check_storages(**kwargs: Any) -> list[CheckMessage]:
    """Return what is wrong with the storages of this site; some of it is a warning for now."""
    from cfsigned_django.checks import storages
    from cfsigned_django.validation import problem

    return [
        problem(UNTIL_DEPLOYED[each.id], each.msg, each.obj) if each.id in UNTIL_DEPLOYED else each
        for each in storages.check_storages()
    ]


def check_deployed_storages(**kwargs: Any) -> list[CheckMessage]:
    """Return the errors that :func:`check_storages` gives as warnings; for ``check --deploy``.

    Keys that callables return are called, and what is wrong with them is returned, too.
    """
    from cfsigned_django.checks import storages
    from cfsigned_django.storage.registry import ask_for_keys

    without_keys = storages.check_storages()
    ask_for_keys()
    found = storages.check_storages()
    return [each for each in found if each.id in UNTIL_DEPLOYED or each not in without_keys]


def check_rotation(**kwargs: Any) -> list[CheckMessage]:
    """Return what is wrong with the settings of rotation."""
    from cfsigned_django.checks import rotation

    return rotation.check_rotation()


def check_encrypted_keys(*, databases: Sequence[str] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return which private keys in the database cannot be decrypted."""
    from cfsigned_django.checks import rotation

    return rotation.check_encrypted_keys(databases or ())


def check_caches(**kwargs: Any) -> list[CheckMessage]:
    """Return which caches keep a page for longer than its signed URLs live."""
    from cfsigned_django.checks import caching

    return caching.check_caches()


def check_cookies(**kwargs: Any) -> list[CheckMessage]:
    """Return why viewers would not get the signed cookies of the scopes."""
    from cfsigned_django.checks import cookies

    return cookies.check_cookies()
