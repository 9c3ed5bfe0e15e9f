"""The scratch site: an app whose waits end within seconds, and a view that signs."""

from __future__ import annotations

import os
from typing import Any

from django.core.files.storage import storages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from cfsigned_django.apps import CfsignedDjangoConfig


class ShortWaits(CfsignedDjangoConfig):
    """Wait for seconds where a site waits for minutes."""

    keyring_seconds = 1
    clock_skew_seconds = 1
    claim_seconds = 3


def sign(request: HttpRequest) -> HttpResponse:
    """Return a signed URL, and which process signed it."""
    storage: Any = storages["default"]
    url = storage.url(request.GET["name"], expire=int(request.GET["expire"]))
    return JsonResponse({"url": url, "process": os.getpid()})


urlpatterns = [path("sign/", sign)]
