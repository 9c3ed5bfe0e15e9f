"""Register the app with Django."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy

from cfsigned_django.core.conf import honor_default_file_storage, is_in_tenant_apps


class CfsignedDjangoConfig(AppConfig):
    """Provide system checks, commands and the template tag."""

    name = "cfsigned_django"
    verbose_name = gettext_lazy("CloudFront signed media")
    #: A process asks the database this often which key signs; a rotation waits for twice as long.
    keyring_seconds = 60
    #: How far the clock of a machine that signs and that of an edge may be off, together, from the
    #: database's clock.
    clock_skew_seconds = 120
    #: If a process dies within a step, others do the step after this many seconds. One call to AWS
    #: takes up to 21 s, after a pause: see aws/client.py.
    claim_seconds = 60

    def __init__(self, app_name: str, app_module: ModuleType | None) -> None:
        super().__init__(app_name, app_module)
        # Here and not in ready(): models are imported before ready(), and may
        # already ask for the default storage.
        honor_default_file_storage()

    def ready(self) -> None:
        """Register the system checks, and the function that finds keys in the database.

        Raise :exc:`ImproperlyConfigured` if each tenant would have its own
        table of keys: all tenants of a process share one keyring.
        """
        if is_in_tenant_apps(self.name):
            raise ImproperlyConfigured(
                "cfsigned_django is in TENANT_APPS, so each tenant would have its own signing "
                "keys, but a process has one key for each key group. Put it into SHARED_APPS only."
            )
        from cfsigned_django.core import keyring
        from cfsigned_django.rotation.active import find_active_signer

        checks.register(late("check_undeployed_storages"), "files")
        checks.register(late("check_deployed_storages"), "files", deploy=True)
        checks.register(late("check_rotation"), "files")
        checks.register(late("check_encrypted_keys"), "database")
        checks.register(late("check_caches"), "caches")
        checks.register(late("check_cookies"), "security")
        keyring.register(find_active_signer, interval=self.keyring_seconds)


@cache  # Django registers a function once, also if the app is ready again
def late(name: str) -> Callable[..., list[checks.CheckMessage]]:
    """Return a check of checks.py, which is imported when the check runs.

    It needs the storages, which import boto3, and no process should wait for that when it starts.
    """

    def check(**kwargs: Any) -> list[checks.CheckMessage]:
        found: list[checks.CheckMessage] = import_string(f"cfsigned_django.checks.{name}")(**kwargs)
        return found

    return check
