"""Measure this package beside django-storages: ``make bench``."""

from __future__ import annotations

from django.conf import settings

# django-storages reads settings when it is imported.
if not settings.configured:
    settings.configure(USE_TZ=True, SECRET_KEY="benchmark" * 6)
