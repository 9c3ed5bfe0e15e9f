"""Configure Django for the tests: nothing leaves the process."""

from __future__ import annotations

from pathlib import Path
from tempfile import gettempdir

from tests.databases import databases

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
DATABASES = databases()
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
STATIC_URL = "static/"
# Nothing is saved there: tests that save files name a folder of their own.
MEDIA_ROOT = str(Path(gettempdir()) / "cfsigned_django-no-media")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
