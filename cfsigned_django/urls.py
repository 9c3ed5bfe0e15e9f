"""The endpoints of this package: ``path("media/", include("cfsigned_django.urls"))``."""

from __future__ import annotations

from django.urls import URLPattern, path

from cfsigned_django.views import refresh_cookies
from cfsigned_django.views.playlists import granted_playlist

app_name = "cfsigned"
urlpatterns: list[URLPattern] = [
    path("refresh/", refresh_cookies, name="refresh"),
    path("playlist/<token>/<path:name>", granted_playlist, name="playlist"),
]
