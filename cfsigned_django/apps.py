"""Register the app with Django."""

from __future__ import annotations

from django.apps import AppConfig


class CfsignedDjangoConfig(AppConfig):
    """Bring system checks, commands and the template tags."""

    name = "cfsigned_django"
    verbose_name = "CloudFront signed media"
