"""The Django site of a run: it exists in memory only, with its private keys."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any

import django
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import override_settings

from acceptance.cleanup import DEPLOY_SECONDS
from cfsigned_django.apps import CfsignedDjangoConfig

#: The page whose scripts may read files: CORS is asked about. Nothing is requested there.
ORIGIN = "https://www.example.com"
#: What makes cfsigned_setup do it.
APPLY = ("--apply", "--yes")
_STORAGES = {
    "default": {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Times in seconds. Those of the site are short, so that a rotation ends within minutes."""

    #: How long a signed URL lives at most.
    expire: int = 120
    propagation: int = 60
    clock_skew: int = 30
    keyring: int = 5
    #: Between two looks at something that takes minutes, and that takes seconds.
    look: float = 15.0
    glance: float = 1.0
    #: How long to ask for something that should happen within minutes.
    patience: float = 900.0
    #: How long to wait for a deployment, or for a command that waits.
    deployment: float = DEPLOY_SECONDS


class ShortWaits(CfsignedDjangoConfig):
    """The app with the waits of a run, which :func:`configure` sets."""


class CommandFailed(Exception):
    """A command of the package failed: the message is what it printed."""


def configure(bucket: str, pace: Pace) -> None:
    """Configure Django, and create the table of key pairs."""
    ShortWaits.clock_skew_seconds, ShortWaits.keyring_seconds = pace.clock_skew, pace.keyring
    settings.configure(
        SECRET_KEY=secrets.token_urlsafe(50),
        USE_TZ=True,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=["acceptance.site.ShortWaits"],
        STORAGES=_STORAGES,
        AWS_STORAGE_BUCKET_NAME=bucket,
        AWS_QUERYSTRING_EXPIRE=pace.expire,
        AWS_CLOUDFRONT_MAX_EXPIRE=pace.expire,
        AWS_CLOUDFRONT_PROPAGATION_SECONDS=pace.propagation,
    )
    django.setup()
    call_command("migrate", verbosity=0)


def deploy(values: Mapping[str, Any]) -> None:
    """Change settings, as a site does that deploys what cfsigned_setup printed."""
    override_settings(STORAGES=_STORAGES, **values).enable()


def command(name: str, *arguments: str) -> tuple[int, Any]:
    """Run a command of the package with --json; return its exit code and what it printed."""
    printed, code = StringIO(), 0
    try:
        call_command(name, *arguments, "--json", stdout=printed)
    except SystemExit as ended:
        code = int(ended.code or 0)
    except CommandError as error:
        if not printed.getvalue():
            raise CommandFailed(f"{name}: {error}") from error
        code = error.returncode
    return code, json.loads(printed.getvalue())
