"""Configure one site with all the libraries whose use with the package is tested.

The libraries are in the dependency group of that name. ``make libraries`` makes
an environment with them for each Python, and runs these tests in it. One file::

    .venv/bin/tox run -e py311-libraries -- tests/libraries/test_apis.py

Tables are made without migrations, which would take longer than the tests.
"""

from __future__ import annotations

from tests.settings import *  # noqa: F403 - the same site, with more apps
from tests.settings import INSTALLED_APPS as COMMON_APPS

INSTALLED_APPS = [
    *COMMON_APPS,
    "django_ckeditor_5",
    "django_cleanup.apps.CleanupConfig",
    "easy_thumbnails",
    "filer",
    "imagekit",
    "import_export",
    "modelcluster",
    "modelsearch",
    "rest_framework",
    "sorl.thumbnail",
    "taggit",
    "tests.libraries",
    "versatileimagefield",
    "wagtail",
    "wagtail.admin",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.sites",
    "wagtail.users",
]

# versatileimagefield reads this alias when it is imported.
CACHES = {
    alias: {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": alias}
    for alias in ("default", "versatileimagefield_cache")
}
WAGTAIL_SITE_NAME = "Tests"
WAGTAILADMIN_BASE_URL = "https://www.example.com"
