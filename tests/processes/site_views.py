"""Views of the scratch site."""

from __future__ import annotations

import os

from django.contrib import admin
from django.core.files.storage import storages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from cfsigned_django import conf
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.site import site_rotation
from cfsigned_django.storage import CloudFrontS3Storage


def sign(request: HttpRequest) -> HttpResponse:
    """Return a signed URL, and which process signed it."""
    storage = storages["default"]
    assert isinstance(storage, CloudFrontS3Storage)
    url = storage.url(request.GET["name"], expire=int(request.GET["expire"]))
    return JsonResponse({"url": url, "process": os.getpid()})


def fail(request: HttpRequest) -> HttpResponse:
    """Fail with all that a site has of its keys in local variables."""
    storage = storages["default"]
    config = conf.Config.read()
    rotation = site_rotation()
    key_pairs = list(KeyPair.objects.all())
    active = KeyPair.objects.get(status="active")
    signer = active.make_signer()
    private_key = signer.private_key
    held = (storage, config, rotation, key_pairs, private_key)
    signer.sign_url(f"not a URL, {len(held)}", date_less_than=1)
    raise AssertionError("a text other than a URL was signed")


urlpatterns = [
    path("admin/", admin.site.urls),
    path("sign/", sign),
    path("fail/", fail),
]
