"""Run a site whose admin has a theme, in a separate process.

::

    with run_themed_site(tmp_path, "grappelli") as address:
        urlopen(f"{address}/admin/")

The theme is the app before Django's admin, or "django" for none. Every visitor
is logged in as a superuser. One key pair signs, and the next one waits for its
public key ID.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse

from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from tests import settings as common
from tests.background import free_port, opens, plain_environment, running

ROOT = Path(__file__).parent.parent


@contextmanager
def run_themed_site(folder: Path, theme: str) -> Iterator[str]:
    """Run the site for the duration of the block, with its log in the folder; yield its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"

    with running(
        [sys.executable, "-m", "tests.themed_site", str(port), theme],
        is_ready=lambda: opens(f"{address}/admin/"),
        log=folder / f"{theme}.log",
        folder=ROOT,
        environment=plain_environment(),
    ):
        yield address


def log_in_everybody(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Return a middleware that lets each request come from the only user."""
    from django.contrib.auth.models import User

    def log_in(request: HttpRequest) -> HttpResponse:
        request.user = User.objects.get()
        return get_response(request)

    return log_in


def configure(theme: str) -> None:
    """Start Django with the settings of a site that rotates its keys by hand."""
    options = {name: value for name, value in vars(common).items() if name.isupper()}
    options |= {
        "ALLOWED_HOSTS": ["127.0.0.1"],
        "AWS_CLOUDFRONT_BY_HAND": True,
        "AWS_CLOUDFRONT_KEY": PrivateKey.generate().to_pem().decode(),
        "AWS_CLOUDFRONT_KEY_GROUP_ID": "5f9c0a7b-e2d1-4c83-9b56-1f0e8a7d3c24",
        "AWS_CLOUDFRONT_KEY_ID": "K2JCJMDEHXQW5F",
        "AWS_S3_CUSTOM_DOMAIN": "media.example.com",
        "INSTALLED_APPS": [*([] if theme == "django" else [theme]), *common.INSTALLED_APPS],
        "MIDDLEWARE": [*common.MIDDLEWARE, "tests.themed_site.log_in_everybody"],
        "STORAGES": {
            "default": {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        },
    }
    settings.configure(**options)
    django.setup()


def serve(port: str, theme: str) -> None:
    """Serve the site, with a database in memory, until the process is stopped."""
    configure(theme)
    from django.contrib import admin
    from django.contrib.auth.models import User
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.db import connections
    from django.test.testcases import LiveServerThread
    from django.urls import include, path

    from cfsigned_django.rotation.importing import import_settings_key
    from cfsigned_django.rotation.site import site_rotation

    own = [path("grappelli/", include("grappelli.urls"))] if theme == "grappelli" else []
    settings.ROOT_URLCONF = (*own, path("admin/", admin.site.urls))
    call_command("migrate", verbosity=0)
    User.objects.create_superuser("mina")
    rotation = replace(site_rotation(), key_groups=None)
    now = rotation.store.clock()
    import_settings_key(rotation, now=now - timedelta(days=97))
    rotation.start(algorithm=KeyAlgorithm.ECDSA_P256, now=now)
    shared = {"default": connections["default"]}
    shared["default"].inc_thread_sharing()
    server = LiveServerThread(
        "127.0.0.1", StaticFilesHandler, connections_override=shared, port=int(port)
    )
    server.start()
    server.join()


if __name__ == "__main__":
    serve(*sys.argv[1:])
