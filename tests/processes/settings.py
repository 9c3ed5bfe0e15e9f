"""Configure the scratch site, on the database of the tests; it runs in the folder of its logs."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.settings import *  # noqa: F403 - the same site, which signs
from tests.settings import INSTALLED_APPS as COMMON_APPS

INSTALLED_APPS = [*COMMON_APPS[:-1], "tests.processes.site.ShortWaits"]
ROOT_URLCONF = "tests.processes.site"
ALLOWED_HOSTS = ["127.0.0.1"]
# As sites have it whose database is a server. An outage breaks what is kept.
DATABASES["default"]["CONN_MAX_AGE"] = 600  # type: ignore[assignment]  # noqa: F405
STORAGES = {
    "default": {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
AWS_STORAGE_BUCKET_NAME = "media"
AWS_S3_URL_PROTOCOL = "http:"
AWS_CLOUDFRONT_PROPAGATION_SECONDS = 4
# The key, its group, the domain, and how long a link lives.
globals().update(json.loads(os.environ["SITE_SETTINGS"]))
# Everything that any library writes, in one file for each process.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        "file": {
            "class": "logging.FileHandler",
            "filename": Path.cwd() / f"{os.getpid()}.log",
            "delay": True,
        }
    },
    "root": {"handlers": ["file"], "level": "DEBUG"},
}
