"""Configure Django for the tests: nothing leaves the process."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from tempfile import gettempdir
from urllib.parse import unquote, urlsplit

SECRET_KEY = "only for tests, and as long as Django wants a secret key to be: 1q2w3e4r"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "cfsigned_django",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
# SQLite in memory, unless a URL names a server: postgresql://user@127.0.0.1:5432/name or
# mysql://...; scripts/postgres.sh and scripts/mariadb.sh start one and set it.
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
_server = urlsplit(os.environ.get("CFSIGNED_TEST_DATABASE_URL", ""))
if _server.scheme == "mysql":
    # PyMySQL needs no compiler and no header files; not every environment of the tests has it.
    importlib.import_module("pymysql").install_as_MySQLdb()
if _server.scheme:
    DATABASES["default"] = {
        "ENGINE": f"django.db.backends.{_server.scheme}",
        "HOST": _server.hostname or "",
        "PORT": str(_server.port or ""),
        "USER": unquote(_server.username or ""),
        "PASSWORD": unquote(_server.password or ""),
        "NAME": _server.path.removeprefix("/"),
    }
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
# The admin's; other tests bring their own. Passwords are not what is tested.
ROOT_URLCONF = "tests.admin.urls"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_URL = "static/"
# Nothing is saved there: tests that save files name another folder.
MEDIA_ROOT = str(Path(gettempdir()) / "cfsigned_django-no-media")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
