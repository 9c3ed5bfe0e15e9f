"""Store the files of these tests in a bucket, and count what is asked of it.

The tests are collected under their own settings only: other environments lack
the libraries that these name.
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.storage import storages

from tests.plugins_browser import (
    browser as browser,
    browser_type_launch_args as browser_type_launch_args,
    queries_beside_a_browser as queries_beside_a_browser,
)
from tests.storage_cases import S3_BACKEND

if django_settings.SETTINGS_MODULE != "tests.libraries.settings":
    collect_ignore_glob = ["*"]


def pytest_configure(config: pytest.Config) -> None:
    """Allow what libraries leave to the garbage collector: files, and capo's connections."""
    config.addinivalue_line("filterwarnings", "ignore:Unclosed file:ResourceWarning")
    config.addinivalue_line("filterwarnings", "ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(scope="session", autouse=True)
def _collected() -> Iterator[None]:
    """Collect the last of those here: at the end, pytest does so without the filters."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def media(site: Any, s3_options: dict[str, Any]) -> Any:
    """Return the default storage of a site that signs, with an empty bucket."""
    site.STORAGES = {
        "default": {"BACKEND": S3_BACKEND, "OPTIONS": s3_options},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    return storages["default"]


@pytest.fixture
def s3_requests(media: Any) -> Iterator[list[str]]:
    """Note each request to the bucket, by the name of its operation, such as ``HeadObject``.

    ``clear()`` it where counting begins.
    """
    requests: list[str] = []

    def note(model: Any, **_: Any) -> None:
        requests.append(model.name)

    events = media.connection.meta.client.meta.events
    events.register("before-call.s3", note)
    yield requests
    events.unregister("before-call.s3", note)
