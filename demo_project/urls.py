"""The addresses of the demo project."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("media/", include("cfsigned_django.urls")),
    path("", include("demo_project.gallery.urls")),
]
