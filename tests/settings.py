"""Configure Django for the tests: nothing leaves the process."""

from __future__ import annotations

SECRET_KEY = "only for tests"
USE_TZ = True
INSTALLED_APPS = ["cfsigned_django"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
