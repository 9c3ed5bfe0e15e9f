"""Register the app with Django."""

from __future__ import annotations

from django.apps import AppConfig


class GalleryConfig(AppConfig):
    """The demo's one app."""

    name = "demo_project.gallery"
    default_auto_field = "django.db.models.BigAutoField"
